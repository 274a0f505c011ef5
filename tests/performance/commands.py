"""Whole commands, from the start of Python to its end: `python -m performance.commands JOB`.

A job has `timed` phases of one or more commands each, and may have `setup` commands before them and files to `remove`
in between. In words `{run}` is a scratch folder, `{folder}` that of the inputs, `{job}` the job's file, `{python}` this
interpreter.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from .clock import Found, Job, Spent, read_job, report, spend
from .machine import REPOSITORY


def measure(job: Job) -> Found:
    """Run the commands of the job; a failing one ends it with what it said."""
    with tempfile.TemporaryDirectory() as run:
        _set_up(run, job)
        phases, memory = {}, 0.0
        for name, commands in job["timed"].items():
            all_spent = [_run(words, run, job) for words in commands]
            phases[name] = {
                "cpu_s": sum(s.cpu_s for s in all_spent), "wall_s": sum(s.wall_s for s in all_spent), "items": 1.0,
            }  # fmt: skip
            memory = max(memory, *(s.memory_gb for s in all_spent))
    return {"phases": phases, "memory_gb": memory}


def profile(job: Job) -> Found:
    """Where the time of the first command of each phase goes, by package."""
    from .profiles import by_package

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as run:
        _set_up(run, job)
        for name, commands in job["timed"].items():
            file, (python, *rest) = Path(run) / "profile", commands[0]
            _run([python, "-m", "cProfile", "-o", str(file), *rest], run, job)
            found[name] = by_package(file)
    return {"profile": found}


def _set_up(run: str, job: Job) -> None:
    for words in job.get("setup", ()):
        _run(words, run, job)
    for pattern in job.get("remove", ()):
        for path in Path(run).glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _run(words: list[str], run: str, job: Job) -> Spent:
    job_file = Path(run) / "job.json"
    if not job_file.exists():
        job_file.write_text(json.dumps({**job, "run": run, "mode": "resume"}), encoding="utf-8")
    known = {"{run}": run, "{python}": sys.executable, "{job}": str(job_file), "{folder}": job.get("folder", "")}
    for name, value in known.items():
        words = [word.replace(name, value) for word in words]
    spent = spend(words, REPOSITORY)
    if spent.code:
        raise SystemExit(f"{' '.join(words)} ended with {spent.code}:\n{spent.stderr[-2000:]}")
    return spent


def main() -> None:
    """Do the job's mode."""
    job = read_job()
    report(profile(job) if job["mode"] == "profile" else measure(job))


if __name__ == "__main__":
    main()
