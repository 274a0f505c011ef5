"""Fetching archives from a real server on this machine into a data folder."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from download_site import answering

from xlmr_bench.data import download as download_module
from xlmr_bench.data.catalogue import ARCHIVES, Archive
from xlmr_bench.data.fetch import fetch
from xlmr_bench.errors import DataError, UsageError, XlmrBenchError
from xlmr_bench.files import locked

REPOSITORY = Path(__file__).parents[2]
MEMBERS = {"TOY-1.0/dev.tsv": b"dev\n" * 9000, "TOY-1.0/test.tsv": os.urandom(50_000), "TOY-1.0/README.md": b"toy"}


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


TOY_ZIP = zipped(MEMBERS)
TOY = Archive(
    name="TOY-1.0",
    url="https://data.example.org/toy/TOY-1.0.zip",
    size=len(TOY_ZIP),
    sha256=hashlib.sha256(TOY_ZIP).hexdigest(),
    members=("TOY-1.0/dev.tsv", "TOY-1.0/test.tsv"),
    max_bytes=10**6,
    licence="CC BY-NC 4.0",
    note="Toys.",
)
UNKNOWN = replace(TOY, size=None, sha256=None)


@dataclass
class Mirror:
    """Files by path; hold_after: bytes after which the next answer waits for ever."""

    files: dict[str, bytes] = field(default_factory=lambda: {"/toy/TOY-1.0.zip": TOY_ZIP})
    hold_after: int | None = None
    seen: list[tuple[str, str | None]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    mirror: Mirror

    def do_GET(self) -> None:
        mirror, asked = self.mirror, self.headers["Range"]
        mirror.seen.append((self.path, asked))
        if self.path not in mirror.files:
            self.send_error(404)
            return
        body = mirror.files[self.path]
        tag = f'"{hashlib.sha256(body).hexdigest()}"'
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.headers["If-Range"] == tag else 0
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - first))
        self.send_header("ETag", tag)
        self.end_headers()
        hold, mirror.hold_after = mirror.hold_after, None
        self.wfile.write(body[first:][:hold])
        self.wfile.flush()
        if hold is not None:
            mirror.release.wait(20)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setattr(download_module, "_WAITS_S", (0.01,) * 4)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    mirror = Mirror()
    handler = type("HandlerOfOneTest", (Handler,), {"mirror": mirror})
    with answering(handler, mirror.release) as mirror.url:
        yield mirror


def holds_all(folder: Path) -> bool:
    return all((folder / name).read_bytes() == content for name, content in MEMBERS.items())


def test_the_official_layout_appears_and_the_licence_is_told_first(
    mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch([TOY], tmp_path / "data", mirror.url)
    assert holds_all(tmp_path / "data")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == "TOY-1.0: Toys. Licence: CC BY-NC 4.0."
    assert mirror.seen == [("/toy/TOY-1.0.zip", None)]


def test_what_is_there_whole_is_not_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    fetch([TOY], tmp_path, mirror.url)
    (tmp_path / "downloads/TOY-1.0.zip").unlink()
    fetch([TOY], tmp_path, mirror.url)
    assert len(mirror.seen) == 1


def test_a_mirror_may_live_in_a_folder(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/pub/mirror/toy/TOY-1.0.zip"] = TOY_ZIP
    fetch([TOY], tmp_path, mirror.url + "/pub/mirror/")
    assert mirror.seen[0][0] == "/pub/mirror/toy/TOY-1.0.zip"


def test_a_mirror_that_is_no_web_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="file:///srv"):
        fetch([TOY], tmp_path, "file:///srv")


def test_a_lost_file_is_unpacked_again_without_a_network(mirror: Mirror, tmp_path: Path) -> None:
    fetch([TOY], tmp_path, mirror.url)
    (tmp_path / "TOY-1.0/test.tsv").unlink()
    fetch([TOY], tmp_path, mirror.url)
    assert holds_all(tmp_path)
    assert len(mirror.seen) == 1


def test_a_changed_file_is_reported_and_not_overwritten(mirror: Mirror, tmp_path: Path) -> None:
    fetch([TOY], tmp_path, mirror.url)
    (tmp_path / "TOY-1.0/test.tsv").write_bytes(b"edited")
    with pytest.raises(DataError, match=r"already holds other files.*TOY-1.0/test.tsv"):
        fetch([TOY], tmp_path, mirror.url)
    assert (tmp_path / "TOY-1.0/test.tsv").read_bytes() == b"edited"


def test_an_archive_put_there_by_hand_is_used(tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/TOY-1.0.zip").write_bytes(TOY_ZIP)
    fetch([TOY], tmp_path, "http://127.0.0.1:9")
    assert holds_all(tmp_path)


def test_a_wrong_archive_put_there_by_hand_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/TOY-1.0.zip").write_bytes(b"other")
    with pytest.raises(DataError) as caught:
        fetch([TOY], tmp_path, "http://127.0.0.1:9")
    for needed in (TOY.sha256, hashlib.sha256(b"other").hexdigest(), "TOY-1.0.zip", "Delete it"):
        assert str(needed) in str(caught.value)
    assert (tmp_path / "downloads/TOY-1.0.zip").read_bytes() == b"other"


def test_without_a_network_the_place_for_the_file_is_named(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"cannot download .*{tmp_path}/downloads/TOY-1.0.zip.*--data DIR"):
        fetch([TOY], tmp_path, "http://127.0.0.1:9")


def test_a_server_with_another_file_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/toy/TOY-1.0.zip"] = TOY_ZIP[:-1] + b"x"
    with pytest.raises(DataError, match=f"expected {TOY.sha256}"):
        fetch([TOY], tmp_path, mirror.url)
    assert not (tmp_path / "TOY-1.0").exists()
    mirror.files["/toy/TOY-1.0.zip"] = TOY_ZIP
    fetch([TOY], tmp_path, mirror.url)
    assert holds_all(tmp_path)


def test_an_unpublished_digest_is_written_down_and_binds_later_downloads(
    mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch([UNKNOWN], tmp_path, mirror.url)
    record = json.loads((tmp_path / "downloads/TOY-1.0.sha256.json").read_text())
    assert record.pop("date").startswith("20")
    assert record == {"url": f"{mirror.url}/toy/TOY-1.0.zip", "size": len(TOY_ZIP), "sha256": TOY.sha256}
    err = capsys.readouterr().err
    assert "no digest is published" in err and str(TOY.sha256) in err
    (tmp_path / "downloads/TOY-1.0.zip").unlink()
    (tmp_path / "TOY-1.0/dev.tsv").unlink()
    mirror.files["/toy/TOY-1.0.zip"] = TOY_ZIP[:-1] + b"x"  # of the same size
    with pytest.raises(DataError, match=r"TOY-1\.0\.sha256\.json, written at the first download"):
        fetch([UNKNOWN], tmp_path, mirror.url)
    mirror.files["/toy/TOY-1.0.zip"] = TOY_ZIP
    fetch([UNKNOWN], tmp_path, mirror.url)
    assert holds_all(tmp_path)


def test_an_error_page_does_not_become_the_digest_to_match(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/toy/TOY-1.0.zip"] = b"<html>sign in</html>"
    with pytest.raises(DataError, match=r"neither a zip.*Delete it"):
        fetch([UNKNOWN], tmp_path, mirror.url)
    assert not (tmp_path / "downloads/TOY-1.0.sha256.json").exists()


def test_an_archive_without_its_members_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lacks TOY-1.0/dev.xx.tsv; it holds TOY-1.0/dev.tsv"):
        fetch([replace(TOY, members=("TOY-1.0/dev.xx.tsv",))], tmp_path, mirror.url)


def test_a_new_edition_in_the_catalogue_is_fetched(mirror: Mirror, tmp_path: Path) -> None:
    fetch([TOY], tmp_path, mirror.url)
    (tmp_path / "downloads/TOY-1.0.zip").unlink()
    new = zipped({**MEMBERS, "TOY-1.0/errata": b"e"})
    mirror.files["/toy/TOY-1.0.zip"] = new
    fetch([replace(TOY, size=len(new), sha256=hashlib.sha256(new).hexdigest())], tmp_path, mirror.url)
    assert (tmp_path / "TOY-1.0/errata").read_bytes() == b"e"


def test_two_fetches_into_one_folder_do_not_race(mirror: Mirror, tmp_path: Path) -> None:
    with (
        locked(tmp_path / "downloads" / ".lock", "this"),
        pytest.raises(XlmrBenchError, match=rf"already working on the data folder {tmp_path}"),
    ):
        fetch([TOY], tmp_path, mirror.url)
    assert mirror.seen == []


def test_the_same_command_continues_after_kill_9(mirror: Mirror, tmp_path: Path) -> None:
    code = (
        "import json, sys, pathlib; from xlmr_bench.data.catalogue import Archive;"
        "from xlmr_bench.data.fetch import fetch;"
        "fetch([Archive(**json.loads(sys.argv[1]))], pathlib.Path(sys.argv[2]), sys.argv[3])"
    )
    command = [sys.executable, "-c", code, json.dumps(TOY.__dict__), str(tmp_path), mirror.url]
    environment = os.environ | {"no_proxy": "127.0.0.1"}
    mirror.hold_after = 20_000
    child = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL)
    part = tmp_path / "downloads/TOY-1.0.zip.part"
    deadline = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size == 20_000):
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    child.kill()
    assert child.wait(10) == -signal.SIGKILL
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, timeout=30)
    assert holds_all(tmp_path)
    assert [asked for _, asked in mirror.seen] == [None, "bytes=20000-"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["TOY-1.0", "downloads"]


def test_the_catalogue_says_what_a_user_must_know() -> None:
    names = [archive.name for archive in ARCHIVES]
    assert names == sorted(set(names), key=names.index) and {"XNLI-1.0", "XNLI-MT-1.0"} <= set(names)
    for archive in ARCHIVES:
        assert archive.url.startswith("https://")
        assert archive.licence and archive.note and archive.members and archive.max_bytes > (archive.size or 0)
        assert archive.sha256 is None or len(archive.sha256) == 64
    xnli = {archive.name: archive for archive in ARCHIVES}["XNLI-1.0"]
    assert (xnli.size, xnli.members) == (17_865_352, ("XNLI-1.0/xnli.dev.tsv", "XNLI-1.0/xnli.test.tsv"))


def test_fetching_loads_no_heavy_library() -> None:
    code = (
        "import sys; import xlmr_bench.data.fetch;"
        "print([m for m in ('torch', 'numpy', 'datasets', 'pyarrow', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
