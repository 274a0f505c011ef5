"""Raw text of many languages: finding the files, reading their lines in bounded memory, refusing what is not UTF-8.

A folder holds `LANGUAGE.txt`, `LANGUAGE.txt.gz`, `LANGUAGE.txt.xz`, or folders `LANGUAGE/` of such files. A line is a
sentence or a paragraph; only a line feed ends it (a carriage return before it is dropped).
"""

from __future__ import annotations

import gzip
import io
import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from xlmr_bench.errors import DataError, UsageError, unknown_name

SUFFIXES = (".txt", ".txt.gz", ".txt.xz")
# A longer line is handed out in parts, so that a file without line ends needs no more memory than any other.
LONGEST_LINE_BYTES = 1_000_000
_SPACE_WITHIN_BYTES = 1000
_BUFFER_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_LANGUAGE = re.compile(r"[a-z]{2,12}([-_][A-Za-z0-9]+)*")
_BLANK_LINE = re.compile(rb"\n[ \t\r\v\f\0]*\n")
_BLANK_WITHIN_BYTES = 1_000_000
_BROKEN = (gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError)


@dataclass(frozen=True)
class TextFile:
    """A file of text. `name` is its path in the text folder; `size` is that on disk, compressed or not."""

    path: Path
    name: str
    language: str
    size: int
    mtime_ns: int

    @classmethod
    def at(cls, path: Path, name: str, language: str) -> TextFile:
        status = path.stat()
        return cls(path, name, language, status.st_size, status.st_mtime_ns)

    @property
    def compressed(self) -> bool:
        return self.path.suffix != ".txt"


def find_text(folder: Path, languages: str | None = None) -> dict[str, list[TextFile]]:
    """The text files of each language, in alphabetical order; `languages` (`en,sw`) restricts them.

    Raises DataError for a folder without text, an empty file, a file that is there both plain and compressed, or one
    whose name is no language code; UsageError for a language that is not there.
    """
    try:
        found = _grouped(folder)
    except OSError as e:
        raise DataError(f"cannot read the text folder {folder}: {e.strerror or e}. Check the path.") from e
    if languages is not None:
        wanted = list(dict.fromkeys(code.strip() for code in languages.split(",") if code.strip()))
        if not wanted:
            raise UsageError("--languages names no language; write codes separated by commas, such as en,sw.")
        for code in wanted:
            if code not in found:
                raise unknown_name(f"language in {folder}", code, sorted(found)) if found else _no_text(folder)
        found = {code: found[code] for code in sorted(wanted)}
    if not found:
        raise _no_text(folder)
    for language, files in found.items():
        _check(folder, language, files)
    return found


def read_lines(
    file: TextFile, text: io.BufferedReader[Any], start: int = 0, stop: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """(offset of its first byte, content) of the lines in bytes [start, stop) of a text opened by `open_text`.

    Contents are stripped of ASCII white space; blank lines are handed out as b"". A byte order mark is skipped and a
    NUL, which SentencePiece does not take, becomes a space. A line of more than a million bytes comes in parts, cut at
    a space where one is near, else between two characters.
    """
    try:
        position = start
        if start:
            text.seek(start)
        elif text.peek(3)[:3] == _BOM:
            position = len(text.read(3))
        rest = b""
        while stop is None or position < stop:
            line = rest + text.readline(LONGEST_LINE_BYTES - len(rest))
            if not line:
                return
            rest = b""
            if len(line) == LONGEST_LINE_BYTES and not line.endswith(b"\n"):
                cut = place_to_cut(line)
                line, rest = line[:cut], line[cut:]
            yield position, (line.replace(b"\0", b" ") if b"\0" in line else line).strip()
            position += len(line)
    except _BROKEN as e:
        raise DataError(f"{file.path}: damaged or cut short ({e}). Fetch or compress it again.") from e
    except OSError as e:
        raise DataError(f"cannot read {file.path}: {e.strerror or e}.") from e


def decode(file: TextFile, offset: int, line: bytes) -> str:
    """The line as text; raises DataError with the place of the first byte that is not UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as e:
        raise _not_utf8(file, offset, line, e) from e


def place_to_cut(line: bytes) -> int:
    """Where to end a line that was cut off anywhere: after a space near the end, else between two characters."""
    space = line.rfind(b" ", len(line) - _SPACE_WITHIN_BYTES)
    if space >= 0:
        return space + 1
    cut = len(line) - 1
    while cut > len(line) - 4 and line[cut] & 0xC0 == 0x80:  # a character's second to fourth byte
        cut -= 1
    return cut


@contextmanager
def open_text(file: TextFile) -> Iterator[tuple[io.BufferedReader[Any], io.BufferedReader[Any]]]:
    """The uncompressed bytes of a file, and the file beneath: its `tell` shows how much of the disk was read."""
    try:
        raw = io.BufferedReader(io.FileIO(file.path), _BUFFER_BYTES)
    except OSError as e:
        raise DataError(f"cannot read {file.path}: {e.strerror or e}.") from e
    with raw:
        if file.path.suffix == ".gz":
            # Buffered once more: a line from these objects themselves costs several Python calls.
            yield io.BufferedReader(gzip.GzipFile(fileobj=raw), _BUFFER_BYTES), raw
        elif file.path.suffix == ".xz":
            yield io.BufferedReader(lzma.LZMAFile(raw), _BUFFER_BYTES), raw  # noqa: SIM115, `raw` is what is open
        else:
            yield raw, raw


def byte_ranges(file: TextFile, target_bytes: int, whole_documents: bool) -> list[tuple[int, int]]:
    """Ranges of a plain file of about `target_bytes`, ended where a line ends; the same for the same file.

    With `whole_documents` a range ends at a blank line if one comes within a million bytes. A compressed file cannot
    be entered in the middle: it is one range, (0, 0).
    """
    if file.compressed:
        return [(0, 0)]
    bounds = [0]
    with open_text(file) as (text, _):
        while bounds[-1] + target_bytes < file.size:
            bounds.append(_line_end(text, bounds[-1] + target_bytes, whole_documents))
    if bounds[-1] < file.size:
        bounds.append(file.size)
    return list(pairwise(bounds))


def holds_no_text(files: list[TextFile], language: str) -> DataError:
    """The error for a language whose files hold nothing but white space."""
    names = ", ".join(f.name for f in files)
    return DataError(f"language {language!r} holds no text ({names}). Fill it, or leave it out with --languages.")


def _grouped(folder: Path) -> dict[str, list[TextFile]]:
    found: dict[str, list[TextFile]] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        inside = sorted(entry.iterdir()) if entry.is_dir() else [entry]
        for path in inside:
            if path.name.endswith(SUFFIXES) and not path.name.startswith(".") and path.is_file():
                language = entry.name if entry.is_dir() else entry.name.partition(".txt")[0]
                name = path.relative_to(folder).as_posix()
                found.setdefault(language, []).append(TextFile.at(path, name, language))
    return found


def _check(folder: Path, language: str, files: list[TextFile]) -> None:
    if not _LANGUAGE.fullmatch(language):
        raise DataError(
            f"{folder / files[0].name}: {language!r} is no language code such as en, zh-Hans or hi_rom. "
            "Move it elsewhere, or name the languages with --languages."
        )
    seen: dict[str, TextFile] = {}
    for file in files:
        plain = file.name.partition(".txt")[0]
        if plain in seen:
            raise DataError(
                f"{folder} holds both {seen[plain].name} and {file.name}: is it the same text twice? Remove one."
            )
        seen[plain] = file
        if file.size == 0:
            raise DataError(f"{file.path} is empty. Fill or remove it, or leave {language!r} out with --languages.")


def _line_end(text: io.BufferedReader[Any], position: int, blank: bool) -> int:
    """The first end of a line at or after `position`, or that of the first blank line soon after it."""
    text.seek(position)
    end = position
    while (part := text.readline(_BUFFER_BYTES)) and not part.endswith(b"\n"):
        end += len(part)
    end += len(part)
    if blank and part:
        text.seek(end - 1)
        if found := _BLANK_LINE.search(text.read(_BLANK_WITHIN_BYTES)):
            return end - 1 + found.end()
    return end


def _no_text(folder: Path) -> DataError:
    return DataError(f"no text in {folder}. It should hold LANGUAGE.txt (.gz, .xz) or LANGUAGE/*.txt (.gz, .xz).")


def _not_utf8(file: TextFile, offset: int, line: bytes, error: UnicodeDecodeError) -> DataError:
    """Lines are counted only now: a reader of byte ranges does not know their numbers."""
    number, position = 1, 0
    with open_text(file) as (text, _):
        while position < offset and (block := text.read(min(_BUFFER_BYTES, offset - position))):
            number += block.count(b"\n")
            position += len(block)
        text.seek(0)
        utf16 = text.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff")
        text.seek(offset)
        original = text.read(LONGEST_LINE_BYTES).replace(b"\0", b" ")
    byte = offset + len(original) - len(original.lstrip()) + error.start  # the line was stripped
    within = " of the uncompressed text" if file.compressed else ""
    command = "iconv -f utf-16 -t utf-8" if utf16 else "iconv -c -f utf-8 -t utf-8"
    return DataError(
        f"{file.path}, line {number:,}, byte {byte:,}{within}: not UTF-8 (0x{line[error.start]:02x}, {error.reason}). "
        f"Convert the file, e.g. `{command}{' (which drops such bytes)' * (not utf16)}`, and repeat the command."
    )
