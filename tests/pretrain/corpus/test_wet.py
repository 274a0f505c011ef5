"""Pages come out of WET files as warcio reads them; what is damaged is named and counted, and the rest is read."""

from __future__ import annotations

import gzip
import os
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator
from wet_files import DATE, conversion, member, record, warcinfo, wet_records, write_wet

from pretrain.corpus import wet
from pretrain.corpus.problems import Problems
from pretrain.corpus.wet import Page, long_enough, read_wet
from xlmr_bench.errors import DataError

PAGES = [(f"https://example.org/{i}", f"Page {i}\nДа, {i}.\n\n猫が{i}匹。\n") for i in range(6)]


def read(path: Path) -> tuple[list[Page], dict[str, int]]:
    problems = Problems()
    return list(read_wet(path, problems)), problems.counts


def urls(path: Path) -> list[str]:
    return [page.url for page in read(path)[0]]


def numbers(path: Path) -> list[int]:
    """The pages of `PAGES` that were read, their text as it was."""
    pages, texts = read(path)[0], dict(PAGES)
    assert all(page.text == texts[page.url] for page in pages)
    return [int(page.url.rpartition("/")[2]) for page in pages]


def named(path: Path) -> str:
    """All that is said of a file."""
    problems = Problems()
    list(read_wet(path, problems))
    return " | ".join(f"{kind}: {where}" for kind, places in problems.examples.items() for where in places)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(*members: bytes, name: str = "a.warc.wet.gz") -> Path:
        (tmp_path / name).write_bytes(b"".join(members))
        return tmp_path / name

    return write


def members() -> list[bytes]:
    return [member(r) for r in wet_records("a.warc.wet.gz", PAGES)]


def test_pages_have_their_url_date_and_text(tmp_path: Path) -> None:
    pages, problems = read(write_wet(tmp_path / "a.warc.wet.gz", PAGES))
    assert pages == [Page(url, DATE, text) for url, text in PAGES]
    assert problems == {}


@pytest.mark.parametrize("form", ["members", "one member", "plain"])
def test_warcio_finds_the_same_pages_in_every_form(form: str, tmp_path: Path) -> None:
    rng = random.Random(5)
    pages = [
        (f"https://a.example/{i}", "".join(rng.choices("añ猫 z\n", k=rng.choice([1, 900, 70_000])))) for i in range(12)
    ]
    pages = [(url, "\n".join(line.rstrip() for line in text.split("\n"))) for url, text in pages]
    path = write_wet(tmp_path / "a.warc.wet", pages, compressed=form == "members")
    plain = path if form != "members" else write_wet(tmp_path / "plain" / "a.warc.wet", pages)
    with plain.open("rb") as f:
        peer = [
            (r.rec_headers.get_header("WARC-Target-URI"), r.content_stream().read().decode())
            for r in ArchiveIterator(f)
            if r.rec_type == "conversion"
        ]
    if form == "one member":
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert [(p.url, p.text) for p in read(path)[0]] == peer == pages
    assert read(path)[1] == {}


def test_a_file_of_commoncrawl_is_read(shared_data: Path) -> None:
    pages, problems = read(shared_data / "commoncrawl" / "whirlwind.warc.wet.gz")
    assert [(p.url, p.date) for p in pages] == [("https://an.wikipedia.org/wiki/Escopete", "2024-05-18T01:58:10Z")]
    assert pages[0].text.startswith("Escopete - Biquipedia, a enciclopedia libre\nIr al contenido\n")
    assert problems == {}


def test_of_other_warc_files_nothing_is_taken_for_text(shared_data: Path) -> None:
    for name in ("whirlwind.warc.gz", "whirlwind.warc.wat.gz"):
        assert read(shared_data / "commoncrawl" / name) == ([], {})


@pytest.mark.parametrize("line", ["a ", "a\t", "a\r", "a\u00a0", "a\u3000 \r"])
@pytest.mark.parametrize("text", ["{}\n\n  b", "c\n{}", "{}"])
def test_white_space_at_the_end_of_lines_goes_and_nothing_else(line: str, text: str, tmp_path: Path) -> None:
    path = write_wet(tmp_path / "a.warc.wet.gz", [("https://a.example", text.format(line))])
    assert [p.text for p in read(path)[0]] == [text.format("a")]


def test_long_enough_is_300_characters_not_bytes() -> None:
    assert not long_enough(Page("u", "d", "é" * 299))
    assert long_enough(Page("u", "d", "e" * 300))


def test_reading_twice_gives_the_same(written: Callable[..., Path]) -> None:
    path = written(*members()[:3], members()[3][:-30], *members()[4:])
    assert read(path) == read(path)
    assert named(path) == named(path)


def test_a_file_cut_short_gives_the_pages_before_the_cut(written: Callable[..., Path]) -> None:
    whole = members()
    for cut in (1, 12, len(whole[4]) - 8, len(whole[4]) - 1):
        path = written(*whole[:4], whole[4][:cut])
        assert numbers(path) == [0, 1, 2]
        assert read(path)[1] == {wet.TRUNCATED: 1}
    assert "a.warc.wet.gz, record 5 (https://example.org/3): the file ends within a member" in named(path)


@pytest.mark.parametrize("place", [0, 3, 20, 100, -6])
def test_a_damaged_member_costs_its_own_page_alone(place: int, written: Callable[..., Path]) -> None:
    whole = members()
    broken = bytearray(whole[3])
    broken[place] ^= 0xFF
    path = written(*whole[:3], bytes(broken), *whole[4:])
    assert numbers(path) == [0, 1, 3, 4, 5]
    assert read(path)[1] == {wet.DAMAGED: 1}
    assert "a.warc.wet.gz, record 4" in named(path)


def test_a_page_whose_checksum_is_wrong_is_not_handed_out_although_it_can_be_read(written: Callable[..., Path]) -> None:
    broken = bytearray(members()[1])
    broken[-8] ^= 1
    assert numbers(written(members()[0], bytes(broken), *members()[2:])) == [1, 2, 3, 4, 5]


def test_a_damaged_beginning_is_skipped(written: Callable[..., Path]) -> None:
    path = written(b"\0" * 70_000, *members()[1:])
    assert numbers(path) == [0, 1, 2, 3, 4, 5]
    assert read(path)[1] == {wet.DAMAGED: 1}


def test_the_next_member_is_found_where_two_blocks_meet(written: Callable[..., Path]) -> None:
    for distance in range(-3, 2):
        path = written(*members()[:2], b"\0" * (65_536 + distance), *members()[2:])
        assert numbers(path) == [0, 1, 2, 3, 4, 5]


def test_bytes_that_are_there_twice_at_the_end_give_no_page_twice(written: Callable[..., Path]) -> None:
    whole = b"".join(members())
    for tail in (5, 200, len(members()[-1]), len(members()[-1]) * 2 + 9):
        path = written(whole, whole[-tail:])
        assert numbers(path) == [0, 1, 2, 3, 4, 5]
    assert read(path)[1] == {wet.DAMAGED: 1, wet.REPEATED: 2}


BROKEN = {
    "no length": conversion("https://bad.example", b"text", Content_Length=None),
    "a length that is no number": conversion("https://bad.example", b"text", Content_Length="4 bytes"),
    "a negative length": conversion("https://bad.example", b"text", Content_Length="-4"),
    "a length of 5,000 digits": conversion("https://bad.example", b"text", Content_Length="9" * 5000),
    "no address": conversion("https://bad.example", b"text", WARC_Target_URI=None),
    "no type": conversion("https://bad.example", b"text", WARC_Type=None),
    "no end": conversion("https://bad.example", b"")[:-6],
    "bytes that are no text": b"WARC/1.0\r\n" + bytes(range(128, 256)) * 3 + b"\r\n\r\n" + b"text\r\n\r\n",
    "no beginning": b"ten words that another reader takes for a header\r\n\r\n",
}


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_header_costs_its_own_page_alone(
    broken: bytes, compressed: bool, written: Callable[..., Path]
) -> None:
    records = wet_records("a", PAGES)
    records.insert(3, broken)
    path = written(*(member(r) if compressed else r for r in records))
    # Without a beginning of its own, what is not compressed belongs to the record before.
    swallowed = not compressed and not broken.startswith(b"WARC/")
    assert numbers(path) == ([0, 2, 3, 4, 5] if swallowed else [0, 1, 2, 3, 4, 5])
    assert sum(read(path)[1].values()) == 1
    assert "a.warc.wet.gz, record " in named(path)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("claimed", [0, 5, 11, 13 + 4, 13 + 6, 300, 5000, 10**9, 10**17])
def test_a_wrong_length_costs_its_own_page_alone(claimed: int, compressed: bool, written: Callable[..., Path]) -> None:
    records = wet_records("a", PAGES)
    records.insert(3, conversion("https://bad.example", b"some\nor other", Content_Length=str(claimed)))
    path = written(*(member(r) if compressed else r for r in records))
    good = [u for u in urls(path) if u != "https://bad.example"]
    assert good == [url for url, _ in PAGES]
    if claimed != 13 + 4:  # the length with the line ends behind it, as some programs count
        assert urls(path) == good
        assert sum(read(path)[1].values()) == 1
        assert "record 4 (https://bad.example)" in named(path)


def test_a_record_too_large_is_left_out_without_being_held_in_memory(written: Callable[..., Path]) -> None:
    size = wet.LARGEST_RECORD + 1
    path = written(*members()[:2], member(conversion("https://large.example", b"x" * size)), *members()[2:])
    tracemalloc.start()
    try:
        assert numbers(path) == [0, 1, 2, 3, 4, 5]
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()
    assert read(path)[1] == {wet.TOO_LARGE: 1}
    assert "https://large.example" in named(path)


def test_a_page_of_megabytes_without_a_line_break_is_a_page(tmp_path: Path) -> None:
    rng = random.Random(0)
    long = "".join(rng.choices("abcdefghij 猫", k=3_000_000))
    path = write_wet(tmp_path / "a.warc.wet.gz", [*PAGES[:2], ("https://long.example", long), *PAGES[2:]])
    pages, problems = read(path)
    assert [len(p.text) for p in pages if p.url == "https://long.example"] == [3_000_000]
    assert len(pages) == 7 and problems == {}


def test_nul_bytes_become_spaces_and_the_page_is_counted(tmp_path: Path) -> None:
    path = write_wet(tmp_path / "a.warc.wet.gz", [("https://nul.example", "a\0b\0\nc"), *PAGES])
    assert read(path)[0][0].text == "a b\nc"
    assert read(path)[1] == {wet.NUL: 1}
    assert "record 2 (https://nul.example): 2 of them" in named(path)


@pytest.mark.parametrize("text", [b"abc \xff", b"caf\xe9 ol\xe9", b"\xed\xa0\x80", b"\xf0\x9f\x98"])
def test_a_page_that_is_not_utf8_is_left_out(text: bytes, written: Callable[..., Path]) -> None:
    path = written(*members()[:3], member(conversion("https://latin.example", text)), *members()[3:])
    assert numbers(path) == [0, 1, 2, 3, 4, 5]
    assert read(path)[1] == {wet.NOT_UTF8: 1}
    assert "record 4 (https://latin.example): byte " in named(path)


def test_a_page_without_text_is_a_page(tmp_path: Path) -> None:
    pages, problems = read(write_wet(tmp_path / "a.warc.wet.gz", [("https://empty.example", ""), *PAGES]))
    assert pages[0] == Page("https://empty.example", DATE, "")
    assert len(pages) == 7 and problems == {}


def test_records_of_other_types_are_passed_over(written: Callable[..., Path]) -> None:
    response = record({"WARC-Type": "response", "WARC-Target-URI": "https://x", "Content-Length": "9"}, b"HTTP/1.1 ")
    assert read(written(member(warcinfo()), member(response), *members()[1:]))[1] == {}
    assert numbers(written(member(warcinfo()), member(response), *members()[1:])) == [0, 1, 2, 3, 4, 5]


def test_an_empty_file_is_said_to_be_empty(written: Callable[..., Path]) -> None:
    assert read(written()) == ([], {wet.EMPTY: 1})


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        b"<html>Service Unavailable</html>",
        os.urandom(100_000),
        gzip.compress(b"a list of words\n" * 1000),
        b"\n" * 99,
    ],
    ids=["one byte", "a page of a proxy", "noise", "other gzip", "line ends"],
)
def test_what_is_no_warc_file_is_said_to_be_none(content: bytes, written: Callable[..., Path]) -> None:
    path = written(content)
    assert read(path) == ([], {wet.NOT_WARC: 1})
    assert named(path) == "not a WARC file: a.warc.wet.gz"


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.warc.wet.gz", tmp_path):
        with pytest.raises(DataError, match=f"cannot read the WET file {path}"):
            list(read_wet(path, Problems()))


def test_nothing_is_printed_whatever_is_wrong(written: Callable[..., Path], capfd: pytest.CaptureFixture[str]) -> None:
    spaced = conversion("https://example.org/a b", b"text")
    read(written(*members()[:2], *map(member, BROKEN.values()), member(spaced), members()[3][:50], b"rest" * 99))
    assert capfd.readouterr() == ("", "")


def test_memory_is_that_of_a_page_not_of_the_file(tmp_path: Path) -> None:
    rng = random.Random(1)
    pages = [(f"https://a.example/{i}", "".join(rng.choices("abcdefgh", k=20_000))) for i in range(200)]
    plain = write_wet(tmp_path / "a.warc.wet", pages)
    single = tmp_path / "single.warc.wet.gz"
    single.write_bytes(gzip.compress(plain.read_bytes(), 1))
    for path in (plain, single, write_wet(tmp_path / "a.warc.wet.gz", pages)):
        problems = Problems()
        tracemalloc.start()
        try:
            assert sum(len(page.text) for page in read_wet(path, problems)) == 4_000_000
            assert tracemalloc.get_traced_memory()[1] < 1_500_000
        finally:
            tracemalloc.stop()


def test_any_single_byte_changed_loses_no_other_page(written: Callable[..., Path]) -> None:
    whole = members()
    rng = random.Random(2)
    for _ in range(150):
        which = rng.randrange(1, len(whole))
        broken = bytearray(whole[which])
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
        path = written(*whole[:which], bytes(broken), *whole[which + 1 :])
        others = [n for n in range(6) if n != which - 1]
        assert [n for n in numbers(path) if n != which - 1] == others


def test_problems_are_the_same_whoever_merges_them_in_which_order() -> None:
    rng = random.Random(3)
    places = [(f"kind {rng.randrange(3)}", f"file {i:03}, record {rng.randrange(9)}") for i in range(100)]
    whole = Problems()
    for kind, where in places:
        whole.add(kind, where)
    rng.shuffle(places)
    merged = Problems()
    for start in range(0, 100, 7):
        part = Problems()
        for kind, where in places[start : start + 7]:
            part.add(kind, where)
        merged.merge(Problems.from_json(part.as_json()))
    assert merged == whole and merged.total == 100
    assert list(merged.as_json()) == sorted(merged.counts)
    assert all(len(examples) == 5 for examples in merged.examples.values())


@pytest.mark.parametrize(
    "value", [None, [], {"kind": 3}, {"kind": {"count": "many", "examples": []}}, {"kind": {"count": 1}}]
)
def test_what_is_no_record_of_problems_is_refused(value: object) -> None:
    with pytest.raises(DataError, match="not a record of problems"):
        Problems.from_json(value)
