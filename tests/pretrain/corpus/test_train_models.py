"""Training language models: what is written, continuing, refusals, and text that is too small."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sentencepiece
from kenlm_programs import kenlm_on_path
from samples import REPOSITORY

from pretrain.corpus.perplexity import LanguageModels
from pretrain.corpus.train_models import train_models
from xlmr_bench.errors import DataError, UsageError, XlmrBenchError
from xlmr_bench.miniature import miniature_folder


@pytest.fixture(scope="module", autouse=True)
def programs() -> Iterator[None]:
    with kenlm_on_path():
        yield


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Swahili and Thai of the miniature, with capitals, accents and digits in twenty lines."""
    folder = tmp_path / "text"
    folder.mkdir()
    for language in ("sw", "th"):
        lines = (miniature_folder() / "text" / f"{language}.txt").read_text(encoding="utf-8").split("\n")[:300]
        (folder / f"{language}.txt").write_text("\n".join([*["ÉLÈVE 1984"] * 20, "", *lines]) + "\n", encoding="utf-8")
    return folder


def digests(out: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in out.iterdir() if p.name != ".lock"}


def test_each_language_gets_two_models_and_a_record(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "models"
    train_models(text, out, size=120, order=3)
    names = {f"{language}.{end}" for language in ("sw", "th") for end in ("sp.model", "arpa.bin", "json")}
    assert set(digests(out)) == names
    assert LanguageModels(out).languages == {"sw", "th"}
    record = json.loads((out / "sw.json").read_text())
    content = (text / "sw.txt").read_bytes()
    assert record["settings"] == {"size": 120, "order": 3}
    assert record["text"] == {"sw.txt": {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}
    assert record["lines"] == sum(bool(line.strip()) for line in content.decode().split("\n"))
    assert record["models"]["sw.arpa.bin"]["sha256"] == digests(out)["sw.arpa.bin"]


def test_models_are_of_normalised_text(text: Path, tmp_path: Path) -> None:
    train_models(text, tmp_path / "models", "sw", size=120, order=2)
    model = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "models" / "sw.sp.model"))
    pieces = "".join(model.id_to_piece(list(range(3, model.get_piece_size()))))
    assert pieces == pieces.lower()
    assert not set(pieces) & set("123456789éè")
    assert "0" in pieces


def test_the_same_command_keeps_what_is_done(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    out = tmp_path / "models"
    train_models(text, out, "sw", size=120, order=2)
    before, made = digests(out), (out / "sw.arpa.bin").stat().st_mtime_ns
    capsys.readouterr()
    train_models(text, out, size=120, order=2)
    said = capsys.readouterr().err
    assert "sw: kept" in said
    assert "th: kept" not in said
    assert (out / "sw.arpa.bin").stat().st_mtime_ns == made
    assert digests(out).items() >= before.items()
    assert LanguageModels(out).languages == {"sw", "th"}


def test_half_a_pair_is_made_again_and_is_the_same(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "models"
    train_models(text, out, "sw", size=120, order=2)
    before = digests(out)
    (out / "sw.arpa.bin").unlink()
    train_models(text, out, "sw", size=120, order=2)
    assert digests(out) == before


def test_a_killed_command_continues_to_the_same_models(text: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "models", tmp_path / "whole"
    train_models(text, whole, size=120, order=3)
    code = (
        "import sys; from pathlib import Path; from pretrain.corpus.train_models import train_models\n"
        "if __name__ == '__main__': train_models(Path(sys.argv[1]), Path(sys.argv[2]), size=120, order=3)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, text, out], cwd=REPOSITORY, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 30
    while not (out / ".th.making" / "text.txt").exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (out / ".th.making").exists()
    assert not (out / "th.json").exists()
    train_models(text, out, size=120, order=3)
    assert digests(out) == digests(whole)


@pytest.mark.parametrize("change", ["text", "size", "order"])
def test_models_of_other_text_or_settings_are_not_overwritten(text: Path, tmp_path: Path, change: str) -> None:
    out = tmp_path / "models"
    train_models(text, out, "sw", size=120, order=2)
    before = digests(out)
    if change == "text":
        (text / "sw.txt").write_text("maneno mengine\n" * 100)
    with pytest.raises(UsageError, match=f"other {'text' if change == 'text' else 'settings'}"):
        train_models(text, out, "sw", 100 if change == "size" else 120, 3 if change == "order" else 2)
    assert digests(out) == before


def test_models_from_elsewhere_are_not_overwritten(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "models"
    out.mkdir()
    (out / "sw.arpa.bin").write_text("downloaded")
    with pytest.raises(UsageError, match="was not made by this command"):
        train_models(text, out, "sw", size=120, order=2)
    assert (out / "sw.arpa.bin").read_text() == "downloaded"


def test_text_too_small_for_the_size_gives_the_pieces_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    text, out = tmp_path / "text", tmp_path / "models"
    text.mkdir()
    (text / "en.txt").write_text("a small text\nanother small text\n")
    train_models(text, out)
    said = capsys.readouterr().err
    size = sentencepiece.SentencePieceProcessor(model_file=str(out / "en.sp.model")).get_piece_size()
    assert size < 40
    assert f"en: its text yields {size} pieces only" in said
    assert LanguageModels(out).perplexity("en", "a small text") < LanguageModels(out).perplexity("en", "txt lla sm")


def test_difficult_lines_are_no_reason_to_stop(tmp_path: Path) -> None:
    text, out = tmp_path / "text", tmp_path / "models"
    text.mkdir()
    draw = random.Random(3)
    words = ["".join(draw.choices("abcdefgh", k=4)) for _ in range(200)]
    long = " ".join(draw.choices(words, k=60_000))
    unbroken = "".join(draw.choices(words, k=3000))
    lines = ["<s> and </s> and <unk> and ▅", long, unbroken, "\u0301\u0302", "\x00\x01\x85", *words]
    (text / "en.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    train_models(text, out, size=150, order=2)
    assert LanguageModels(out).perplexity("en", long[:1000]) < LanguageModels(out).perplexity("en", "zyx wvu qqq")


def test_what_cannot_be_trained_on_is_refused(tmp_path: Path) -> None:
    text, out = tmp_path / "text", tmp_path / "models"
    text.mkdir()
    (text / "en.txt").write_bytes(b"good\n\xff\xfe bad\n")
    with pytest.raises(DataError, match="line 2"):
        train_models(text, out, size=120, order=2)
    (text / "en.txt").write_text(" \n\u0301\n")
    with pytest.raises(DataError, match="holds no text"):
        train_models(text, out, size=120, order=2)
    (text / "en.txt").write_text("abcdefghijklmnopqrstuvwxyz\n")
    with pytest.raises(DataError, match="en: SentencePiece could not learn 5 pieces"):
        train_models(text, out, size=5, order=2)
    assert digests(out) == {}


def test_a_program_that_fails_is_quoted(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lmplz").write_text("#!/bin/sh\necho counting >&2\necho No space left on device >&2\nexit 3\n")
    (tmp_path / "lmplz").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(XlmrBenchError, match="lmplz ended with exit code 3: counting No space left on device"):
        train_models(text, tmp_path / "models", "sw", size=120, order=2)
    assert digests(tmp_path / "models") == {}


@pytest.mark.parametrize(("name", "value"), [("size", 4), ("order", 1), ("order", 7), ("threads", 0)])
def test_numbers_that_cannot_be_meant_are_refused(text: Path, tmp_path: Path, name: str, value: int) -> None:
    with pytest.raises(UsageError, match=f"--{name} {value} is too"):
        train_models(text, tmp_path / "models", **{name: value})


def test_missing_programs_are_refused_with_the_way_to_get_them(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="lmplz is not on PATH") as refusal:
        train_models(text, tmp_path / "models")
    for word in ("pip download kenlm==0.3.0 --no-binary kenlm --no-deps", "cmake", "libboost-test-dev", "PATH="):
        assert word in str(refusal.value)
    assert not (tmp_path / "models").exists()
