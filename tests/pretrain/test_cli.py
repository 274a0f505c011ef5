"""`python -m pretrain` as a user meets it: real processes, exit codes, what is on stdout and what on stderr."""

from __future__ import annotations

import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from command_line import ENVIRONMENT, refused_by, run_program
from samples import REPOSITORY

from pretrain.cli import EPILOG, build_parser
from xlmr_bench.miniature import miniature_folder

COMMANDS = ("vocab", "shard", "inspect", "train", "plan", "export", "corpus")
CORPUS = ("list", "models", "build", "report", "plan")
pretrain = partial(run_program, "pretrain")
refused = partial(refused_by, "pretrain")


# --- help ---


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_of_itself(command: str) -> None:
    done = pretrain(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"example:\n  python -m pretrain {command}" in done.stdout
    assert done.stdout.startswith(f"usage: python -m pretrain {command} ")


def test_every_example_in_the_help_can_be_parsed() -> None:
    parser = build_parser()
    (group,) = parser._subparsers._group_actions  # type: ignore[union-attr]
    texts = [EPILOG, *(p.format_help() for p in group.choices.values())]  # type: ignore[union-attr]
    lines = [line for t in texts for line in t.splitlines() if "-m pretrain " in line and not line.startswith("usage")]
    (actions,) = group.choices["corpus"]._subparsers._group_actions  # type: ignore[union-attr]
    assert tuple(actions.choices) == CORPUS
    own = [p.format_help().partition("example:\n")[2].strip() for p in actions.choices.values()]
    assert len(lines) == 5 + len(COMMANDS)
    lines += own
    for line in lines:
        words = shlex.split(line.partition("-m pretrain ")[2])
        assert parser.parse_args(words).command == words[0]


def test_no_command_at_all_is_a_usage_error_that_shows_the_help() -> None:
    done = pretrain()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python -m pretrain ")


# --- cost ---

IMPORTED = (
    "import atexit, sys\n"
    "atexit.register(lambda: print('heavy:', *(m for m in {!r} if m in sys.modules), file=sys.stderr))"
)


@pytest.mark.parametrize("words", [("--help",), ("shard", "--help"), ("shrad",)])
def test_nothing_heavy_is_imported_for_help(words: tuple[str, ...]) -> None:
    code = IMPORTED.format(("torch", "numpy", "sentencepiece", "tabulate"))
    assert pretrain(*words, before=code).stderr.endswith("heavy:\n")


@pytest.mark.parametrize("command", ["vocab", "shard", "inspect"])
def test_text_commands_never_import_torch(command: str) -> None:
    words = {"vocab": ("no", "m"), "shard": ("no", "s", "--tokenizer", "m"), "inspect": ("no",)}[command]
    done = pretrain(command, *words, before=IMPORTED.format(("torch",)))
    assert done.returncode == 3
    assert done.stderr.endswith("heavy:\n")


# --- mistakes ---


@pytest.mark.parametrize(
    ("words", "explanation"),
    [
        (
            ("vocba",),
            "unknown command 'vocba'. Did you mean 'vocab'? Known: vocab, shard, inspect, train, plan, export, corpus.",
        ),
        (("shard", "a", "b", "--tokeniser", "m"), "unknown option '--tokeniser'. Did you mean '--tokenizer'?"),
        (
            ("shard", "a", "b"),
            "the following arguments are required: --tokenizer\nSee: python -m pretrain shard --help",
        ),
        (("vocab", "a", "b", "--type", "wordpiece"), "invalid choice: 'wordpiece'"),
        (("inspect", "a", "--blocks", "0"), "--blocks and --block-tokens must be at least 1"),
    ],
)
def test_a_mistyped_word_ends_with_2_and_the_nearest_name(words: tuple[str, ...], explanation: str) -> None:
    if words[0] == "shard" and "--tokeniser" in words:
        words = (*words, "--tokenizer", "m")
    assert explanation in refused(2, *words)


def test_settings_may_stand_anywhere_after_the_configuration() -> None:
    words = ["plan", "c.toml", "alpha=.7", "--gpus", "8", "training.steps=5", "--variant", "a", "seed=2"]
    args = build_parser().parse_args(words)
    assert (args.settings, args.gpus, args.variant) == (["alpha=.7", "training.steps=5", "seed=2"], 8, "a")


def test_missing_text_and_shards_end_with_3(tmp_path: Path) -> None:
    assert "cannot read the text folder" in refused(3, "vocab", tmp_path / "none", tmp_path / "m")
    assert "cannot read the text folder" in refused(3, "shard", tmp_path / "none", tmp_path / "s", "--tokenizer", "m")
    assert "python -m pretrain shard TEXT" in refused(3, "inspect", tmp_path / "none")


# --- the road ---


def test_text_becomes_a_vocabulary_and_shards_that_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    for code in ("en", "sw"):
        lines = (miniature_folder() / "text" / f"{code}.txt").read_text().split("\n")[:800]
        (tmp_path / "text" / f"{code}.txt").write_text("\n".join(lines))
    text, model, shards = tmp_path / "text", tmp_path / "sentencepiece.bpe.model", tmp_path / "shards"

    done = pretrain("vocab", text, model, "--size", 150, "--threads", 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == ["language", "lines", "sampled", "share", "%"]
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == ["en", "sw", "all"]
    assert f"wrote {model} and {model}.json" in done.stderr

    done = pretrain("shard", text, shards, "--tokenizer", model, "--workers", 2)
    assert done.returncode == 0, done.stderr
    table = done.stdout
    assert [line.split()[0] for line in table.splitlines()[2:]] == ["en", "sw", "all"]
    assert table.splitlines()[2].split()[1] == f"{sum(1 for s in (text / 'en.txt').read_text().split(chr(10)) if s)}"
    assert "MB/s with 2 processes" in done.stderr or "kB/s with 2 processes" in done.stderr

    done = pretrain("shard", text, shards, "--tokenizer", model)
    assert (done.returncode, done.stdout) == (0, table)
    assert done.stderr == "nothing was left to do: all of the text was tokenised before\n"

    done = pretrain("shard", text, shards, "--tokenizer", model, "--languages", "sw")
    assert "not asked for now, so not in the manifest: en" in done.stderr
    assert pretrain("shard", text, shards, "--tokenizer", model).stdout == table

    done = pretrain("inspect", shards, "--verify")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(table)
    assert "152 ids; digest " in done.stdout
    assert "2 files, " in done.stderr

    done = pretrain("inspect", shards, "--language", "sw", "--blocks", 3, "--block-tokens", 50)
    first, middle, last = done.stdout.split("\n\n")
    assert first.startswith("sw: tokens 0 to 50 of ")
    assert (text / "sw.txt").read_text().split("\n")[0] in first
    assert middle != first
    assert last.rstrip().endswith(" </s>")
    assert "Did you mean 'sw'?" in refused(2, "inspect", shards, "--language", "swa")

    damaged = shards / "sw" / "00000.bin"
    content = bytearray(damaged.read_bytes())
    content[0] ^= 1
    damaged.write_bytes(content)
    assert "sw/00000.bin: its sha256 is not the one in manifest.json" in refused(3, "inspect", shards, "--verify")
    damaged.write_bytes(content[:-1])
    assert "sw/00000.bin: " in refused(3, "inspect", shards)


def test_a_reader_that_stops_early_is_no_failure() -> None:
    line = f"{sys.executable} -m pretrain --help | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
