"""Vocabulary training: which lines are sampled, the layout of the result, and refusals that leave nothing behind."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import sentencepiece
from samples import REPOSITORY

from pretrain.text import find_text
from pretrain.vocabulary import (
    MAX_SENTENCE_BYTES,
    Options,
    Sample,
    allocate,
    is_taken,
    sampled_lines,
    train_vocabulary,
)
from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.miniature import miniature_folder
from xlmr_bench.modeling.tokenizer import load_sentencepiece

SMALL = Options(size=150, lines=2_000)


def quiet(line: str) -> None:
    pass


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """2,000 lines of English and 300 of Swahili."""
    folder = tmp_path / "text"
    folder.mkdir()
    for code, count in (("en", 2000), ("sw", 300)):
        lines = (miniature_folder() / "text" / f"{code}.txt").read_text().split("\n")
        (folder / f"{code}.txt").write_text("\n\n".join([line for line in lines if line][:count]) + "\n")
    return folder


# --- the sample ---


def test_shares_follow_lines_to_the_power_of_alpha() -> None:
    # alpha .5: 10,000^.5 : 400^.5 = 100 : 20
    assert allocate({"en": 10_000, "sw": 400}, 0.5, 120) == {"en": 100, "sw": 20}
    assert allocate({"en": 9_000, "sw": 1_000}, 1.0, 100) == {"en": 90, "sw": 10}
    assert allocate({"en": 9_000, "sw": 1_000}, 0.0, 100) == {"en": 50, "sw": 50}


def test_what_a_language_lacks_goes_to_the_others_until_nobody_lacks() -> None:
    # Equal shares of 300 are 100: `a` has 10. The others then get 145 each: `b` has 120. `c` gives the rest.
    assert allocate({"a": 10, "b": 120, "c": 1_000}, 0.0, 300) == {"a": 10, "b": 120, "c": 170}


def test_no_line_is_given_twice_and_the_sum_is_what_was_asked_for() -> None:
    lines = {"a": 7, "b": 7, "c": 7, "d": 1_000}
    for total in (1, 2, 3, 10, 29, 500, 1_020, 1_021, 10_000):
        given = allocate(lines, 0.3, total)
        assert sum(given.values()) == min(total, 1_021)
        assert all(0 <= given[code] <= lines[code] for code in lines)
        assert list(given) == list(lines)


@pytest.mark.parametrize(("taken", "lines"), [(0, 9), (1, 9), (4, 9), (9, 9), (333, 1000)])
def test_the_lines_taken_are_exactly_as_many_and_evenly_spaced(taken: int, lines: int) -> None:
    chosen = [j for j in range(lines) if is_taken(j, taken, lines)]
    assert len(chosen) == taken
    gaps = {b - a for a, b in pairwise(chosen)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


def sample_of(folder: Path, taken: int) -> list[str]:
    (files,) = find_text(folder).values()
    lines = sum(bool(line.strip()) for f in files for line in f.path.read_bytes().split(b"\n"))
    return list(sampled_lines(Sample(tuple(files), lines, 0, taken)))


def test_lines_are_counted_through_the_files_of_a_language_and_blank_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.txt").write_text("0\n\n1\n2\n \n")
    (tmp_path / "en" / "b.txt").write_text("3\n4\n5")
    assert sample_of(tmp_path, 3) == ["1", "3", "5"]
    assert sample_of(tmp_path, 6) == ["0", "1", "2", "3", "4", "5"]


def test_a_line_that_sentencepiece_would_drop_is_cut_instead(tmp_path: Path) -> None:
    words, unbroken, marked = "ab " * 5_000 + "ab", "漢字𒀀" * 3_000, "five ▅ eighths"
    (tmp_path / "en.txt").write_text(f"{words}\n{unbroken}\n{marked}\n")
    lines = sample_of(tmp_path, 3)
    assert max(len(line.encode()) for line in lines) <= MAX_SENTENCE_BYTES
    assert lines.pop() == "five   eighths"
    parts = [line for line in lines if line.startswith("ab")]
    assert " ".join(parts) == words
    assert "".join(lines[len(parts) :]) == unbroken


# --- the model ---


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_the_model_has_the_layout_and_normalisation_of_xlmr(text: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "new" / "sentencepiece.bpe.model"
    train_vocabulary(text, out, Options(size=150, type=kind, lines=2_000), None, quiet)
    raw = sentencepiece.SentencePieceProcessor(model_proto=out.read_bytes())
    assert raw.get_piece_size() == 150
    assert [raw.id_to_piece(i) for i in range(3)] == ["<unk>", "<s>", "</s>"]
    assert not any(raw.is_byte(i) for i in range(150))
    tokenizer = load_sentencepiece(out)
    assert tokenizer.vocab_size == 152
    line = (text / "sw.txt").read_text().split("\n")[0]
    (ids,) = tokenizer.encode_batch([line])
    assert 3 not in ids
    assert tokenizer.decode(ids) == line
    assert tokenizer.encode_batch(["ＤＡＶＩＤ"]) == tokenizer.encode_batch(["DAVID"])  # nmt_nfkc


def test_the_same_text_gives_the_same_model_and_a_record_says_what_it_was(text: Path, tmp_path: Path) -> None:
    samples = train_vocabulary(text, tmp_path / "a.model", SMALL, None, quiet)
    train_vocabulary(text, tmp_path / "b.model", SMALL, None, quiet)
    model = (tmp_path / "a.model").read_bytes()
    assert model == (tmp_path / "b.model").read_bytes()
    record = json.loads((tmp_path / "a.model.json").read_text())
    assert record["model_sha256"] == hashlib.sha256(model).hexdigest()
    assert record["options"]["alpha"] == 0.3
    assert record["languages"]["sw"] == {"lines": 300, "bytes": samples["sw"].bytes, "taken": 300}
    assert record["languages"]["en"]["taken"] == 1_700
    assert record["files"]["en.txt"] == {"bytes": (text / "en.txt").stat().st_size}


# --- refusals ---


def left_behind(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name != "text"]


def test_a_vocabulary_too_large_for_the_text_gets_the_largest_possible(text: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"yields at most [\d,]+ pieces, not 50,000\. Use --size \d+ or less") as caught:
        train_vocabulary(text, tmp_path / "m", Options(size=50_000, lines=2_000), None, quiet)
    assert left_behind(tmp_path) == []
    most = int(str(caught.value).partition("--size ")[2].split()[0])
    train_vocabulary(text, tmp_path / "m", Options(size=most, lines=2_000), None, quiet)


def test_a_vocabulary_too_small_for_the_characters_is_refused(text: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--size 10 is too small: at --character-coverage 0\.9995 the characters"):
        train_vocabulary(text, tmp_path / "m", Options(size=10, lines=2_000), None, quiet)
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(alpha=1.1), "--alpha 1.1 is not between 0"),
        (Options(alpha=-0.1), "--alpha -0.1"),
        (Options(alpha=float("nan")), "--alpha nan"),
        (Options(character_coverage=0.0), "--character-coverage 0.0"),
        (Options(lines=0), "--lines 0 is too small"),
        (Options(size=4), "--size 4 is too small"),
        (Options(threads=0), "--threads 0 is too small"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(text: Path, tmp_path: Path, options: Options, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train_vocabulary(text, tmp_path / "m", options, None, quiet)


def test_nothing_is_overwritten(text: Path, tmp_path: Path) -> None:
    for name in ("m", "m.json"):
        (tmp_path / name).write_text("precious")
        with pytest.raises(UsageError, match=f"{name} exists; vocab overwrites nothing"):
            train_vocabulary(text, tmp_path / "m", SMALL, None, quiet)
        assert (tmp_path / name).read_text() == "precious"
        (tmp_path / name).unlink()


def test_text_that_is_blank_or_not_utf8_is_named(text: Path, tmp_path: Path) -> None:
    (text / "fr.txt").write_text("\n \n")
    with pytest.raises(DataError, match=r"language 'fr' holds no text \(fr\.txt\)"):
        train_vocabulary(text, tmp_path / "m", SMALL, None, quiet)
    (text / "fr.txt").write_bytes(b"mot\n\xe9t\xe9\n")
    with pytest.raises(DataError, match=r"\A/[^ ]*fr\.txt, line 2, byte 4: not UTF-8 \(0xe9"):
        train_vocabulary(text, tmp_path / "m", SMALL, None, quiet)
    train_vocabulary(text, tmp_path / "m", SMALL, "en,sw", quiet)


def test_one_line_of_text_says_that_it_is_too_little(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "en.txt").write_text("a")
    with pytest.raises(DataError, match="yields at most 5 pieces, not 150"):
        train_vocabulary(tmp_path / "text", tmp_path / "m", SMALL, None, quiet)


# --- interruption ---


@pytest.mark.parametrize("caught", [signal.SIGINT, signal.SIGKILL])
def test_training_ends_at_once_and_leaves_nothing(tmp_path: Path, caught: signal.Signals) -> None:
    (tmp_path / "text").mkdir()
    words = "\n".join(f"{i * 7919 % 100_003:x} {i * 104_729 % 99_991:x} {i:b}" for i in range(60_000))
    (tmp_path / "text" / "en.txt").write_text(words)
    command = [sys.executable, "-m", "pretrain", "vocab", tmp_path / "text", tmp_path / "m", "--size", "8000"]
    process = subprocess.Popen(
        [*map(str, command), "--threads", "1"],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    while "training the vocabulary" not in (line := process.stderr.readline()):
        assert line, "it ended before it trained"
    time.sleep(0.3)
    assert process.poll() is None
    began = time.monotonic()
    os.killpg(process.pid, caught) if caught == signal.SIGINT else process.kill()
    output, errors = process.communicate(timeout=20)
    assert output == ""
    assert time.monotonic() - began < 3
    if caught == signal.SIGINT:
        assert process.returncode == 130
        assert errors == "pretrain: interrupted; nothing was written, and the same command starts anew.\n"
    assert left_behind(tmp_path) == []
    end = time.monotonic() + 5
    while True:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        assert time.monotonic() < end, "the trainer outlived its command"
        time.sleep(0.02)
