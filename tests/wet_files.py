"""WET files as CommonCrawl writes them: a warcinfo record and one conversion record a page, each a gzip member."""

from __future__ import annotations

import base64
import gzip
import hashlib
import uuid
from collections.abc import Iterable
from pathlib import Path

DATE = "2018-07-16T02:40:32Z"
DUMP = "CC-MAIN-2018-30"


def write_wet(
    path: Path, pages: Iterable[tuple[str, str]], *, date: str = DATE, compressed: bool | None = None
) -> Path:
    """Write (url, text) pages to `path` and return it; the same pages give the same bytes.

    `compressed`: one gzip member for each record; unless said, where the name ends in `.gz`.
    """
    records = wet_records(path.name, pages, date=date)
    path.parent.mkdir(parents=True, exist_ok=True)
    gz = path.suffix == ".gz" if compressed is None else compressed
    path.write_bytes(b"".join(member(r) if gz else r for r in records))
    return path


def wet_records(name: str, pages: Iterable[tuple[str, str]], *, date: str = DATE) -> list[bytes]:
    """The uncompressed records of a WET file, the warcinfo first; no two have one record identifier."""
    numbered = enumerate(pages, start=1)
    return [warcinfo(name, date), *(conversion(url, text.encode(), date, number=n) for n, (url, text) in numbered)]


def warcinfo(name: str = "test.warc.wet.gz", date: str = DATE) -> bytes:
    """The record that opens a WET file."""
    fields = f"Software-Info: ia-web-commons\r\nExtracted-Date: {date}\r\nisPartOf: {DUMP}\r\n\r\n".encode()
    headers = {
        "WARC-Type": "warcinfo",
        "WARC-Date": date,
        "WARC-Filename": name,
        "WARC-Record-ID": record_id(name),
        "Content-Type": "application/warc-fields",
        "Content-Length": str(len(fields)),
    }
    return record(headers, fields)


def conversion(url: str, text: bytes, date: str = DATE, *, number: int = 1, **changed: str | None) -> bytes:
    """A page's record; `changed` replaces headers (`Content_Length="7"`), or leaves them out with None.

    `number`: records of one file that are different records need different ones.
    """
    digest = "sha1:" + base64.b32encode(hashlib.sha1(text, usedforsecurity=False).digest()).decode()
    headers = {
        "WARC-Type": "conversion",
        "WARC-Target-URI": url,
        "WARC-Date": date,
        "WARC-Record-ID": record_id(f"{number} {url}"),
        "WARC-Refers-To": record_id(f"origin of {number} {url}"),
        "WARC-Block-Digest": digest,
        "Content-Type": "text/plain",
        "Content-Length": str(len(text)),
    }
    replaced = {name.replace("_", "-"): value for name, value in changed.items()}
    return record({k: v for k, v in {**headers, **replaced}.items() if v is not None}, text)


def record(headers: dict[str, str], content: bytes) -> bytes:
    """Any record: `headers` as they are, the content, and the two empty lines after it."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return b"WARC/1.0\r\n" + lines.encode() + b"\r\n" + content + b"\r\n\r\n"


def member(content: bytes) -> bytes:
    """One gzip member, the same bytes at any time of day."""
    return gzip.compress(content, mtime=0)


def record_id(name: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>"
