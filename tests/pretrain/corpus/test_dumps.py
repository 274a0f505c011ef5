"""Lists of WET files and the files themselves, from a real server on this machine and from folders."""

from __future__ import annotations

import functools
import gzip
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from download_site import Site, answering, names, serve
from samples import REPOSITORY
from wet_files import write_wet

from pretrain.corpus.dumps import dump_of, fetch_wet, read_list, write_list
from xlmr_bench.errors import DataError, UsageError, XlmrBenchError
from xlmr_bench.files import locked

OLD, NEW = "CC-MAIN-2018-30", "CC-MAIN-2018-34"
NAME = "CC-MAIN-20180715183800-20180715203800-{:05}.warc.wet.gz"


def path_of(dump: str, number: int) -> str:
    return f"crawl-data/{dump}/segments/1531676588961.14/wet/{NAME.format(number)}"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder like CommonCrawl's, of two dumps of which one has three files."""
    root = tmp_path / "archive"
    for dump, count in ((OLD, 3), (NEW, 1)):
        paths = [path_of(dump, number) for number in reversed(range(count))]
        for path in paths:
            write_wet(root / path, [("https://example.org", f"{dump} {path}")])
        (root / "crawl-data" / dump / "wet.paths.gz").write_bytes(gzip.compress(("\n".join(paths) + "\n").encode()))
    return root


@pytest.fixture
def base(archive: Path) -> Iterator[str]:
    with answering(functools.partial(Quiet, directory=str(archive)), threading.Event()) as address:
        yield address


@pytest.fixture
def site() -> Iterator[Site]:
    """A server of one file, whatever is asked for, that can be told to misbehave."""
    with serve() as site:
        site.url = f"{site.url.removesuffix('XNLI/data.zip')}{path_of(OLD, 7)}"
        site.body = gzip.compress(bytes(range(256)) * 2000, 0)
        yield site


def test_a_list_names_the_files_of_all_dumps_sorted_and_once(base: str, tmp_path: Path) -> None:
    target = tmp_path / "paths.txt"
    for address in (base, base + "/"):
        assert write_list([NEW, OLD, NEW], target, address) == 4
        expected = [f"{base}/{path}" for path in (*(path_of(OLD, n) for n in range(3)), path_of(NEW, 0))]
        assert target.read_text() == "".join(f"{line}\n" for line in expected)
        assert read_list(target) == expected


def test_a_folder_serves_as_well_as_the_archive(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (str(archive), "archive", "archive/"):
        assert write_list([OLD], tmp_path / "paths.txt", folder) == 3
        addresses = read_list(tmp_path / "paths.txt")
        assert addresses == [str(archive / path_of(OLD, n)) for n in range(3)]
        assert [fetch_wet(a, tmp_path / "fetched") for a in addresses] == [Path(a) for a in addresses]
    assert not (tmp_path / "fetched").exists()


@pytest.mark.parametrize(
    "name", ["2018-30", "CC-MAIN-2018", "CC-MAIN-2018-30/", "cc-main-2018-30", "", "../x", "CC-MAIN-2018-300"]
)
def test_what_is_no_name_of_a_dump_is_a_usage_error(name: str, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no dump .* CC-MAIN-2018-30"):
        write_list([OLD, name], tmp_path / "paths.txt", str(archive))
    assert not (tmp_path / "paths.txt").exists()


def test_no_dump_and_no_address_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no dump named"):
        write_list([], tmp_path / "paths.txt")
    with pytest.raises(UsageError, match="cannot be downloaded"):
        write_list([OLD], tmp_path / "paths.txt", "s3://commoncrawl/")


def test_a_dump_that_is_not_there_is_named_with_where_it_was_looked_for(
    archive: Path, base: str, tmp_path: Path
) -> None:
    for address, reason in ((base, "HTTP 404"), (str(archive), "No such file")):
        with pytest.raises(
            DataError, match=f"CC-MAIN-2019-04 at {address}/crawl-data/CC-MAIN-2019-04/wet.paths.gz.*{reason}"
        ):
            write_list([OLD, "CC-MAIN-2019-04"], tmp_path / "paths.txt", address)
    assert not (tmp_path / "paths.txt").exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"<html>", "damaged, or no list"),
        (gzip.compress(b"x" * 999)[:-9], "damaged, or no list"),
        (gzip.compress("é\n".encode()), "damaged, or no list"),
        (gzip.compress(b"\n"), "is empty"),
        (gzip.compress(b"crawl-data/CC-MAIN-2018-30/a.warc.gz\n"), "is no WET file of CC-MAIN-2018-30"),
        (gzip.compress(b"crawl-data/CC-MAIN-2018-34/a.wet.gz\n"), "is no WET file of CC-MAIN-2018-30"),
        (gzip.compress(b"crawl-data/CC-MAIN-2018-30/../../a.wet.gz\n"), "is no WET file of CC-MAIN-2018-30"),
        (gzip.compress(b"crawl-data/CC-MAIN-2018-30/a b.wet.gz\n"), "is no WET file of CC-MAIN-2018-30"),
    ],
)
def test_what_is_no_list_is_refused(content: bytes, complaint: str, archive: Path, tmp_path: Path) -> None:
    (archive / "crawl-data" / OLD / "wet.paths.gz").write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        write_list([OLD], tmp_path / "paths.txt", str(archive))


def test_a_list_written_by_hand_is_read(tmp_path: Path) -> None:
    listed = tmp_path / "paths.txt"
    listed.write_text("\nb.wet.gz\r\n  /x/a.warc.wet \nhttps://h/c.wet.gz\nb.wet.gz\n", encoding="utf-8")
    assert read_list(listed) == [str(tmp_path / "b.wet.gz"), "/x/a.warc.wet", "https://h/c.wet.gz"]
    for content, complaint in (
        (b"a.wet.gz\nb.warc.gz\n", r"line 2: 'b\.warc\.gz' is no WET file"),
        (b"\n \n", "is empty"),
        (gzip.compress(b"a.wet.gz"), "is not UTF-8"),
    ):
        listed.write_bytes(content)
        with pytest.raises(DataError, match=complaint):
            read_list(listed)
    with pytest.raises(DataError, match="corpus list"):
        read_list(tmp_path / "absent.txt")


def test_files_of_one_name_in_two_dumps_stay_apart(base: str, archive: Path, tmp_path: Path) -> None:
    fetched = [fetch_wet(f"{base}/{path_of(dump, 0)}", tmp_path / "wet") for dump in (OLD, NEW)]
    assert [path.read_bytes() for path in fetched] == [(archive / path_of(dump, 0)).read_bytes() for dump in (OLD, NEW)]
    assert [path.name for path in fetched] == [f"{dump}_{NAME.format(0)}" for dump in (OLD, NEW)]
    assert [dump_of(str(path)) for path in fetched] == [OLD, NEW]


def test_files_of_no_dump_stay_apart_too(site: Site, tmp_path: Path) -> None:
    root = site.url.partition("/crawl-data")[0]
    paths = {fetch_wet(f"{root}/{folder}/a.wet.gz", tmp_path) for folder in ("one", "two")}
    assert len(paths) == 2 and all(path.name.endswith("_a.wet.gz") for path in paths)


def test_a_file_is_downloaded_once_and_continued_where_it_stopped(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.plan = [{"cut": 100_000}]
    for _ in range(2):
        assert fetch_wet(site.url, tmp_path).read_bytes() == site.body
    assert site.seen == [None, "bytes=100000-"]
    assert names(tmp_path) == [f"{OLD}_{NAME.format(7)}"]
    assert "trying again" in capsys.readouterr().err


def test_a_file_that_cannot_be_had_is_a_data_error_and_leaves_nothing(site: Site, tmp_path: Path) -> None:
    site.plan = [{"status": 403}]
    with pytest.raises(DataError, match=r"cannot fetch http.*: HTTP 403 Forbidden\. Repeat .* put the file at"):
        fetch_wet(site.url, tmp_path)
    site.body = b"<html>log in</html>"
    with pytest.raises(DataError, match="what the server sent is no gzip file"):
        fetch_wet(site.url, tmp_path)
    assert [name for name in names(tmp_path) if not name.startswith(".")] == []
    with pytest.raises(DataError, match=r"absent\.wet\.gz of the list is not there"):
        fetch_wet(str(tmp_path / "absent.wet.gz"), tmp_path)


def test_two_processes_do_not_write_one_file(site: Site, tmp_path: Path) -> None:
    site.plan = [{"cut": 100_000, "hold": True}]
    program = f"import pathlib, pretrain.corpus.dumps as d; d.fetch_wet({site.url!r}, pathlib.Path({str(tmp_path)!r}))"
    other = subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY)
    try:
        end = time.monotonic() + 30
        while not site.seen and time.monotonic() < end:
            time.sleep(0.02)
        with pytest.raises(XlmrBenchError, match="already working on the download of"):
            fetch_wet(site.url, tmp_path)
    finally:
        site.release.set()
        code = other.wait(30)
    assert code == 0
    assert fetch_wet(site.url, tmp_path).read_bytes() == site.body


def test_a_file_that_is_there_is_used_while_another_process_holds_the_lock(site: Site, tmp_path: Path) -> None:
    target = fetch_wet(site.url, tmp_path)
    with locked(tmp_path / f".{target.name}.lock", "the download"):
        assert fetch_wet(site.url, tmp_path) == target


@pytest.mark.parametrize(
    ("address", "dump"),
    [
        (f"https://data.commoncrawl.org/{path_of(OLD, 0)}", OLD),
        (f"/data/{path_of(NEW, 0)}", NEW),
        (f"/data/{OLD}/copy/{NEW}/a.wet.gz", NEW),
        (f"wet/{OLD}_{NAME.format(3)}", OLD),
        (f"/data/{NAME.format(0)}", None),
        (f"https://host/a.wet.gz?of={OLD}", None),
        (f"/data/{OLD}-backup/a.wet.gz", None),
        ("a.wet.gz", None),
    ],
)
def test_the_dump_of_a_file_is_in_its_path(address: str, dump: str | None) -> None:
    assert dump_of(address) == dump
