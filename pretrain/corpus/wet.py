"""Pages of a WET file: the text that CommonCrawl extracted from each page of a crawl, without its HTML.

A WET file is a row of gzip members, each one WARC record (ISO 28500): a `warcinfo`, then a `conversion` for each page.
Files that are not compressed, or compressed as a whole, are read too. A page is handed out only when its member's
checksum has been seen to be right, and behind a damaged member the next sound one is looked for.

What is wrong with a file is counted and named, and reading goes on behind it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xlmr_bench.errors import DataError

from .members import BLOCK, WARC, Bytes, Compressed, Damage, find_member
from .problems import Problems

MIN_CHARACTERS = 300  # cc_net's; it does not count the page's first line and blank ones
LARGEST_RECORD = 1 << 26  # bytes; CommonCrawl cuts pages at 1 to 5 MiB of HTML

TRUNCATED = "gzip cut short"
DAMAGED = "damaged gzip"
HEADER = "broken WARC header"
LENGTH = "record longer or shorter than its Content-Length"
TOO_LARGE = "record too large"
REPEATED = "record repeated in its file"
NUL = "page with NUL bytes"  # they became spaces; the page is kept
NOT_UTF8 = "invalid UTF-8"
NOT_WARC = "not a WARC file"
EMPTY = "empty file"

_SHOWN = 200  # characters of a URL
_LENGTH = re.compile("[0-9]{1,18}")
# A lookbehind, because a search is fast for a pattern that begins with one character.
_TRAILING_SPACE = re.compile(r"\n(?<=[^\S\n]\n)")


@dataclass(frozen=True, slots=True)
class Page:
    """A page's address, the time it was fetched (as the file says it) and its text, lines without trailing space."""

    url: str
    date: str
    text: str


def long_enough(page: Page) -> bool:
    """Whether the page has the 300 characters below which cc_net drops a document on reading."""
    return len(page.text) >= MIN_CHARACTERS


def read_wet(path: Path, problems: Problems) -> Iterator[Page]:
    """The pages of a file in its order; the same file gives the same pages and problems each time.

    White space at the end of each line is dropped, and with it the carriage return before a line feed, and nothing
    else: blank lines stay. A page is left out where its record is damaged, not UTF-8, or there a second time.
    Raises DataError where there is no file or it cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            yield from _Reader(path.name, problems).pages(file)
    except OSError as e:
        raise DataError(f"cannot read the WET file {path}: {e.strerror or e}. Check the path, or fetch it.") from e


class _Reader:
    """Reads one file, and knows the record at which something is wrong."""

    def __init__(self, name: str, problems: Problems) -> None:
        self._name = name
        self._problems = problems
        self._number = 0  # of the record under way, counted from 1
        self._url = ""
        self._seen: set[str] = set()

    def pages(self, file: io.FileIO) -> Iterator[Page]:
        head = file.read(len(WARC))
        if not head:
            self._problems.add(EMPTY, self._name)
        elif head == WARC:
            file.seek(0)
            yield from self._records(Bytes(iter(lambda: file.read(BLOCK), b"")))
        elif (first := find_member(file, 0)) is None:
            self._problems.add(NOT_WARC, self._name)
        else:
            if first:
                self._problems.add(DAMAGED, f"{self._name}, byte 0: no record begins before byte {first:,}")
            yield from self._members(file, first)

    def _members(self, file: io.FileIO, first: int) -> Iterator[Page]:
        source = Compressed(file, first)
        while not source.ended:
            start, number = source.offset, self._number
            try:
                yield from self._records(Bytes(source.member()))
            except Damage as e:
                if self._number == number:  # not even its header was read
                    self._begin()
                self._bad(TRUNCATED if e.cut_short else DAMAGED, f"{e} (the gzip member at byte {start:,})")
                following = find_member(file, start + 1)
                if following is None:
                    return
                source = Compressed(file, following)

    def _records(self, stream: Bytes) -> Iterator[Page]:
        """The pages of records one behind the other; one is handed out when what follows its record is sound."""
        page: Page | None = None
        number = self._number
        while start := stream.next_start():
            if start != WARC:
                if self._number == number:
                    self._begin()
                    self._bad(HEADER, f"begins with {start!r}")
                else:
                    self._bad(LENGTH, f"followed by {start!r}")
                page = None
                stream.skip_to_record()
                continue
            if page is not None:
                yield page
            page = self._record(stream)
        if page is not None:
            yield page

    def _record(self, stream: Bytes) -> Page | None:
        """Read a record; None for one that is no page, or none to be used."""
        self._begin()
        headers = stream.headers()
        kind, length = headers.get("warc-type", ""), headers.get("content-length", "")
        self._url = headers.get("warc-target-uri", "").strip("<>")
        if not kind or not _LENGTH.fullmatch(length) or (kind == "conversion" and not self._url):
            self._bad(HEADER, f"WARC-Type {kind!r}, Content-Length {length!r}")
        elif int(length) > LARGEST_RECORD:
            self._bad(TOO_LARGE, f"{int(length):,} bytes")
        elif len(content := stream.take(int(length))) < int(length):
            self._bad(LENGTH, f"{len(content):,} bytes of {int(length):,}")
        elif kind != "conversion" or self._repeated(headers.get("warc-record-id")):
            return None
        else:
            return self._page(content, headers.get("warc-date", ""))
        stream.skip_to_record()
        return None

    def _page(self, content: bytes, date: str) -> Page | None:
        try:
            text = content.decode()
        except UnicodeDecodeError as e:
            self._bad(NOT_UTF8, f"byte {e.start:,} of the text ({e.reason})")
            return None
        if b"\0" in content:
            self._bad(NUL, f"{content.count(0):,} of them")
            text = text.replace("\0", " ")
        if _TRAILING_SPACE.search(text) or (text[-1:].isspace() and text[-1] != "\n"):
            text = "\n".join([line.rstrip() for line in text.split("\n")])
        return Page(self._url, date, text)

    def _repeated(self, identifier: str | None) -> bool:
        """Whether the file holds the record a second time: every line of such a page would pass for a repeated one."""
        if identifier is None:
            return False
        if identifier in self._seen:
            self._bad(REPEATED, identifier)
            return True
        self._seen.add(identifier)
        return False

    def _begin(self) -> None:
        self._number += 1
        self._url = ""

    def _bad(self, kind: str, reason: str) -> None:
        url = f" ({self._url[:_SHOWN]})" if self._url else ""
        self._problems.add(kind, f"{self._name}, record {self._number:,}{url}: {reason}")
