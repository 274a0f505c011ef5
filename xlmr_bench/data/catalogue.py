"""The public archives that benchmark data come from: one entry each, no code.

A new archive (MLQA, SQuAD, GLUE, ...) is one more `Archive` in `ARCHIVES`.
"""

from __future__ import annotations

from dataclasses import dataclass

_XNLI_LANGUAGES = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")


@dataclass(frozen=True)
class Archive:
    """One downloadable archive and what is known about it.

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
)
