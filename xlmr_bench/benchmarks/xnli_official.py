"""What the official XNLI files hold, and the checks that any XNLI-like file must pass.

The content digests are SHA-256 over labels and texts with white space collapsed, so that copies which differ
only in blanks (there are several in circulation) count as the same data.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from ..errors import DataError
from ..examples import PairExample, Split, digest_rows

OFFICIAL_COLUMNS = ("language", "gold_label", "sentence1", "sentence2", "promptID", "pairID")
EXPECTED = {"dev": 2490, "test": 5010, "train": 392_702, "translate-dev": 2490, "translate-test": 5010}
REMEDY = "Fetch the file again: python -m xlmr_bench data fetch xnli DIR."

Block = list[tuple[int, tuple[str, ...]]]


def check_block(path: Path, role: str, language: str, block: Block, reference: Block, expected: int | None) -> None:
    """One language of an official file against the English block: length, order, labels, three labels a premise.

    A row is (line number, (label, premise, hypothesis, promptID, pairID)). Raises DataError with the first line
    that is wrong.
    """
    here = f"{path}: {language!r} {role}"
    ids = [row[4] for _, row in block]
    wanted = [row[4] for _, row in reference]
    if len(ids) != (expected or len(wanted)):
        raise DataError(
            f"{here} has {len(ids):,} rows instead of {expected or len(wanted):,} ({_irregularity(block, wanted)}). "
            f"{REMEDY}"
        )
    for (line, row), (_, other) in zip(block, reference, strict=True):
        if row[3:] != other[3:]:
            raise DataError(
                f"{path}, line {line}: pairID {row[4]} stands where {other[4]} is expected; "
                f"the rows of {language!r} are re-ordered. {REMEDY}"
            )
        if row[0] != other[0]:
            raise DataError(
                f"{path}, line {line}: {language!r} pair {row[4]} is labelled {row[0]}, its English original "
                f"{other[0]}. XNLI's languages share their labels. {REMEDY}"
            )
    order = [int(i) if i.isdigit() else -1 for i in ids]
    for place in range(1, len(order)):
        if order[place] <= order[place - 1]:
            raise DataError(f"{path}, line {block[place][0]}: pairIDs are not ascending; rows are re-ordered. {REMEDY}")
    _check_prompts(path, language, block)


def _irregularity(block: Block, wanted: list[str]) -> str:
    """Where a block of the wrong length first departs from three pairs a prompt, or from the wanted pairIDs."""
    for prompt, group in groupby(block, key=lambda numbered: numbered[1][3]):
        pairs = list(group)
        if len(pairs) != 3:
            return f"line {pairs[0][0]}: prompt {prompt} has {len(pairs)} pairs instead of 3"
    found = {row[4] for _, row in block}
    missing = next((i for i in wanted if i not in found), None)
    return f"first missing pairID: {missing}" if missing else f"last line {block[-1][0]}"


def _check_prompts(path: Path, language: str, block: Block) -> None:
    """Each premise comes with one hypothesis of each label, so that a changed label shows in a single language."""
    for start in range(0, len(block), 3):
        prompt = block[start : start + 3]
        labels = {row[0] for _, row in prompt}
        if len(prompt) < 3 or len(labels) < 3 or len({row[3] for _, row in prompt}) > 1:
            raise DataError(
                f"{path}, line {prompt[0][0]}: the pairs of {language!r} prompt {prompt[0][1][3]} are not one "
                f"entailment, one neutral and one contradiction. A label was changed or a row is missing. {REMEDY}"
            )


def check_aligned(split: Split[PairExample], reference: Split[PairExample]) -> None:
    """A translated file has the rows of its original: as many, with the same labels in the same order."""
    path = split.files[0]
    for place, (a, b) in enumerate(zip(split.examples, reference.examples, strict=False), 1):
        if a.label != b.label:
            raise DataError(
                f"{path}, example {place}: labelled {a.label}, but {b.label} in {reference.files[0]}. The file is "
                f"re-ordered, mislabelled or misses rows before this one. Fetch or translate it again."
            )
    if len(split.examples) != len(reference.examples):
        raise DataError(
            f"{path} has {len(split.examples):,} examples, {reference.files[0]} has {len(reference.examples):,}. "
            "A translated file must have the same rows as its original. Fetch or translate it again."
        )


def content_digest(examples: tuple[PairExample, ...]) -> str:
    """Digest of labels and texts, blanks collapsed: the first 16 hexadecimal digits."""
    return digest_rows((e.label, " ".join(e.premise.split()), " ".join(e.hypothesis.split())) for e in examples)[:16]


def deviation(split: Split[PairExample]) -> str | None:
    """How a split differs from the published data, in words; None where it does not, or nothing is known."""
    expected, found = EXPECTED[split.role], len(split.examples)
    if found != expected:
        return f"{found:,} of {expected:,} examples"
    known = DIGESTS.get((split.role, split.language))
    if known is not None and content_digest(split.examples) != known:
        return "texts or labels are not the official ones"
    return None


# Content digests of the published dev and test sets, see `content_digest`.
DIGESTS = {
    ("dev", "en"): "789593c3a3744709",
    ("dev", "fr"): "c5fecf821a6b1595",
    ("dev", "es"): "2c82e479a2ab6977",
    ("dev", "de"): "753ece933f829f57",
    ("dev", "el"): "982474658be2a22e",
    ("dev", "bg"): "7a278718ce210299",
    ("dev", "ru"): "ea5237abde46948a",
    ("dev", "tr"): "c5c51a96fae608e2",
    ("dev", "ar"): "7d697beefa9965dc",
    ("dev", "vi"): "6f95393dbeb30507",
    ("dev", "th"): "d34ccaafedf525a3",
    ("dev", "zh"): "c96ace6c6fb7b60a",
    ("dev", "hi"): "a0a725713a6609f9",
    ("dev", "sw"): "14c2a0cdd544969e",
    ("dev", "ur"): "af30525d5eeef36b",
    ("test", "en"): "328ea39553bf1497",
    ("test", "fr"): "743b33b13c4cb9e4",
    ("test", "es"): "3dd378bef33c11ab",
    ("test", "de"): "a1fd458f30d1d8fe",
    ("test", "el"): "d5803d7836183ea5",
    ("test", "bg"): "1a575113bb7ddaad",
    ("test", "ru"): "2420a4fbaa67273b",
    ("test", "tr"): "d270439a9892e49f",
    ("test", "ar"): "fab7f90609f7e118",
    ("test", "vi"): "a21ee515409782e3",
    ("test", "th"): "3d2e7410a5127944",
    ("test", "zh"): "c7ed0693720b69fb",
    ("test", "hi"): "7dc41fd05eb2964b",
    ("test", "sw"): "2076642b20b3aea1",
    ("test", "ur"): "efa419a4a08950e6",
}
