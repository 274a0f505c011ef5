"""The bytes of a WET file: from the gzip members to the records in them, whatever the members hold or lack.

`Compressed` hands out the content of one member after another, `Bytes` cuts records out of such content, and
`find_member` finds the next sound member behind a damaged one. Memory is that of a block and a record.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator

BLOCK = 1 << 16  # bytes read at once
_MOST_AT_ONCE = 1 << 20  # of uncompressed ones; zlib can make a thousand of one
WARC = b"WARC/"  # what every record begins with
_RECORD = b"\n" + WARC
_GZIP = b"\x1f\x8b\x08"
_HEADER_BYTES = 1 << 16
_HEADER_END = b"\r\n\r\n"
_LINE_ENDS = re.compile(rb"[\r\n]*")


class Damage(Exception):
    """A gzip member that cannot be read to its end."""

    def __init__(self, reason: str, *, cut_short: bool = False) -> None:
        super().__init__(reason)
        self.cut_short = cut_short


class Compressed:
    """A compressed file from some member on."""

    def __init__(self, file: io.FileIO, offset: int) -> None:
        self._file = file
        self._rest = b""
        self._read = file.seek(offset)

    @property
    def offset(self) -> int:
        """Where the next member begins."""
        return self._read - len(self._rest)

    @property
    def ended(self) -> bool:
        self._rest = self._rest or self._next_block()
        return not self._rest

    def member(self) -> Iterator[bytes]:
        """The content of the next member; after the last block zlib has compared the checksum."""
        gzip = zlib.decompressobj(wbits=31)
        while not gzip.eof:
            raw = self._rest or self._next_block()
            try:
                data = gzip.decompress(raw, _MOST_AT_ONCE)
            except zlib.error as e:
                raise Damage(str(e).rpartition(": ")[2]) from e
            self._rest = gzip.unused_data if gzip.eof else gzip.unconsumed_tail
            if data:
                yield data
            elif not raw:
                raise Damage("the file ends within a member", cut_short=True)

    def _next_block(self) -> bytes:
        block = self._file.read(BLOCK)
        self._read += len(block)
        return block


def find_member(file: io.FileIO, start: int) -> int | None:
    """Where, from `start` on, the first gzip member begins that begins with a WARC record."""
    end = file.seek(start)
    block = b""
    while more := file.read(BLOCK):
        end += len(more)
        block = block[1 - len(_GZIP) :] + more
        at = block.find(_GZIP)
        while at >= 0:
            if _begins_record(file, end - len(block) + at):
                return end - len(block) + at
            at = block.find(_GZIP, at + 1)
        file.seek(end)
    return None


def _begins_record(file: io.FileIO, offset: int) -> bool:
    file.seek(offset)
    try:
        return zlib.decompressobj(wbits=31).decompress(file.read(BLOCK), len(WARC)) == WARC
    except zlib.error:
        return False


class Bytes:
    """Uncompressed bytes that come in blocks, of which those still needed are kept."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._data = b""
        self._at = 0
        self._taken = b""

    def next_start(self) -> bytes:
        """Step over line ends; the first bytes of what follows, none at the end."""
        while True:
            self._at = _LINE_ENDS.match(self._data, self._at).end()  # type: ignore[union-attr]
            if len(self._data) - self._at >= len(WARC) or not self._more():
                return self._data[self._at : self._at + len(WARC)]

    def headers(self) -> dict[str, str]:
        """The headers of the record that begins here, names in lower case; empty where they do not end."""
        self._taken = b""
        while (end := self._data.find(_HEADER_END, self._at)) < 0:
            if len(self._data) - self._at > _HEADER_BYTES or not self._more():
                return {}
        if self._data.find(_RECORD, self._at, end) >= 0:  # what ends is the headers of the next
            return {}
        block = self._data[self._at : end]
        self._at = end + len(_HEADER_END)
        fields = [line.partition(":") for line in block.decode(errors="replace").split("\r\n")]
        return {name.lower(): value.strip() for name, _, value in fields}

    def take(self, size: int) -> bytes:
        """The next `size` bytes, or as many as there are: a header may claim any number."""
        end = self._at + size
        if end > len(self._data):
            parts = [self._data[self._at :]]
            missing = size - len(parts[0])
            while missing > 0 and (block := next(self._blocks, b"")):
                parts.append(block)
                missing -= len(block)
            self._data, self._at, end = b"".join(parts), 0, size
        self._taken = self._data[self._at : end]
        self._at = min(end, len(self._data))
        return self._taken

    def skip_to_record(self) -> None:
        """Go to the next line that begins a record, be it within what was taken last."""
        self._data, self._at, self._taken = self._taken + self._data[self._at :], 0, b""
        while (found := self._data.find(_RECORD, self._at)) < 0:
            self._at = max(self._at, len(self._data) - len(_RECORD) + 1)
            if not self._more():
                found = len(self._data) - 1
                break
        self._at = found + 1

    def _more(self) -> bool:
        block = next(self._blocks, b"")
        self._data, self._at = self._data[self._at :] + block, 0
        return bool(block)
