"""What the notebooks of the paper's tables call: run what is missing, then show tables and claims.

Everything goes through the commands that a user types, so that repeating a notebook repeats no work. Needs the extra
`notebooks`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import XlmrBenchError
from .published import published_records

if TYPE_CHECKING:
    from IPython.display import HTML, Markdown

COMMAND = (sys.executable, "-m", "xlmr_bench")


def model_or_tiny(model: str | None, folder: str = "demo/tiny") -> str:
    """The model to use: a tiny random one with the miniature's vocabulary where none is given."""
    if model is None and not Path(folder).is_dir():
        command("init", "--size", "tiny", "--tokenizer", "miniature", folder)
    return model or folder


def run_missing(
    benchmark: str,
    model: str,
    *,
    protocols: Sequence[str],
    data: str | Sequence[str] = (),
    languages: str | None = None,
    seeds: str | None = None,
    preset: str | None = None,
    settings: Sequence[str] = (),
    runs: str = "leaderboards/runs",
    name: str | None = None,
) -> None:
    """Run the protocols that have no results yet and print the last table of each.

    data: one --data or several; settings: as after --set. Raises XlmrBenchError with what the command said.
    """
    options = ["--model", model, "--output", runs]
    for place in [data] if isinstance(data, str) else data:
        options += ["--data", place]
    for option, value in (("--languages", languages), ("--seed", seeds), ("--name", name), ("--preset", preset)):
        options += [option, value] if value is not None else []
    for setting in settings:
        options += ["--set", setting]
    for protocol in protocols:
        print(command("run", benchmark, *options, "--protocol", protocol))


def table(number: int, runs: str | None = None) -> HTML:
    """A table of the paper with our results beside its rows, also those on other data than the published."""
    from IPython.display import HTML

    places = ["--runs", runs, "--any-data"] if runs is not None else []
    return HTML(command("table", str(number), *places, "--format", "html"))


def verdicts(runs: str, model: str, benchmark: str, protocol: str, row: str = "XLM-R Base") -> Markdown:
    """Cell by cell, how far ours are from the published row and whether seeds alone explain it; or why none can be."""
    from IPython.display import Markdown

    rules = [r["selection"] for r in published_records(benchmark, protocol) if r["model"]["name"] == row]
    if not rules:
        return Markdown(f"The paper has no {row} row for {benchmark} {protocol}.")
    folder = Path(runs) / Path(model).name / benchmark / protocol / rules[-1]
    try:
        said = command("compare", str(folder), "--paper", row)
    except XlmrBenchError as e:
        said = str(e)
    return Markdown(f"```text\n{said}\n```")


def claims(prefix: str, runs: str, models: Mapping[str, str] | None = None) -> Markdown:
    """The paper's claims whose id begins with `prefix`, with our evidence; `models`: the paper's name to ours."""
    from IPython.display import Markdown

    named = [word for theirs, ours in (models or {}).items() for word in ("--model", f"{theirs}={ours}")]
    places = ["--runs", runs] if Path(runs).is_dir() else []
    return Markdown(command("claims", "--only", prefix, *places, *named, "--format", "markdown"))


def command(*words: str) -> str:
    """What a command of the harness prints; raises XlmrBenchError with its last words where it fails."""
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True)
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-12:])
        raise XlmrBenchError(f"`xlmr_bench {' '.join(words)}` ended with exit code {done.returncode}:\n{said}")
    return done.stdout
