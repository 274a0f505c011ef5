"""One file over HTTP: resumed where it stopped, never spliced from two versions, verified before it gets its name.

While it is under way, `<target>.part` holds the bytes and `<target>.part.json` says what they are part of. Both
survive Ctrl-C and SIGKILL; the same call continues from them. Callers that may run twice at once hold a lock.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from ..errors import DataError, UsageError, XlmrBenchError
from ..files import explained, sha256_of, write_json
from ..progress import Progress, amount

_TIMEOUT_S = 30.0  # for connecting and for each silence
_WAITS_S = (0.5, 1.0, 2.0, 4.0)  # between the tries, of which there is one more
_LONGEST_WAIT_S = 30.0  # however long the server asks us to wait
_CHUNK_BYTES = 1 << 18
_SPARE_BYTES = 64 << 20  # a file system filled to the last byte breaks other programs


class _Transient(Exception):
    """A failure that another try may not meet."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True)
class _Version:
    """Which version of which file the bytes of a `.part` belong to; total is its size in bytes if known."""

    url: str
    etag: str | None
    last_modified: str | None
    total: int | None

    @property
    def validator(self) -> str | None:
        """What If-Range accepts: a strong ETag, else the date (RFC 9110, section 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


def download(url: str, target: Path, *, sha256: str | None, size: int | None) -> str:
    """Download `url` to `target` and return the file's SHA-256 in hex.

    sha256, size: what the file must be, where that is known; `target` appears only when it is so.
    Raises UsageError for anything but an http(s) URL and DataError when the file cannot be had or is another.
    """
    check_url(url)
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    for wait_s in (*_WAITS_S, None):
        try:
            _fetch_rest(url, part, target, size)
            break
        except _Transient as e:
            if wait_s is None:
                raise DataError(_unreachable(url, target, part, str(e))) from e
            wait_s = min(max(wait_s, e.wait_s), _LONGEST_WAIT_S)
            print(f"{url}: {e}; trying again in {wait_s:g} s", file=sys.stderr)
            time.sleep(wait_s)
    digest = sha256_of(part)
    if sha256 is not None and digest != sha256.lower():
        _discard(part)
        raise DataError(
            f"{url}: the file has SHA-256 {digest}, expected {sha256.lower()}. It was not kept. Repeat the command to "
            f"download it anew; if it differs again, the server has another file: put the right one at {target}, "
            "or give a folder of the official files with --data DIR."
        )
    with explained(target):
        with part.open("rb+") as f:
            os.fsync(f.fileno())
        part.replace(target)
        _note(part).unlink(missing_ok=True)
    return digest


def check_url(url: str) -> None:
    """Raise UsageError unless `url` is one that can be downloaded: http(s), with a host, without a password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise UsageError(f"{url!r} is not a URL. Give one that begins with https:// or http://.") from None
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"the URL for {parts.hostname} holds a user name or password; give it without them.")
    if not usable or re.search(r"[^\x21-\x7e]", url):
        raise UsageError(f"{url!r} cannot be downloaded. Give a URL that begins with https:// or http://.")


def _fetch_rest(url: str, part: Path, target: Path, size: int | None) -> None:
    """Bring `part` from whatever it holds to the whole file, in one request."""
    version, have = _resumable(url, part, size)
    if version is not None and version.total == have:
        return
    request = urllib.request.Request(url, headers={"User-Agent": "xlmr-bench"})
    if version is not None and version.validator is not None:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", version.validator)
    with _answer(request, part, target) as response:
        if response.status == 206:
            if version is None or not _continues(response, version, have):
                _discard(part)
                raise _Transient("the server sent a part of another version of the file; starting from zero")
        else:
            have = 0
            version = _version_of(url, response)
        total = version.total if version.total is not None else size
        if size is not None and total != size:
            raise DataError(
                f"{url}: the server offers {total:,} bytes, expected {size:,}. Nothing was read. A login page or a "
                f"changed file would do this: look at the URL, put the official file at {target}, or give --data DIR."
            )
        if have == 0:
            _begin(part, version)
        _check_space(part, total, have)
        have = _copy(response, part, have, total, label=target.name)
    if total is not None and have < total:
        raise _Transient(f"the connection closed after {have:,} of {total:,} bytes")


def _resumable(url: str, part: Path, size: int | None) -> tuple[_Version | None, int]:
    """The version that `part` belongs to and its bytes so far, or (None, 0) where it is not safe to continue."""
    try:
        version = _Version(**json.loads(_note(part).read_text(encoding="utf-8")))
        have = part.stat().st_size
    except (OSError, ValueError, TypeError):
        return None, 0
    if version.url != url or have == 0:
        return None, 0
    if version.total is not None and (have > version.total or size not in (None, version.total)):
        return None, 0
    return version, have


def _version_of(url: str, response: http.client.HTTPResponse) -> _Version:
    length = response.headers.get("Content-Length", "")
    total = int(length) if re.fullmatch("[0-9]{1,18}", length) else None
    return _Version(url, response.headers.get("ETag"), response.headers.get("Last-Modified"), total)


def _continues(response: http.client.HTTPResponse, version: _Version, have: int) -> bool:
    """Whether a 206 answer is the rest of `version` after `have` bytes; not all servers honour If-Range."""
    found = re.fullmatch(
        r"bytes ([0-9]{1,18})-[0-9]+/([0-9]{1,18}|\*)", response.headers.get("Content-Range", "").strip()
    )
    if not found or int(found[1]) != have:
        return False
    if found[2] != "*" and version.total is not None and int(found[2]) != version.total:
        return False
    now = _version_of(version.url, response)
    return now.etag in (None, version.etag) and now.last_modified in (None, version.last_modified)


def _begin(part: Path, version: _Version) -> None:
    """Empty `part` before noting the new version: the other order could leave old bytes under a new name."""
    with explained(part), part.open("wb") as f:
        os.fsync(f.fileno())
    write_json(_note(part), asdict(version))


def _copy(response: http.client.HTTPResponse, part: Path, have: int, total: int | None, label: str) -> int:
    """Append the answer's body to `part` without buffering, so that a killed process keeps all it got."""
    with explained(part):
        file: IO[bytes] = part.open("ab", buffering=0)
    with file, Progress(total, "B", label, start=have) as progress:
        while chunk := _read(response):
            if total is not None and have + len(chunk) > total:
                _discard(part)
                raise DataError(f"{response.url}: the server sent more than {total:,} bytes. Nothing was kept.")
            with explained(part):
                written = 0
                while written < len(chunk):
                    written += file.write(chunk[written:])
            have += len(chunk)
            progress.update(len(chunk))
    return have


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as e:
        raise _Transient(f"the connection broke ({_reason(e)})") from e


def _check_space(part: Path, total: int | None, have: int) -> None:
    if total is None:
        return
    free = shutil.disk_usage(part.parent).free
    needed = total - have + _SPARE_BYTES
    if needed > free:
        raise XlmrBenchError(
            f"{part.parent}: {amount(needed, 'B')} are needed and {amount(free, 'B')} are free. "
            "Free space or choose another folder, then repeat the command."
        )


@contextmanager
def _answer(request: urllib.request.Request, part: Path, target: Path) -> Iterator[http.client.HTTPResponse]:
    """Open the request; failures worth another try become _Transient, the others DataError."""
    try:
        response = _opener().open(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as e:
        with e:
            if e.code == 416:
                _discard(part)
                raise _Transient("the server has no such part; starting from zero") from e
            if e.code in (408, 429) or e.code >= 500:
                after = e.headers.get("Retry-After") or ""
                raise _Transient(f"HTTP {e.code} {e.reason}", float(after) if after.isdecimal() else 0.0) from e
            raise DataError(
                f"{request.full_url}: HTTP {e.code} {e.reason}. Look at the URL or use a mirror; or put the file "
                f"at {target}, or give a folder of the official files with --data DIR."
            ) from e
    except (OSError, http.client.HTTPException) as e:
        cause = getattr(e, "reason", e)
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise DataError(
                f"{request.full_url}: the server's certificate does not verify ({cause.verify_message}). "
                "Look at the clock and the proxy's certificates (SSL_CERT_FILE)."
            ) from e
        raise _Transient(_reason(cause)) from e
    with response:
        yield response


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http(s) only, and never from https to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        to = urlsplit(newurl).scheme
        if to not in ("http", "https") or (req.type == "https" and to == "http"):
            raise DataError(
                f"{req.full_url} redirects to {newurl!r}, which is not followed. Use a mirror or the official files."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """An opener that knows http and https (and the environment's proxies) and nothing else: no file:, no ftp:."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _WebRedirects(),
    ):
        opener.add_handler(handler)
    return opener


def _unreachable(url: str, target: Path, part: Path, reason: str) -> str:
    kept = ""
    if part.exists() and part.stat().st_size:
        kept = f" {part.stat().st_size:,} bytes are kept in {part}, and the command continues from there."
    return (
        f"cannot download {url}: {reason} ({len(_WAITS_S) + 1} tries).{kept} Look at the network or the proxy and "
        f"repeat the command; without a network, put the file at {target}, or give a folder of the official files "
        "with --data DIR."
    )


def _reason(e: object) -> str:
    strerror = getattr(e, "strerror", None)
    return str(strerror or e or type(e).__name__)


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)
