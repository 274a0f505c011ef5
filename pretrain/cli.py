"""What can be typed after `python -m pretrain`. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xlmr_bench.console import Parser, dispatch, ended

from .cli_corpus import add_corpus
from .cores import usable_cores

EPILOG = """examples:
  python -m pretrain corpus build wet/ corpus/ --lid lid.176.bin --models models/
  python -m pretrain vocab text/ sentencepiece.bpe.model --size 32000
  python -m pretrain shard text/ shards/ --tokenizer sentencepiece.bpe.model
  python -m pretrain plan xlmr_base.toml
  torchrun --nproc-per-node 8 -m pretrain train xlmr_base.toml data.shards=shards/

exit codes: 0 ok, 1 the work failed, 2 usage, 3 data missing or wrong, 130 interrupted (the same command continues)."""
_TEXT = "folder with LANGUAGE.txt (.gz, .xz) or LANGUAGE/*.txt (.gz, .xz), in UTF-8"
_LANGUAGES = "codes separated by commas (default: all found)"

Command = Callable[[str, str, str], argparse.ArgumentParser]


class _Command(Parser):
    """A command whose `key=value` words may stand anywhere among its options; argparse wants them in one place."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, rest = super().parse_known_args(args, namespace)
        if getattr(found, "settings", None) is not None:
            found.settings += [word for word in rest if "=" in word]
            rest = [word for word in rest if "=" not in word]
        return found, rest


def build_parser() -> Parser:
    """All commands with their options."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        prog="python -m pretrain",
        description="Pretrain multilingual masked language models (XLM-R): corpus -> vocab -> shard -> train.",
        epilog=EPILOG,
        formatter_class=raw,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Command)

    def command(name: str, summary: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=summary, description=summary, epilog=f"example:\n  {example}", formatter_class=raw
        )

    for add in (_vocab, _shard, _inspect, _train_and_plan, _export, add_corpus):
        add(command)
    return parser


def _vocab(command: Command) -> None:
    p = command(
        "vocab",
        "train a SentencePiece vocabulary on text of many languages",
        "python -m pretrain vocab text/ sentencepiece.bpe.model --size 32000 --lines 2000000",
    )
    p.add_argument("text", type=Path, metavar="TEXT", help=_TEXT)
    p.add_argument("out", type=Path, metavar="MODEL", help="the model to write, e.g. sentencepiece.bpe.model")
    p.add_argument("--size", type=int, default=250_000, help="pieces (default: 250000, XLM-R's)")
    p.add_argument("--type", choices=("unigram", "bpe"), default="unigram", help="default: unigram (paper)")
    p.add_argument("--alpha", type=float, default=0.3, help="languages are sampled by lines^alpha (default: 0.3)")
    p.add_argument("--lines", type=int, default=10_000_000, help="lines to sample in all (default: 10 million)")
    p.add_argument("--character-coverage", type=float, default=0.9995, metavar="C", help="default: 0.9995")
    p.add_argument("--languages", metavar="CODES", help=_LANGUAGES)
    p.add_argument("--threads", type=int, default=usable_cores(), help="of the trainer (default: one a core)")


def _shard(command: Command) -> None:
    p = command(
        "shard",
        "tokenise text into memory-mapped shards; repeating the command continues it",
        "python -m pretrain shard text/ shards/ --tokenizer sentencepiece.bpe.model",
    )
    p.add_argument("text", type=Path, metavar="TEXT", help=_TEXT)
    p.add_argument("out", type=Path, metavar="SHARDS", help="folder to write; repeating the command continues it")
    p.add_argument("--tokenizer", type=Path, required=True, metavar="MODEL", help="SentencePiece model, as of `vocab`")
    p.add_argument("--languages", metavar="CODES", help=_LANGUAGES)
    p.add_argument("--workers", type=int, default=usable_cores(), help="processes (default: one a core)")
    p.add_argument("--line-documents", action="store_true", help="each line is a document (default: blank lines)")


def _inspect(command: Command) -> None:
    p = command(
        "inspect",
        "show what shards hold: counts, text, and whether the files are whole",
        "python -m pretrain inspect shards/ --language sw --blocks 3",
    )
    p.add_argument("shards", type=Path, metavar="SHARDS")
    p.add_argument("--language", metavar="CODE", help="show blocks of this language as text")
    p.add_argument("--blocks", type=int, default=2, help="how many, evenly spread (default: 2)")
    p.add_argument("--block-tokens", type=int, default=128, help="their length (default: 128)")
    p.add_argument("--verify", action="store_true", help="compare every file with its digest")


def _train_and_plan(command: Command) -> None:
    train = command(
        "train",
        "train a model; repeating the command continues it",
        "python -m pretrain train pretrain/configs/tiny.toml data.shards=shards/",
    )
    plan = command(
        "plan",
        "what a run needs: parameters, memory, days; no GPU needed",
        "python -m pretrain plan pretrain/configs/xlmr_base.toml --gpus 64",
    )
    for p in (train, plan):
        p.add_argument("config", type=Path, metavar="CONFIG.toml", help="see pretrain/configs/")
        p.add_argument("settings", nargs="*", metavar="key=value", help="e.g. training.steps=1000")
        p.add_argument("--variant", help="one of the configuration's named runs")
    train.add_argument(
        "--accept-changes", action="store_true", help="continue a run whose configuration is no longer the same"
    )
    plan.add_argument(
        "--gpus", type=int, default=0, help="processes (default: 1, 8, 64 and 512, where they divide the batch)"
    )
    plan.add_argument("--gpu-tflops", type=float, default=790.0, help="dense bf16 rate of one (default: 790, H200)")
    plan.add_argument("--mfu", type=float, default=0.5, help="share of it that is reached (default: 0.5)")


def _export(command: Command) -> None:
    p = command(
        "export",
        "write a checkpoint of a run as a model folder",
        "python -m pretrain export runs/tiny model/",
    )
    p.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    p.add_argument("out", type=Path, metavar="MODEL", help="folder to write; xlmr_bench and Hugging Face load it")
    p.add_argument("--step", type=int, help="default: the newest complete checkpoint")


def main(argv: list[str]) -> int:
    """Run one command; returns the exit code."""
    return ended("pretrain", lambda: dispatch(build_parser(), argv, f"{__package__}.commands"))
