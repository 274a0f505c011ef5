"""What can be typed after `python -m pretrain`. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from xlmr_bench.errors import XlmrBenchError


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    main = argparse.ArgumentParser(
        prog="pretrain",
        description="Pretrain multilingual masked language models (XLM-R): raw text -> vocab -> shard -> train.",
    )
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")

    vocab = commands.add_parser("vocab", help="train a SentencePiece vocabulary on text of many languages")
    vocab.add_argument("text", type=Path, metavar="TEXT", help="folder with LANGUAGE.txt[.gz] or LANGUAGE/*.txt[.gz]")
    vocab.add_argument("out", type=Path, metavar="MODEL", help="the model to write, e.g. sentencepiece.bpe.model")
    vocab.add_argument("--size", type=int, default=250_000, help="pieces (default: 250000, XLM-R's)")
    vocab.add_argument("--type", choices=("unigram", "bpe"), default="unigram", help="default: unigram (paper)")
    vocab.add_argument("--alpha", type=float, default=0.3, help="languages are sampled by lines^alpha (default: 0.3)")
    vocab.add_argument("--lines", type=int, default=10_000_000, help="lines to sample in all (default: 10 million)")
    vocab.add_argument("--character-coverage", type=float, default=0.9995, metavar="C", help="default: 0.9995")
    vocab.add_argument("--languages", help="codes separated by commas (default: all found)")
    vocab.add_argument("--threads", type=int, default=os.cpu_count() or 1)

    shard = commands.add_parser("shard", help="tokenise text into memory-mapped shards")
    shard.add_argument("text", type=Path, metavar="TEXT", help="folder with LANGUAGE.txt[.gz] or LANGUAGE/*.txt[.gz]")
    shard.add_argument("out", type=Path, metavar="SHARDS", help="folder to write; repeating the command continues it")
    shard.add_argument("--tokenizer", type=Path, required=True, metavar="MODEL", help="SentencePiece model")
    shard.add_argument("--languages", help="codes separated by commas (default: all found)")
    shard.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    shard.add_argument("--line-documents", action="store_true", help="each line is a document (default: blank lines)")

    inspect = commands.add_parser("inspect", help="show what shards hold, as text")
    inspect.add_argument("shards", type=Path, metavar="SHARDS")
    inspect.add_argument("--language", help="show blocks of this language")
    inspect.add_argument("--blocks", type=int, default=2, help="how many (default: 2)")
    inspect.add_argument("--block-tokens", type=int, default=128, help="their length (default: 128)")
    inspect.add_argument("--verify", action="store_true", help="compare every file with its digest")

    train = commands.add_parser("train", help="train a model; repeating the command continues it")
    plan = commands.add_parser("plan", help="what a run needs: parameters, memory, days; no GPU needed")
    for command in (train, plan):
        command.add_argument("config", type=Path, metavar="CONFIG.toml", help="see pretrain/configs/")
        command.add_argument("settings", nargs="*", metavar="key=value", help="e.g. training.steps=1000")
        command.add_argument("--variant", help="one of the configuration's named runs")
    train.add_argument(
        "--accept-changes", action="store_true", help="continue a run whose configuration is no longer the same"
    )
    plan.add_argument("--gpus", type=int, default=0, help="processes (default: the configuration's hardware)")
    plan.add_argument("--gpu-tflops", type=float, default=790.0, help="dense bf16 rate of one (default: 790, H200)")
    plan.add_argument("--mfu", type=float, default=0.5, help="share of it that is reached (default: 0.5)")

    export = commands.add_parser("export", help="write a checkpoint of a run as a model folder")
    export.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    export.add_argument("out", type=Path, metavar="MODEL", help="folder to write; xlmr_bench and Hugging Face load it")
    export.add_argument("--step", type=int, help="default: the newest complete checkpoint")
    return main


def main(words: Sequence[str]) -> int:
    """Run a command; the exit code as in `xlmr_bench.errors`."""
    args = parser().parse_args(words)
    try:
        module = importlib.import_module(f"pretrain.commands.{args.command}_command")
        code: int = module.execute(args)
        sys.stdout.flush()
        return code
    except XlmrBenchError as e:
        print(f"pretrain: {e}", file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt:
        print("pretrain: interrupted; the same command continues.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
