"""The command line: what can be typed, its help, and how a failure ends. Commands are imported when they run.

Nothing heavy is imported here: `--help` costs a tenth of a second.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from . import __version__
from .cli_results import PLUGIN, RESULTS, RUNS, Command
from .console import Parser, dispatch, ended

EPILOG = """examples:
  python -m xlmr_bench init --size tiny --tokenizer miniature ckpt/
  python -m xlmr_bench run xnli --model ckpt/
  python -m xlmr_bench run xnli --model xlm-roberta-base/ --data DIR --protocol translate-train-all --seed 1-5
  torchrun --nproc-per-node 8 -m xlmr_bench run xnli --model xlm-roberta-base/ --data DIR
  python -m xlmr_bench run xnli glue --model a/ --model b/ --data DIR --launcher slurm --jobs 8 --time 4:00:00

exit codes: 0 ok, 1 run failed, 2 usage, 3 data missing or wrong, 4 some seeds failed, 5 not comparable,
6 outside the tolerance asked for, 130 interrupted (the same command continues)."""


def build_parser() -> Parser:
    """All commands with their options."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        prog="python -m xlmr_bench",
        description="Evaluate multilingual encoders by the protocols of the XLM-R paper.",
        epilog=EPILOG,
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"xlmr_bench {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, summary: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=summary, description=summary, epilog=f"example:\n  {example}", formatter_class=raw
        )

    for add in (_list, _doctor, _data, _init, _convert, _run, _status, _predict, *RESULTS):
        add(command)
    return parser


def _list(command: Command) -> None:
    p = command("list", "what there is: benchmarks, protocols, presets, settings", "python -m xlmr_bench list --json")
    p.add_argument("--json", action="store_true", help="machine-readable")
    p.add_argument("--plugin", action="append", default=[], type=Path, metavar="FILE", help=PLUGIN)


def _doctor(command: Command) -> None:
    p = command("doctor", "what this machine can do, and what is missing", "python -m xlmr_bench doctor")
    p.add_argument("--model", metavar="MODEL", help="also check that this model can be loaded")


def _data(command: Command) -> None:
    p = command(
        "data",
        "fetch, verify, look at or translate data",
        "python -m xlmr_bench data fetch xnli data/",
    )
    actions = p.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, summary: str, example: str) -> argparse.ArgumentParser:
        raw = argparse.RawDescriptionHelpFormatter
        epilog = f"example:\n  python -m xlmr_bench data {example}"
        return actions.add_parser(name, help=summary, description=summary, epilog=epilog, formatter_class=raw)

    fetch = action("fetch", "download the official files and check them", "fetch mlqa data/")
    verify = action("verify", "read everything and hold it against the official data", "verify xnli data/")
    status = action("status", "which splits are there, and which protocols they admit", "status ner data/conll/")
    for sub in (fetch, verify, status):
        sub.add_argument("benchmark", metavar="BENCHMARK", help="such as xnli; see `list`")
    fetch.add_argument("folder", type=Path, metavar="FOLDER", help="new or existing")
    fetch.add_argument("--mirror", metavar="URL", help="fetch from this address instead of the official one")
    verify.add_argument("folder", metavar="FOLDER", help="a data folder, or hub:NAME")
    status.add_argument("folder", metavar="FOLDER", help="a data folder, or hub:NAME")
    miniature = action("miniature", "write the built-in world: small data of every benchmark", "miniature world/")
    miniature.add_argument("folder", type=Path, nargs="?", default=Path("miniature"), metavar="FOLDER", help="new")
    _translate(action)


def _translate(action: Command) -> None:
    p = action(
        "translate",
        "make missing translated data with a Hugging Face translation model (extra `transformers`)",
        "translate xnli --split train --languages sw --model facebook/nllb-200-1.3B --data data/ --out mt/",
    )
    _data_options(p)
    p.add_argument("--split", choices=("train", "dev", "test"), required=True, help="test is brought into English")
    p.add_argument("--model", required=True, metavar="MODEL", help="translation model: a folder or a name on the Hub")
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="data folder for the files; then --data DIR")
    p.add_argument("--beams", type=int, default=4, metavar="N", help="default: 4")
    p.add_argument("--max-new-tokens", type=int, default=256, metavar="N", help="of one translation (default: 256)")
    p.add_argument("--batch-tokens", type=int, default=4096, metavar="N", help="source tokens a batch (default: 4096)")
    p.add_argument("--tasks", metavar="TASKS", help="GLUE tasks to translate, such as MRPC,RTE")


def _init(command: Command) -> None:
    p = command(
        "init",
        "write a randomly initialised XLM-R model (the paper's baseline in section 5.4)",
        "python -m xlmr_bench init --size tiny --tokenizer xlm-roberta-base/sentencepiece.bpe.model ckpt/",
    )
    p.add_argument("out", type=Path, metavar="OUT", help="new checkpoint folder")
    p.add_argument("--size", required=True, help="tiny, small, base or large")
    p.add_argument("--tokenizer", required=True, metavar="FILE", help="SentencePiece model, or `miniature`")
    p.add_argument("--seed", type=int, default=1)


def _convert(command: Command) -> None:
    p = command(
        "convert",
        "convert a checkpoint between the Hugging Face and the fairseq layout",
        "python -m xlmr_bench convert xlmr.base/ xlm-roberta-base/ --to hf",
    )
    p.add_argument("source", type=Path, metavar="SOURCE")
    p.add_argument("target", type=Path, metavar="TARGET", help="new folder")
    p.add_argument("--to", required=True, choices=("hf", "fairseq"))


def _data_options(p: argparse.ArgumentParser) -> None:
    p.add_argument("benchmark", metavar="BENCHMARK", help="such as xnli; see `list`")
    _reading_options(p)


def _reading_options(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="DIR",
        help="folder with the official files (repeatable), hub:NAME_OR_FOLDER, or miniature (the default)",
    )
    p.add_argument(
        "--files",
        action="append",
        default=[],
        metavar="ROLE=PATTERN",
        help="own files, e.g. train='mt/{language}.tsv'; roles: train dev test translate-train translate-test ...",
    )
    p.add_argument("--languages", metavar="CODES", help="such as en,sw, or all (default: those of the table)")
    p.add_argument("--plugin", action="append", default=[], type=Path, metavar="FILE", help=PLUGIN)
    p.add_argument("--limit", type=int, metavar="N", help="only N examples a split; results are marked as limited")
    p.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def _run(command: Command) -> None:
    p = command(
        "run",
        "fine-tune, select on dev, predict test, score, and set the result beside the paper's",
        "python -m xlmr_bench run xnli --model ckpt/ --data DIR --protocol transfer --languages en,sw,ur --seed 1",
    )
    p.add_argument("benchmarks", nargs="+", metavar="BENCHMARK", help="such as xnli; see `list`")
    _reading_options(p)
    p.add_argument(
        "--model",
        required=True,
        action="append",
        dest="models",
        metavar="MODEL",
        help="checkpoint folder (Hugging Face or fairseq), or hf:NAME_OR_FOLDER; repeatable",
    )
    p.add_argument("--tasks", dest="languages", metavar="TASKS", help="the same as --languages: tasks of GLUE")
    p.add_argument(
        "--protocol",
        metavar="PROTOCOLS",
        help="such as transfer,translate-train; see `list` (default: each benchmark's first)",
    )
    p.add_argument("--preset", help="paper, xtreme or quick (default: paper; quick for the miniature)")
    p.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="assignments", help="change a setting"
    )
    p.add_argument(
        "--seed", "--seeds", dest="seeds", metavar="SEEDS", help="1, or 1,2,3, or 1-5 (default: the preset's)"
    )
    p.add_argument("--output", type=Path, default=Path(RUNS), help=f"default: {RUNS}")
    p.add_argument("--name", help="name of the model in the results (default: its folder's name)")
    p.add_argument("--save-models", action="store_true", help="keep the selected fine-tuned models")
    p.add_argument("--dry-run", action="store_true", help="show what would run, its cost and its settings")
    p.add_argument("--format", choices=("text", "json"), default="text", help="of the result on stdout")
    jobs = p.add_argument_group("each model, benchmark, protocol and seed as a job of its own (extra `slurm`)")
    jobs.add_argument(
        "--launcher", choices=("local", "slurm"), help="repeated, it sends what is not done or on its way"
    )
    jobs.add_argument("--jobs", type=int, metavar="N", help="how many at once (default: 1 here, all on Slurm)")
    jobs.add_argument("--gpus", type=int, metavar="G", help="of each job (default: 1); --device cpu: processes")
    jobs.add_argument("--partition", metavar="P", help="of Slurm; all else of sbatch: SBATCH_* in the environment")
    jobs.add_argument("--time", metavar="T", help="of Slurm, e.g. 4:00:00 (default: a day); then a job is queued again")


def _status(command: Command) -> None:
    p = command(
        "status",
        "what became of the jobs that `run --launcher` sent: queue, progress, failures with their logs",
        "python -m xlmr_bench status --output leaderboards/runs",
    )
    p.add_argument("--output", type=Path, default=Path(RUNS), metavar="DIR", help=f"as in run (default: {RUNS})")
    p.add_argument("--json", action="store_true", help="machine-readable")


def _predict(command: Command) -> None:
    p = command(
        "predict",
        "predict with a fine-tuned model; gold labels are not used",
        "python -m xlmr_bench predict xnli --model MODEL --data DIR --output predictions.parquet",
    )
    _data_options(p)
    p.add_argument("--model", required=True, help="fine-tuned checkpoint folder (run --save-models)")
    p.add_argument("--tasks", dest="languages", metavar="TASK", help="the task of GLUE that the model was trained on")
    p.add_argument("--split", choices=("dev", "test", "translate-dev", "translate-test"), help="default: the reported")
    p.add_argument("--max-length", type=int, metavar="TOKENS", help="as in the run that trained it (default: paper's)")
    p.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="assignments",
        help="other settings, e.g. n_best",
    )
    p.add_argument("--output", type=Path, required=True, metavar="FILE", help="prediction file (parquet) to write")


def main(argv: list[str]) -> int:
    """Run one command; returns the exit code."""
    return ended("xlmr_bench", lambda: dispatch(build_parser(), argv, f"{__package__}.commands", _load_plugins))


def _load_plugins(args: argparse.Namespace) -> None:
    for path in getattr(args, "plugin", ()):
        from .benchmarks.plugins import load_plugin

        load_plugin(path)
