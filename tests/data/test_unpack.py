"""Archives written here by the standard library, honest ones and hostile ones."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from xlmr_bench.data.unpack import unpack
from xlmr_bench.errors import DataError

FILES = {"XNLI/dev.tsv": b"dev\n" * 1000, "XNLI/sub/test.tsv": b"test\n", "README.md": "Grüße".encode()}


def make_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


MAKERS: list[tuple[str, Callable[[Path, dict[str, bytes]], Path]]] = [
    ("a.zip", make_zip),
    ("a.tar", make_tar),
    ("a.tar.gz", make_tar),
]
each_kind = pytest.mark.parametrize(("file", "make"), MAKERS, ids=[name for name, _ in MAKERS])


def unpack_all(archive: Path, folder: Path, max_bytes: int = 10**6) -> list[Path]:
    return unpack(archive, folder, max_bytes=max_bytes, keep=lambda name: True)


def refused(archive: Path, folder: Path, why: str, max_bytes: int = 10**6) -> str:
    """The message with which `archive` is refused; nothing may be left behind."""
    before = sorted(archive.parent.rglob("*"))
    with pytest.raises(DataError, match=why) as caught:
        unpack_all(archive, folder, max_bytes)
    assert sorted(archive.parent.rglob("*")) == before
    return str(caught.value)


@each_kind
def test_files_arrive_whole_and_readable_by_others(
    tmp_path: Path, file: str, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    folder = tmp_path / "data"
    paths = unpack_all(make(tmp_path / file, FILES), folder)
    assert {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths} == FILES
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([file, "data"])
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777 & ~umask


@each_kind
def test_only_what_is_wanted_is_written(
    tmp_path: Path, file: str, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    archive = make(tmp_path / file, FILES)
    paths = unpack(archive, tmp_path / "data", max_bytes=10**6, keep=lambda name: name.endswith("test.tsv"))
    assert paths == [tmp_path / "data" / "XNLI/sub/test.tsv"]
    assert [p for p in (tmp_path / "data").rglob("*") if p.is_file()] == paths


def test_what_macos_adds_is_left_out(tmp_path: Path) -> None:
    archive = make_zip(
        tmp_path / "a.zip", {"x/.DS_Store": b"1", "__MACOSX/x/._a": b"2", "__MACOSX/../b": b"3", "x/a": b"4"}
    )
    assert unpack_all(archive, tmp_path / "data") == [tmp_path / "data/x/a"]


def test_folders_and_a_leading_dot_are_usual(tmp_path: Path) -> None:
    (tmp_path / "src/sub").mkdir(parents=True)
    (tmp_path / "src/sub/a").write_bytes(b"a")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "src", arcname=".")
    assert unpack_all(tmp_path / "a.tar.gz", tmp_path / "data") == [tmp_path / "data/sub/a"]


HOSTILE_NAMES = ["/abs", "../up", "x/../../up", "C:/x", "c:x", "x\\..\\up", "\\\\host\\x", "x/.."]


@each_kind
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_path_that_could_leave_the_folder_is_refused(
    tmp_path: Path, file: str, make: Callable[[Path, dict[str, bytes]], Path], name: str
) -> None:
    archive = make(tmp_path / file, {"good": b"1", name: b"2"})
    assert repr(name) in refused(archive, tmp_path / "data", "path")


def test_a_name_with_a_hidden_end_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"a.tsvXevil": b"1"})
    archive.write_bytes(archive.read_bytes().replace(b"a.tsvXevil", b"a.tsv\0evil"))
    refused(archive, tmp_path / "data", "foreign path")


LINKS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE]


@pytest.mark.parametrize("kind", LINKS)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("trap")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    assert "'trap'" in refused(tmp_path / "a.tar", tmp_path / "data", "link or a device")


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("trap")
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert "'trap'" in refused(tmp_path / "a.zip", tmp_path / "data", "link or a device")


@each_kind
@pytest.mark.parametrize(
    "files",
    [
        {"a/x": b"1", "a/X": b"2"},
        {"gr\u00fc\u00dfe": b"1", "gru\u0308sse": b"2"},
        {"a": b"1", "a/b": b"2"},
        {"a/b": b"1", "A": b"2"},
        {"a": b"1", "./a": b"2"},
    ],
    ids=["case", "unicode form", "file then folder", "folder then file", "dot"],
)
def test_two_members_of_one_name_are_refused(
    tmp_path: Path, file: str, make: Callable[[Path, dict[str, bytes]], Path], files: dict[str, bytes]
) -> None:
    refused(make(tmp_path / file, files), tmp_path / "data", "name of another member")


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for content in (b"1", b"2"):
            info = tarfile.TarInfo("a")
            info.size = 1
            archive.addfile(info, io.BytesIO(content))
    refused(tmp_path / "a.tar", tmp_path / "data", "name of another member")


@each_kind
def test_more_bytes_than_allowed_are_refused(
    tmp_path: Path, file: str, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    archive = make(tmp_path / file, {"a": b"x" * 600, "b": b"x" * 600})
    assert len(unpack_all(archive, tmp_path / "enough", max_bytes=1200)) == 2
    assert "'b'" in refused(archive, tmp_path / "data", "larger than it may be", max_bytes=1199)


def test_sizes_claimed_in_a_zip_are_not_believed(tmp_path: Path) -> None:
    content = b"x" * 5000
    archive = make_zip(tmp_path / "a.zip", {"a": content}, zipfile.ZIP_STORED)
    small = archive.read_bytes().replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    archive.write_bytes(small)
    refused(archive, tmp_path / "data", "damaged|larger", max_bytes=100)


@pytest.mark.parametrize("file", ["a.zip", "a.tar.gz"])
def test_a_member_that_swells_absurdly_is_refused(tmp_path: Path, file: str) -> None:
    make = make_zip if file == "a.zip" else make_tar
    archive = make(tmp_path / file, {"bomb": bytes(30_000_000)})
    assert archive.stat().st_size < 100_000
    refused(archive, tmp_path / "data", "200 times its size", max_bytes=10**9)


def test_bytes_that_nobody_wants_count_where_they_must_be_decompressed(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tar.gz", {"unwanted": os.urandom(100_000) * 450})
    with pytest.raises(DataError, match="larger than it may be"):
        unpack(archive, tmp_path / "data", max_bytes=1000, keep=lambda name: False)


@each_kind
def test_more_than_ten_thousand_members_are_refused(
    tmp_path: Path, file: str, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    archive = make(tmp_path / file, {f"__MACOSX/{i}": b"" for i in range(10_001)})
    refused(archive, tmp_path / "data", "10,000 members")


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"secret": b"1"})
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[data.index(b"PK\x03\x04") + 6] |= 1
    archive.write_bytes(data)
    assert "'secret'" in refused(archive, tmp_path / "data", "encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(tmp_path: Path, method: int) -> None:
    refused(make_zip(tmp_path / "a.zip", {"a": b"1"}, method), tmp_path / "data", "unusual")


@each_kind
def test_an_archive_cut_anywhere_is_refused(
    tmp_path: Path, file: str, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    archive = make(tmp_path / file, {"a": os.urandom(1500), "b": os.urandom(1500)})
    whole = archive.read_bytes()
    # Behind both members a tar has only padding: a cut there loses nothing but the empty block that says "end".
    content = 2 * (512 + 1536) if file == "a.tar" else len(whole) - 1
    for length in {*range(300, content, 97), 512, 2048, content}:
        archive.write_bytes(whole[:length])
        refused(archive, tmp_path / "data", "damaged or cut short|neither")


@pytest.mark.parametrize(("file", "make"), [MAKERS[0], MAKERS[2]], ids=["a.zip", "a.tar.gz"])
def test_a_changed_byte_is_noticed_where_the_format_has_a_checksum(
    tmp_path: Path, file: str, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    archive = make(tmp_path / file, {"a": os.urandom(3000)})
    data = bytearray(archive.read_bytes())
    data[1500] ^= 0x10
    archive.write_bytes(data)
    refused(archive, tmp_path / "data", "damaged or cut short")


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tar", {"a": b"1", "b": b"2", "c": b"3"})
    data = bytearray(archive.read_bytes())
    data[1024] ^= 0xFF  # the first byte of b's name: its header's checksum no longer fits
    archive.write_bytes(data)
    refused(archive, tmp_path / "data", "damaged or cut short")


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>sign in</html>", gzip.compress(b"only text" * 99)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path / "a.zip", tmp_path / "data", "neither a zip|damaged")


def test_an_archive_that_is_not_there_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "a.zip", tmp_path / "data", "a.zip does not exist")


def test_files_that_are_there_already_stay_and_the_others_join_them(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "XNLI/sub").mkdir(parents=True)
    (folder / "XNLI/dev.tsv").write_bytes(FILES["XNLI/dev.tsv"])
    (folder / "XNLI/notes").write_bytes(b"mine")
    inode = (folder / "XNLI/dev.tsv").stat().st_ino
    archive = make_zip(tmp_path / "a.zip", FILES)
    for _ in range(2):
        paths = unpack_all(archive, folder)
        assert {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths} == FILES
    assert (folder / "XNLI/dev.tsv").stat().st_ino == inode
    assert (folder / "XNLI/notes").read_bytes() == b"mine"
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", "XNLI"]


def test_files_of_other_content_are_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "XNLI/sub").mkdir(parents=True)
    (folder / "XNLI/sub/test.tsv").write_bytes(b"TEST\n")
    message = refused(make_zip(tmp_path / "a.zip", FILES), folder, "already holds other files")
    assert "XNLI/sub/test.tsv" in message and "dev.tsv" not in message
    assert (folder / "XNLI/sub/test.tsv").read_bytes() == b"TEST\n"


def test_what_a_killed_run_left_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".a.zip.unpacking/XNLI").mkdir(parents=True)
    (tmp_path / ".a.zip.unpacking/XNLI/half").write_bytes(b"ha")
    unpack_all(make_zip(tmp_path / "a.zip", FILES), tmp_path / "data")
    assert not (tmp_path / "data/XNLI/half").exists()
    assert not (tmp_path / ".a.zip.unpacking").exists()
