"""Unpacks archives from strangers: zip and tar(.gz), refused as a whole when any member is not a plain file.

The sizes and names in an archive are its author's claims. Bytes are counted while they are written, names are
checked before anything is opened, and nothing appears in the target folder until every member was read to its end.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from ..errors import DataError
from ..files import explained, sha256_of
from ..progress import Progress

_MOST_MEMBERS = 10_000
_HIGHEST_RATIO = 200  # text packs about 4 : 1, the most regular tables 50 : 1
_RATIO_MATTERS_FROM_BYTES = 10_000_000
_TAR_HEADER_BYTES = 4096  # header, its extension and padding of one member, generously
_CHUNK_BYTES = 1 << 20


class _Readable(Protocol):
    def read(self, n: int, /) -> bytes: ...


@dataclass(frozen=True)
class _Member:
    """One entry of an archive. unfit: why it is not a plain file; packed: its compressed size if it has its own."""

    name: str
    is_folder: bool
    unfit: str | None
    packed: int | None
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, folder: Path, *, max_bytes: int, keep: Callable[[str], bool]) -> list[Path]:
    """Unpack the members whose name `keep` accepts into `folder`; return their paths in the archive's order.

    A file that is already in `folder` with the same content stays; one with other content is never replaced.
    Raises DataError naming the archive and the member; `folder` is then as it was. Callers hold a lock on `folder`.
    """
    if not archive.is_file():
        raise DataError(f"{archive} does not exist. Download it first.")
    with explained(folder), _scratch_for(folder, archive) as scratch:
        names = _unpack_all(archive, scratch, max_bytes, keep)
        different = [n for n in names if _differs(scratch / n, folder / n)]
        if different:
            raise DataError(
                f"{folder} already holds other files of the same name: {', '.join(different[:10])}"
                f"{' ...' if len(different) > 10 else ''}. Nothing was changed. Move them away and repeat the command."
            )
        if names:
            _install(scratch, folder)
        return [folder / n for n in names]


def _unpack_all(archive: Path, scratch: Path, max_bytes: int, keep: Callable[[str], bool]) -> list[str]:
    names: list[str] = []
    taken: dict[str, bool] = {}  # path without regard to case -> whether it is a folder
    written = 0
    with _damage_explained(archive), ExitStack() as stack:
        progress = stack.enter_context(Progress(None, "B", f"unpacking {archive.name}"))
        for number, member in enumerate(_members(archive, max_bytes, stack), start=1):
            if number > _MOST_MEMBERS:
                raise _refused(archive, member.name, f"is one of more than {_MOST_MEMBERS:,} members")
            if _is_junk(member.name):
                continue
            name = _safe_name(archive, member.name)
            if member.unfit:
                raise _refused(archive, member.name, member.unfit)
            if not name:
                continue
            _claim(archive, name, member.is_folder, taken)
            if member.is_folder or not keep(name):
                continue
            target = scratch / name
            target.parent.mkdir(parents=True, exist_ok=True)
            written += _write(archive, member, target, max_bytes - written, progress)
            names.append(name)
    return names


def _write(archive: Path, member: _Member, target: Path, allowed: int, progress: Progress) -> int:
    """Write one member; return its real size in bytes."""
    size = 0
    with member.open() as source, target.open("xb") as f:
        while chunk := source.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > allowed:
                raise _refused(archive, member.name, "makes the archive larger than it may be (a bomb?)")
            if member.packed is not None:
                _check_ratio(archive, member.name, size, member.packed)
            f.write(chunk)
            progress.update(len(chunk))
        f.flush()
        os.fsync(f.fileno())
    return size


def _check_ratio(archive: Path, name: str | None, size: int, packed: int) -> None:
    if size > _RATIO_MATTERS_FROM_BYTES and size > _HIGHEST_RATIO * packed:
        raise _refused(archive, name, f"unpacks to more than {_HIGHEST_RATIO} times its size (a bomb?)")


def _is_junk(name: str) -> bool:
    """What macOS adds to archives."""
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] == ".DS_Store"


def _safe_name(archive: Path, name: str) -> str:
    """`name` without empty and `.` parts; refused when it could leave the folder on any operating system."""
    if name.startswith("/") or re.match("[A-Za-z]:", name) or "\\" in name or "\0" in name:
        raise _refused(archive, name, "has an absolute or foreign path")
    parts = [p for p in name.split("/") if p not in ("", ".")]
    if ".." in parts:
        raise _refused(archive, name, "has a path that leads out of the folder")
    return "/".join(parts)


def _claim(archive: Path, name: str, is_folder: bool, taken: dict[str, bool]) -> None:
    """Refuse a second member of the same name, on file systems too that ignore case and Unicode forms."""
    parts = unicodedata.normalize("NFC", name).casefold().split("/")
    for end in range(1, len(parts) + 1):
        path, as_folder = "/".join(parts[:end]), end < len(parts) or is_folder
        if path in taken and not (taken[path] and as_folder):
            raise _refused(archive, name, "has the name of another member")
        taken[path] = as_folder


@contextmanager
def _scratch_for(folder: Path, archive: Path) -> Iterator[Path]:
    """A folder on the same file system; its name is fixed, so that what a killed run left is found and removed."""
    parent = folder if folder.is_dir() else folder.parent
    scratch = parent / f".{archive.name}.unpacking"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _differs(new: Path, old: Path) -> bool:
    if not os.path.lexists(old):
        return False
    return not old.is_file() or old.stat().st_size != new.stat().st_size or sha256_of(old) != sha256_of(new)


def _install(source: Path, target: Path) -> None:
    """Rename the largest subtrees that are new; what exists already is known to be the same."""
    if not target.exists():
        source.rename(target)
    elif source.is_dir():
        for child in sorted(source.iterdir()):
            _install(child, target / child.name)


def _members(archive: Path, max_bytes: int, stack: ExitStack) -> Iterator[_Member]:
    with archive.open("rb") as f:
        start = f.read(512)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip_members(stack.enter_context(zipfile.ZipFile(archive)))
    if start[:2] == b"\x1f\x8b" or start[257:262] == b"ustar":
        raw = stack.enter_context(archive.open("rb"))
        plain: _Readable = stack.enter_context(gzip.GzipFile(fileobj=raw)) if start[:2] == b"\x1f\x8b" else raw
        counted = _Counted(archive, raw, plain, max_bytes + _MOST_MEMBERS * _TAR_HEADER_BYTES)
        return _tar_members(counted)
    raise DataError(
        f"{archive} is neither a zip nor a tar(.gz) archive: it begins with {start[:20]!r}. "
        "Delete it and download it again; an error page of a server or a proxy looks like this."
    )


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        unfit = None
        if info.flag_bits & 0x1:
            unfit = "is encrypted"
        elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            unfit = "is a link or a device"
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            unfit = "is compressed in an unusual way"

        def opened(info: zipfile.ZipInfo = info) -> IO[bytes]:
            return archive.open(info)

        yield _Member(info.orig_filename, info.is_dir(), unfit, info.compress_size, opened)


def _tar_members(counted: _Counted) -> Iterator[_Member]:
    with tarfile.open(fileobj=counted, mode="r|", tarinfo=_StrictTarInfo) as archive:  # type: ignore[call-overload]
        for info in archive:
            unfit = None
            if info.issparse() or not (info.isreg() or info.isdir()):
                unfit = "is a link or a device"

            def opened(info: tarfile.TarInfo = info) -> IO[bytes]:
                file: IO[bytes] | None = archive.extractfile(info)
                assert file is not None, "a regular file can be read"
                return file

            yield _Member(info.name, info.isdir(), unfit, None, opened)
    while counted.read(_CHUNK_BYTES):
        pass  # gzip's own checksum is only compared at the end


class _StrictTarInfo(tarfile.TarInfo):
    """Takes only an empty block for the end: `tarfile` ends in silence at a damaged or missing header too."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> tarfile.TarInfo:  # type: ignore[override]
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as e:
            raise tarfile.ReadError(f"{e} at byte {tarfile_.offset:,}") from e


class _Counted:
    """The decompressed stream of a tar, stopped when it gets longer than it may be."""

    def __init__(self, archive: Path, raw: IO[bytes], plain: _Readable, limit: int) -> None:
        self.archive, self.raw, self.plain, self.limit = archive, raw, plain, limit
        self.count = 0

    def read(self, n: int) -> bytes:
        data = self.plain.read(n)
        self.count += len(data)
        if self.count > self.limit:
            raise _refused(self.archive, None, "is larger than it may be (a bomb?)")
        _check_ratio(self.archive, None, self.count, self.raw.tell())
        return data


def _refused(archive: Path, name: str | None, why: str) -> DataError:
    what = str(archive) if name is None else f"{archive}: member {name!r}"
    return DataError(
        f"{what} {why}. Nothing was unpacked. This is not the archive it should be: delete it and get it from the "
        "official place."
    )


@contextmanager
def _damage_explained(archive: Path) -> Iterator[None]:
    """Turn what zipfile, tarfile, gzip and zlib raise for broken archives into one message."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        gzip.BadGzipFile,
        zlib.error,
        EOFError,
        NotImplementedError,  # a feature that zipfile does not know
        UnicodeDecodeError,
    ) as e:
        raise DataError(
            f"{archive} is damaged or cut short ({e}). Nothing was unpacked. Delete it and download it again."
        ) from e
