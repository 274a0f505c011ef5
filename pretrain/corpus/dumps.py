"""Which WET files a corpus is made of: the lists that CommonCrawl publishes for each dump, and fetching a file.

A dump, such as CC-MAIN-2018-30, is one crawl of the web. Its list, `crawl-data/<dump>/wet.paths.gz`, names its files by
their paths below the address of the archive; a folder that mirrors the archive serves as well as the address.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

from xlmr_bench.data.download import check_url, download
from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.files import locked, write_text

BASE = "https://data.commoncrawl.org/"
_DUMP = re.compile(r"CC-MAIN-(20[0-9]{2})-([0-5][0-9])")
_PATH = re.compile(r"[\x21-\x7e]+\.wet\.gz")
_WET = (".wet.gz", ".wet")
_GZIP = b"\x1f\x8b"


def write_list(dumps: Sequence[str], target: Path, base: str = BASE) -> int:
    """Write the addresses of all WET files of the dumps to `target`, one a line, sorted; returns how many.

    base: where the archive is, an address or a folder; the lines hold addresses or paths accordingly. Raises UsageError
    for what is no name of a dump, DataError where a dump's list cannot be had or is none.
    """
    if not dumps:
        raise UsageError("no dump named. Name one or more, such as CC-MAIN-2018-30.")
    for dump in dumps:
        if not _DUMP.fullmatch(dump):
            raise UsageError(
                f"{dump!r} is no dump of CommonCrawl: they are named CC-MAIN-YEAR-WEEK, such as CC-MAIN-2018-30 "
                f"(a list is at {BASE})."
            )
    if _is_url(base):
        check_url(base)
    addresses = sorted({address for dump in dict.fromkeys(dumps) for address in _addresses(dump, base)})
    write_text(target, "".join(f"{address}\n" for address in addresses))
    return len(addresses)


def read_list(path: Path) -> list[str]:
    """The lines of a list, in its order, each once: a file read twice would lose all of its lines as repeated ones.

    A local path that is not absolute is one beside the list. Raises DataError where there is no list or no WET file
    in it, naming a line that is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as e:
        raise DataError(
            f"cannot read the list {path}: {e.strerror or e}. Make one: python -m pretrain corpus list."
        ) from e
    except UnicodeDecodeError as e:
        raise DataError(f"{path}: not a list of WET files (byte {e.start:,} is not UTF-8).") from e
    addresses: dict[str, None] = {}
    for number, line in enumerate(lines, start=1):
        address = line.strip()
        if not address:
            continue
        if not address.endswith(_WET):
            raise DataError(f"{path}, line {number:,}: {address[:200]!r} is no WET file; its name ends in .wet.gz.")
        addresses[address if _is_url(address) else str(path.parent.absolute() / address)] = None
    if not addresses:
        raise DataError(f"{path} is empty. Make a list: python -m pretrain corpus list CC-MAIN-2018-30 {path}")
    return list(addresses)


def fetch_wet(address: str, folder: Path) -> Path:
    """The file of one line of a list: a local path as it is, anything else downloaded into `folder` if not there yet.

    A download that was stopped is continued. Raises DataError where the file cannot be had, XlmrBenchError while
    another process is fetching it.
    """
    if not _is_url(address):
        path = Path(address)
        if not path.is_file():
            raise DataError(f"{path} of the list is not there. Put the file there, or leave it out of the list.")
        return path
    target = folder / _name(address)
    if target.exists():
        return target
    lock = folder / f".{target.name}.lock"
    with locked(lock, f"the download of {target.name}"):
        if not target.exists():
            _fetch(address, target)
        lock.unlink(missing_ok=True)  # whoever holds on to it still finds the file
    return target


def dump_of(address: str) -> str | None:
    """The dump that a file belongs to, by a folder or a beginning of its name; None where its path does not say."""
    for part in reversed(re.split("[/\\\\]", urlsplit(address).path if _is_url(address) else address)):
        if found := re.match(_DUMP.pattern + r"(?![0-9-])", part):
            return found[0]
    return None


def _fetch(address: str, target: Path) -> None:
    try:
        download(address, target, sha256=None, size=None)
    except DataError as e:
        raise DataError(
            f"cannot fetch {address}: {_reason(e)}. Repeat the command to continue; or put the file at {target}."
        ) from e
    if target.suffix == ".gz" and not _begins_as_gzip(target):
        target.unlink()
        raise DataError(
            f"{address}: what the server sent is no gzip file. It was not kept. A login page or a proxy would do "
            f"this: look at the address, or put the file at {target}."
        )


def _addresses(dump: str, base: str) -> list[str]:
    path = f"crawl-data/{dump}/wet.paths.gz"
    if _is_url(base):
        root = base.rstrip("/") + "/"
        where, data = root + path, _download(dump, root + path)
    else:
        root = f"{Path(base).absolute()}/"
        where = root + path
        try:
            data = Path(where).read_bytes()
        except OSError as e:
            raise _no_list(dump, where, e.strerror or str(e)) from e
    return [root + line for line in _paths(dump, where, data)]


def _download(dump: str, url: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "wet.paths.gz"
        try:
            download(url, target, sha256=None, size=None)
        except DataError as e:
            raise _no_list(dump, url, _reason(e)) from e
        return target.read_bytes()


def _paths(dump: str, where: str, data: bytes) -> list[str]:
    """The paths in a list; each has to be a WET file of this dump, and to lead nowhere else."""
    try:
        lines = gzip.decompress(data).decode("ascii").split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as e:
        raise DataError(f"{where}: damaged, or no list of files ({e}). Repeat the command, or use a mirror.") from e
    paths = [line for line in lines if line.strip()]
    for path in paths:
        if not _PATH.fullmatch(path) or not path.startswith(f"crawl-data/{dump}/") or ".." in path.split("/"):
            raise DataError(f"{where}: {path[:200]!r} is no WET file of {dump}. Use another mirror.")
    if not paths:
        raise DataError(f"{where} is empty. Repeat the command, or use a mirror.")
    return paths


def _name(url: str) -> str:
    """A file name that no other file of any dump has."""
    dump = dump_of(url)
    name = urlsplit(url).path.rpartition("/")[2]
    return f"{dump or hashlib.sha256(url.encode()).hexdigest()[:12]}_{name}"


def _is_url(address: str) -> bool:
    return "://" in address


def _begins_as_gzip(path: Path) -> bool:
    with path.open("rb") as f:
        return f.read(len(_GZIP)) == _GZIP


def _no_list(dump: str, where: str, reason: str) -> DataError:
    return DataError(
        f"no list of the WET files of {dump} at {where} ({reason}). Look at the name of the dump, or say with --base "
        "where the archive or a folder like it is."
    )


def _reason(error: DataError) -> str:
    """What a download failed of, without its advice, which is for other data."""
    cause = error.__cause__
    if isinstance(cause, HTTPError):
        return f"HTTP {cause.code} {cause.reason}"
    return str(cause or error)
