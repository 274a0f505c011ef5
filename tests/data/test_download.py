"""Downloads from a real server on this machine: whole files arrive, everything else is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from download_site import BODY, DIGEST, OTHER, Site, names

from xlmr_bench.data.download import download
from xlmr_bench.errors import DataError, UsageError, XlmrBenchError


def test_a_file_arrives_whole_with_its_digest_and_nothing_beside_it(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new" / "data.zip"
    assert download(site.url, target, sha256=DIGEST.upper(), size=len(BODY)) == DIGEST
    assert target.read_bytes() == BODY
    assert names(target.parent) == ["data.zip"]
    assert capsys.readouterr().out == ""


def test_without_a_known_digest_or_length_the_digest_found_is_returned(site: Site, tmp_path: Path) -> None:
    site.plan = [{"no_length": True}]
    assert download(site.url, tmp_path / "f", sha256=None, size=None) == DIGEST


def test_a_busy_server_is_asked_again(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.plan = [{"status": 503}, {"status": 429, "headers": {"Retry-After": "0"}}]
    assert download(site.url, tmp_path / "f", sha256=DIGEST, size=None) == DIGEST
    assert len(site.seen) == 3
    assert "HTTP 503" in capsys.readouterr().err


def test_a_server_that_stays_broken_is_given_up_after_a_few_tries(site: Site, tmp_path: Path) -> None:
    site.plan = [{"cut": 300_000}] + [{"status": 500}] * 20
    with pytest.raises(DataError, match=r"HTTP 500.*5 tries.*300,000 bytes are kept.*continues"):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    assert len(site.seen) == 5
    assert not (tmp_path / "f").exists()


def test_a_missing_file_is_reported_at_once_with_the_ways_out(site: Site, tmp_path: Path) -> None:
    site.plan = [{"status": 404}]
    with pytest.raises(DataError, match=rf"data.zip: HTTP 404.*mirror.*{tmp_path / 'f'}.*--data"):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    assert len(site.seen) == 1


def test_another_file_than_expected_is_refused_and_a_repeat_starts_anew(site: Site, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"earlier")
    site.body = OTHER
    with pytest.raises(DataError) as caught:
        download(site.url, tmp_path / "f", sha256=DIGEST, size=None)
    for needed in (site.url, DIGEST, hashlib.sha256(OTHER).hexdigest(), "Repeat", str(tmp_path / "f")):
        assert needed in str(caught.value)
    assert names(tmp_path) == ["f"] and (tmp_path / "f").read_bytes() == b"earlier"
    site.body = BODY
    assert download(site.url, tmp_path / "f", sha256=DIGEST, size=None) == DIGEST
    assert site.seen == [None, None]


def test_a_file_of_another_size_is_refused_before_it_is_read(site: Site, tmp_path: Path) -> None:
    site.plan = [{"cut": 10, "hold": True}]
    with pytest.raises(DataError, match=r"offers 1,000,000 bytes, expected 999,999.*login page"):
        download(site.url, tmp_path / "f", sha256=None, size=999_999)
    assert names(tmp_path) == []


def test_a_body_that_does_not_end_where_it_should_is_cut_off(site: Site, tmp_path: Path) -> None:
    site.plan = [{"no_length": True}]
    with pytest.raises(DataError, match="more than 5 bytes"):
        download(site.url, tmp_path / "f", sha256=None, size=5)
    assert names(tmp_path) == []


def test_a_disk_without_space_is_noticed_before_anything_is_written(site: Site, tmp_path: Path) -> None:
    site.plan = [{"announce": 10**17, "cut": 10, "hold": True}]
    with pytest.raises(XlmrBenchError, match=r"100,000\.0 TB are needed and .* are free"):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://example.org/f", "data:,x", "http://", "http://[", "f.zip"]
)
def test_only_web_addresses_are_downloaded(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="http"):
        download(url, tmp_path / "f", sha256=None, size=None)


def test_a_password_in_the_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        download("https://me:secret@example.org/f", tmp_path / "f", sha256=None, size=None)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("to", ["file:///etc/hostname", "ftp://127.0.0.1/f"])
def test_redirects_to_other_than_web_addresses_are_not_followed(site: Site, tmp_path: Path, to: str) -> None:
    site.plan = [{"status": 302, "headers": {"Location": to}}]
    with pytest.raises(DataError, match=to):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    assert names(tmp_path) == []


def test_redirects_to_web_addresses_are_followed(site: Site, tmp_path: Path) -> None:
    site.plan = [{"status": 302, "headers": {"Location": "/elsewhere"}}]
    assert download(site.url, tmp_path / "f", sha256=None, size=None) == DIGEST


def test_without_a_network_the_ways_out_are_named(site: Site, tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/data.zip"  # the discard port: nothing listens there
    with pytest.raises(DataError) as caught:
        download(url, tmp_path / "f", sha256=None, size=None)
    for needed in (url, "refused", str(tmp_path / "f"), "--data DIR"):
        assert needed in str(caught.value)
