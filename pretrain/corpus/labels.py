"""From the labels of language identification models to our codes for languages.

Models name languages as `__label__de` (lid.176), `__label__deu_Latn` (NLLB, OpenLID, GlotLID), `de` or `zh-TW`. What is
in `labels.tsv` gets the code of Table 6, or that of lid.176 for other languages, so that two models which mean the same
language name the same code. A language in a script that is not usual for it (`rus_Latn`) is another language, and so is
one that the table does not know (`ace_Arab`): both keep their own names, in lower case.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "labels.tsv"
PREFIX = "__label__"
UNDETERMINED = "und"
_REGIONS = {"zh-cn": "zh-Hans", "zh-sg": "zh-Hans", "zh-tw": "zh-Hant", "zh-hk": "zh-Hant", "zh-mo": "zh-Hant"}
_WITH_SCRIPT = re.compile(r"([a-z]{2,3})[-_]([a-z]{4})")
_PLAIN = re.compile(r"[a-z]{2,12}([-_][a-z0-9]+)*")  # in the pattern of pretrain/text.py


@cache
def code_of(label: str) -> str:
    """Our code for a model's label; one that means no language we know becomes a name that a text folder accepts."""
    name = label.removeprefix(PREFIX)
    codes, members, with_script = _table()
    folded = name.casefold()
    if folded in codes:
        return codes[folded]
    if (region := folded.replace("_", "-")) in _REGIONS:
        return _REGIONS[region]
    if folded in members:
        return members[folded]
    if (match := _WITH_SCRIPT.fullmatch(folded)) and (code := with_script.get((match[1], match[2]))):
        return code
    return _own_name(folded)


@cache
def _table() -> tuple[Mapping[str, str], Mapping[str, str], Mapping[tuple[str, str], str]]:
    """Codes by their lower case, codes by another name without a script, and codes by name and script."""
    with TABLE.open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader((line for line in f if not line.startswith("#")), delimiter="\t"))
    codes = {row["code"].casefold(): row["code"] for row in rows} | {"my_zaw": "my_zaw"}
    members: dict[str, str] = {}
    with_script: dict[tuple[str, str], str] = {}
    for row in rows:
        code, names = row["code"], row["names"].split()
        variant = len(code) > 3
        for name in names:
            members.setdefault(name, code)  # the first: `hin` without a script is hi, not hi_rom
        # A three-letter code of lid.176 is not always that of ISO 639-3: `als` is Alemannic there, Albanian here.
        for name in names if variant or len(code) == 3 else [code, *names]:
            for script in row["scripts"].casefold().split():
                with_script[name, script] = code
    return codes, members, with_script


def _own_name(name: str) -> str:
    """A name of its own in letters, digits, hyphens and underscores, beginning with a word of two to twelve letters."""
    kept = re.sub(r"([-_])[-_]+", r"\1", re.sub(r"[^a-z0-9_-]", "", name)).strip("-_")
    if _PLAIN.fullmatch(kept):
        return kept
    return f"{UNDETERMINED}-{kept}" if kept else UNDETERMINED
