"""The public archives that benchmark data come from: one entry each, no code.

CoNLL is not among them (its texts are licensed), nor GLUE's MRPC (whose publisher allows no copies).
"""

from __future__ import annotations

from dataclasses import dataclass

_MLQA_LANGUAGES = ("ar", "de", "en", "es", "hi", "vi", "zh")
_XQUAD_LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")
_MLQA = "https://dl.fbaipublicfiles.com/MLQA"
_SQUAD = "https://rajpurkar.github.io/SQuAD-explorer/dataset"
_XQUAD = "https://raw.githubusercontent.com/google-deepmind/xquad/master"
_GLUE = "https://dl.fbaipublicfiles.com/glue/data"
# Archive names and, where they differ, the tasks that they hold.
_GLUE_FILES = {
    "MNLI": ("train.tsv", "dev_matched.tsv", "dev_mismatched.tsv"),
    **dict.fromkeys(("QNLI", "QQP", "SST-2", "STS-B", "CoLA", "RTE", "WNLI"), ("train.tsv", "dev.tsv")),
}
_GLUE_ARCHIVES = {"QNLI": "QNLIv2", "QQP": "QQP-clean"}
_XNLI_LANGUAGES = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")


@dataclass(frozen=True)
class Archive:
    """One downloadable archive, or a single file where its name ends in .json, and what is known about it.

    size (bytes) and sha256 are those of the archive; None where its publisher states none and we have not measured
    them: the first download is then written down and binds the later ones. members: files it must contain.
    max_bytes: what it may hold unpacked. note: what a user should know before using the data.
    """

    name: str
    url: str
    size: int | None
    sha256: str | None
    members: tuple[str, ...]
    max_bytes: int
    licence: str
    note: str


ARCHIVES: tuple[Archive, ...] = (
    Archive(
        name="XNLI-1.0",
        url="https://dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip",
        size=17_865_352,
        sha256="4ba1d5e1afdb7161f0f23c66dc787802ccfa8a25a3ddd3b165a35e50df346ab1",
        members=("XNLI-1.0/xnli.dev.tsv", "XNLI-1.0/xnli.test.tsv"),
        max_bytes=500_000_000,
        licence="CC BY-NC 4.0",
        note="XNLI dev and test in 15 languages (Conneau et al. 2018); not for commercial use.",
    ),
    Archive(
        name="XNLI-MT-1.0",
        url="https://dl.fbaipublicfiles.com/XNLI/XNLI-MT-1.0.zip",
        size=None,
        sha256=None,
        members=tuple(f"XNLI-MT-1.0/multinli/multinli.train.{language}.tsv" for language in _XNLI_LANGUAGES),
        max_bytes=5_000_000_000,
        licence="CC BY-NC 4.0",
        note="MultiNLI train in English and machine-translated into 14 languages; not for commercial use.",
    ),
    *(
        Archive(
            name=f"SQuAD-1.1-{part}",
            url=f"{_SQUAD}/{part}-v1.1.json",
            size=None,
            sha256=None,
            members=(f"squad/{part}-v1.1.json",),
            max_bytes=200_000_000,
            licence="CC BY-SA 4.0",
            note=f"SQuAD v1.1 {part} (Rajpurkar et al. 2016).",
        )
        for part in ("train", "dev")
    ),
    Archive(
        name="MLQA_V1",
        url=f"{_MLQA}/MLQA_V1.zip",
        size=None,
        sha256=None,
        members=tuple(
            f"MLQA_V1/{part}/{part}-context-{a}-question-{b}.json"
            for part in ("dev", "test")
            for a in _MLQA_LANGUAGES
            for b in _MLQA_LANGUAGES
        ),
        max_bytes=2_000_000_000,
        licence="CC BY-SA 3.0",
        note="MLQA dev and test, all 49 pairs of languages (Lewis et al. 2020).",
    ),
    *(
        Archive(
            name=f"mlqa-translate-{part}",
            url=f"{_MLQA}/mlqa-translate-{part}.tar.gz",
            size=None,
            sha256=None,
            members=members,
            max_bytes=5_000_000_000,
            licence="CC BY-SA 3.0",
            note=note,
        )
        for part, members, note in (
            (
                "train",
                tuple(
                    f"mlqa-translate-train/{code}_squad-translate-train-{role}-v1.1.json"
                    for code in _MLQA_LANGUAGES
                    for role in ("train", "dev")
                    if code != "en"
                ),
                "SQuAD machine-translated into MLQA's languages by its authors.",
            ),
            (
                "test",
                tuple(
                    f"mlqa-translate-test/translate-test-context-{code}-question-{code}.json"
                    for code in _MLQA_LANGUAGES
                    if code != "en"
                ),
                "MLQA's test sets machine-translated into English by its authors.",
            ),
        )
    ),
    *(
        Archive(
            name=f"XQuAD-{code}",
            url=f"{_XQUAD}/xquad.{code}.json",
            size=None,
            sha256=None,
            members=(f"xquad/xquad.{code}.json",),
            max_bytes=50_000_000,
            licence="CC BY-SA 4.0",
            note=f"XQuAD {code} (Artetxe et al. 2020).",
        )
        for code in _XQUAD_LANGUAGES
    ),
    *(
        Archive(
            name=f"GLUE-{task}",
            url=f"{_GLUE}/{_GLUE_ARCHIVES.get(task, task)}.zip",
            size=None,
            sha256=None,
            members=tuple(f"{task}/{file}" for file in files),
            max_bytes=3_000_000_000,
            licence="see gluebenchmark.com/tasks",
            note=f"GLUE {task} (Wang et al. 2019).",
        )
        for task, files in _GLUE_FILES.items()
    ),
)
