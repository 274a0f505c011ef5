"""Raw text: which files are found, how lines are read whatever is in them, and how damage is told."""

from __future__ import annotations

import gzip
import lzma
import random
import re
import tracemalloc
from pathlib import Path

import pytest

from pretrain.text import LONGEST_LINE_BYTES, TextFile, byte_ranges, decode, find_text, open_text, read_lines
from xlmr_bench.errors import DataError, UsageError


def write(path: Path, content: bytes | str) -> TextFile:
    """A file of text, compressed as its name says."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".xz":
        data = lzma.compress(data)
    path.write_bytes(data)
    return TextFile.at(path, path.name, path.name.partition(".")[0])


def lines_of(file: TextFile, start: int = 0, stop: int | None = None) -> list[str]:
    with open_text(file) as (text, _):
        return [decode(file, offset, line) for offset, line in read_lines(file, text, start, stop)]


# --- finding ---


def test_files_and_folders_of_files_are_found_plain_and_compressed(tmp_path: Path) -> None:
    for name in ("en.txt", "zh-Hans.txt.xz", "hi_rom.txt.gz", "sw/b.txt", "sw/a.txt.gz"):
        write(tmp_path / name, "word\n")
    (tmp_path / ".hidden.txt").write_text("x")
    (tmp_path / "sw" / "notes.md").write_text("x")
    found = find_text(tmp_path)
    assert {code: [f.name for f in files] for code, files in found.items()} == {
        "en": ["en.txt"], "hi_rom": ["hi_rom.txt.gz"], "sw": ["sw/a.txt.gz", "sw/b.txt"], "zh-Hans": ["zh-Hans.txt.xz"],
    }  # fmt: skip


def test_languages_can_be_chosen_and_an_unknown_one_gets_the_nearest(tmp_path: Path) -> None:
    for name in ("en.txt", "sw.txt", "README.txt"):
        write(tmp_path / name, "word\n")
    assert list(find_text(tmp_path, "sw,en")) == ["en", "sw"]
    with pytest.raises(UsageError, match=r"unknown language .*'swa'\. Did you mean 'sw'\?"):
        find_text(tmp_path, "en,swa")
    with pytest.raises(UsageError, match="names no language"):
        find_text(tmp_path, " , ")


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the text folder"):
        find_text(tmp_path / "none")
    with pytest.raises(DataError, match="no text in"):
        find_text(tmp_path)
    write(tmp_path / "README.txt", "about\n")
    with pytest.raises(DataError, match="'README' is no language code"):
        find_text(tmp_path)
    (tmp_path / "README.txt").unlink()
    write(tmp_path / "en.txt", "word\n")
    write(tmp_path / "en.txt.gz", "word\n")
    with pytest.raises(DataError, match=r"both en\.txt and en\.txt\.gz"):
        find_text(tmp_path)
    (tmp_path / "en.txt.gz").unlink()
    write(tmp_path / "sw.txt", "")
    with pytest.raises(DataError, match=r"sw\.txt is empty"):
        find_text(tmp_path)


# --- reading ---


@pytest.mark.parametrize("name", ["en.txt", "en.txt.gz", "en.txt.xz"])
def test_lines_lose_byte_order_mark_carriage_returns_and_nul(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name, b"\xef\xbb\xbfone\r\n\r\n  two\0words\0\n \t\nth\rree\xe2\x80\xa8\nlast")
    assert lines_of(file) == ["one", "", "two words", "", "th\rree\u2028", "last"]


def test_a_file_of_one_line_without_an_end_is_one_line(tmp_path: Path) -> None:
    assert lines_of(write(tmp_path / "en.txt", "alone")) == ["alone"]


@pytest.mark.parametrize("lead", ["", "a", "ab", "abc"])
def test_a_very_long_line_comes_in_parts_that_lose_nothing(tmp_path: Path, lead: str) -> None:
    unbroken = lead + "𝒳" * 500_000 + "ශ්‍රීé" * 100_000
    words = "word and " * 400_000
    file = write(tmp_path / "si.txt", f"{unbroken}\nshort\n{words}\n")
    lines = lines_of(file)
    at = lines.index("short")
    assert "".join(lines[:at]) == unbroken
    assert " ".join(lines[at + 1 :]) == words.strip()
    assert len(lines) > 5
    assert max(len(line.encode()) for line in lines) <= LONGEST_LINE_BYTES


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "en.txt.xz", "x" * 40_000_000)
    tracemalloc.start()
    try:
        with open_text(file) as (text, _):
            assert sum(len(line) for _, line in read_lines(file, text)) == 40_000_000
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


# --- byte ranges ---


def random_text(seed: int) -> str:
    """Documents of random lines, with one, two or no blank lines between them."""
    rng = random.Random(seed)
    lines = ["é" * rng.randrange(1, 40) if rng.random() < 0.8 else rng.choice(["", " \t", "\r"]) for _ in range(300)]
    return "\n".join(lines)


@pytest.mark.parametrize("whole_documents", [True, False])
def test_ranges_cover_a_file_and_end_where_lines_or_documents_end(tmp_path: Path, whole_documents: bool) -> None:
    for seed in range(30):
        text = random_text(seed)
        file = write(tmp_path / "en.txt", text)
        ranges = byte_ranges(file, 400, whole_documents)
        assert len(ranges) > 5
        assert [start for start, _ in ranges] == [0, *(stop for _, stop in ranges[:-1])]
        assert ranges[-1][1] == file.size
        for _, stop in ranges[:-1]:
            before, after = text.encode()[:stop], text.encode()[stop - 1 :]
            assert before.endswith(b"\n")
            if whole_documents and re.search(rb"\n[ \t\r]*\n", after):
                assert re.search(rb"\n[ \t\r]*\n\Z", before)
        assert [line for part in ranges for line in lines_of(file, *part)] == lines_of(file)


def test_a_compressed_file_is_one_range(tmp_path: Path) -> None:
    assert byte_ranges(write(tmp_path / "en.txt.gz", "word\n" * 1000), 100, True) == [(0, 0)]


def test_a_line_longer_than_a_range_is_not_divided(tmp_path: Path) -> None:
    file = write(tmp_path / "en.txt", "a" * 3_000_000 + "\n\nb\n" + "c" * 2_000_000)
    assert byte_ranges(file, 1000, True) == [(0, 3_000_002), (3_000_002, file.size)]


# --- damage ---


def test_a_byte_that_is_not_utf8_is_named_with_its_place(tmp_path: Path) -> None:
    good = "één\n" * 5
    file = write(tmp_path / "en.txt", good.encode() + b" \0 ok \xff rest\nmore\n")
    offset = len(good.encode()) + 6
    message = rf"en\.txt, line 6, byte {offset}: not UTF-8 \(0xff, invalid start byte\)\. .*iconv -c -f utf-8 -t utf-8"
    with pytest.raises(DataError, match=message):
        lines_of(file)
    with pytest.raises(DataError, match=message):
        lines_of(file, 10, file.size)
    with pytest.raises(DataError, match=rf"line 6, byte {offset} of the uncompressed text"):
        lines_of(write(tmp_path / "en.txt.gz", file.path.read_bytes()))


def test_a_file_cut_inside_a_character_is_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 2, byte 3: not UTF-8 \(0xc3, unexpected end of data\)"):
        lines_of(write(tmp_path / "en.txt", b"a\nb\xc3"))


def test_utf16_gets_the_command_that_converts_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="iconv -f utf-16 -t utf-8"):
        lines_of(write(tmp_path / "en.txt", "word".encode("utf-16")))


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_a_compressed_file_cut_short_is_refused(tmp_path: Path, suffix: str) -> None:
    file = write(tmp_path / f"en.txt{suffix}", random.Random(1).randbytes(50_000).hex())
    file.path.write_bytes(file.path.read_bytes()[:-20_000])
    with pytest.raises(DataError, match=rf"en\.txt\{suffix}: damaged or cut short"):
        lines_of(file)
    file.path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="damaged or cut short"):
        lines_of(file)
