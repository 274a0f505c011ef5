"""Lines are compared as cc_net compares them; a plain character-by-character version says what is expected."""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from pretrain.corpus.lines import line_hashes, normalised


def plainly(line: str) -> str:
    """One line, one character at a time."""
    kept = []
    for character in line.lower():
        category = unicodedata.category(character)
        if category == "Nd":
            kept.append("0")
        elif category.startswith("Z"):
            kept.append(" ")
        elif not category.startswith(("P", "C")) and character not in "´∶～━►":
            kept.append(character)
    return "".join(kept).strip(" ")


def plain_hash(line: str) -> int:
    return int.from_bytes(hashlib.sha1(plainly(line).encode()).digest()[:8], "little")


EVERY_CHARACTER = "".join(chr(c) for c in range(sys.maxunicode + 1) if c != 10)


def test_every_character_of_unicode_becomes_what_it_should() -> None:
    # A letter between them: the lower case of a capital sigma depends on its neighbours.
    text = "\n".join(f"x{c}x" for c in EVERY_CHARACTER)
    expected = "\n".join(plainly(f"x{c}x") for c in EVERY_CHARACTER)
    assert normalised(text) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  Copyright (C) 2018-2019, all rights.  ", "copyright c 00000000 all rights"),
        ("Menu »", "menu"),
        ("١٢٣ و ४५", "000 و 00"),
        ("１００％", "000"),
        ("ΟΔΟΣ", "οδος"),
        ("İstanbul", "i̇stanbul"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("10\u00a0000\u3000", "00 000"),
        ("tab\tbetween", "tabbetween"),
        ("carriage return\r", "carriage return"),
        ("► ´a´ ∶ b～ ━", "a  b"),
        ("a + b = c €", "a + b = c €"),
        ("ﬁ Å é é", "ﬁ å é é"),  # no compatibility forms, no composition
        ("\ud800 a", "a"),
        ("...", ""),
        ("", ""),
    ],
)
def test_lines_in_the_form_in_which_they_are_compared(line: str, expected: str) -> None:
    assert normalised(line) == expected
    assert normalised(f"{line}\nЯ\n{line}") == f"{expected}\nя\n{expected}"


@pytest.mark.parametrize("text", ["", "\n", "a", "a\n", "\na", "a\n\n\nb", "ü\nü\n", "a\u2028b\x0bc\x85d\re"])
def test_there_is_a_hash_for_every_line_and_only_line_feeds_end_one(text: str) -> None:
    hashes = line_hashes(text)
    assert hashes.dtype == np.uint64
    assert len(hashes) == text.count("\n") + 1 == normalised(text).count("\n") + 1
    assert hashes.tolist() == [plain_hash(line) for line in text.split("\n")]


def test_a_hash_is_the_first_eight_bytes_of_sha1() -> None:
    # SHA-1 of "abc" begins a9993e364706816a (FIPS 180), that of nothing da39a3ee5e6b4b0d.
    assert [hex(h) for h in line_hashes("ABC!\n--")] == ["0x6a810647363e99a9", "0xd4b6b5eeea339da"]


def test_real_text_of_many_languages(shared_data: Path) -> None:
    for file in sorted((shared_data / "text" / "lingua_sentences").glob("*.txt"))[::3]:
        text = "\n".join(file.read_text(encoding="utf-8").split("\n")[:60])
        assert normalised(text) == "\n".join(map(plainly, text.split("\n")))
        assert line_hashes(text).tolist() == [plain_hash(line) for line in text.split("\n")]


def test_ascii_and_other_text_are_treated_alike() -> None:
    lines = ["Hello, World 42!", " a\tb ", "x" * 5000, "\x00\x7f~^`$+<=>|"]
    text = "\n".join(lines)
    assert line_hashes(text + "\né").tolist()[:-1] == line_hashes(text).tolist() == [plain_hash(line) for line in lines]
