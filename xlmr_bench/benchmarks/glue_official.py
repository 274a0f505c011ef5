"""What the official GLUE files hold, and how a copy of them is measured against it.

Sizes are those of the files that the benchmark's own site distributes (Wang et al. 2019, Table 1, rounded there).
The content digests are SHA-256 over labels and texts with white space collapsed, as for XNLI.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import DataError
from ..examples import LabelledText, Split, digest_rows

REMEDY = "Download the task again from gluebenchmark.com/tasks."

# (task, role) -> examples. QQP's training file is in circulation with and without its broken lines.
EXPECTED: dict[tuple[str, str], tuple[int, ...]] = {
    ("MNLI", "train"): (392_702,),
    ("MNLI", "dev"): (9815,),
    ("MNLI", "dev-mismatched"): (9832,),
    ("QNLI", "train"): (104_743,),
    ("QNLI", "dev"): (5463,),
    ("QQP", "train"): (363_849, 363_846),
    ("QQP", "dev"): (40_430,),
    ("SST-2", "train"): (67_349,),
    ("SST-2", "dev"): (872,),
    ("MRPC", "train"): (3668,),
    ("MRPC", "dev"): (408,),
    ("STS-B", "train"): (5749,),
    ("STS-B", "dev"): (1500,),
    ("CoLA", "train"): (8551,),
    ("CoLA", "dev"): (1043,),
    ("RTE", "train"): (2490,),
    ("RTE", "dev"): (277,),
    ("WNLI", "train"): (635,),
    ("WNLI", "dev"): (71,),
}


def measured(task: str, split: Split[LabelledText], broken: tuple[int, ...], named: bool) -> Split[LabelledText]:
    """The split with its standing: `official`, and in `deviation` how it differs from the published data.

    `broken` are lines that were left out; a complete file stays official without them, and they are noted. A dev
    set of another size than the published one is refused, since what is reported is measured on it, unless the
    user chose that very file (`named`); a training set of another size is only marked.
    """
    expected, found = EXPECTED[task, split.role], len(split.examples)
    if found not in expected and split.role != "train" and not named:
        raise DataError(
            f"{split.files[0]}: GLUE {task} {split.role} has {found:,} examples instead of {expected[0]:,}. The file "
            f"is cut, or a subset. {REMEDY} To use it as it is, marked so in every result, name it: "
            f"--files '{split.role}={split.files[0]}'."
        )
    difference = _difference(task, split)
    return replace(split, official=difference is None, deviation=difference, note=_left_out(broken))


def content_digest(examples: tuple[LabelledText, ...]) -> str:
    """Digest of labels and texts, blanks collapsed: the first 16 hexadecimal digits."""
    return digest_rows((e.label, *(" ".join(t.split()) for t in (e.first, e.second or ""))) for e in examples)[:16]


def _difference(task: str, split: Split[LabelledText]) -> str | None:
    expected, found = EXPECTED[task, split.role], len(split.examples)
    if found not in expected:
        return f"{found:,} of {expected[0]:,} examples"
    known = DIGESTS.get((task, split.role))
    if known is not None and content_digest(split.examples) != known:
        return "texts or labels are not the official ones"
    return None


def _left_out(broken: tuple[int, ...]) -> str | None:
    if not broken:
        return None
    shown = ", ".join(map(str, broken[:5])) + (", ..." if len(broken) > 5 else "")
    return f"{len(broken)} broken line{'s' * (len(broken) > 1)} left out ({shown})"


# Content digests of the published sets, see `content_digest`; the others are known by their size alone.
DIGESTS = {
    ("QNLI", "dev"): "840c189db27f1558",
    ("SST-2", "train"): "634f020bb4c6218d",
    ("SST-2", "dev"): "821f94fcc633670c",
    ("MRPC", "train"): "27e9be560a3b3cdc",
    ("MRPC", "dev"): "93009f877cda9cd4",
    ("STS-B", "train"): "9e3c832253a47dfa",
    ("STS-B", "dev"): "40684a95367303d6",
    ("CoLA", "train"): "2e16b98305d01436",
    ("CoLA", "dev"): "07456aa17645f24e",
    ("RTE", "train"): "72ed904beb294ee1",
    ("RTE", "dev"): "8c905db172fa5a5e",
    ("WNLI", "train"): "b27d9f789e02c056",
    ("WNLI", "dev"): "681eb212c69f5892",
}
