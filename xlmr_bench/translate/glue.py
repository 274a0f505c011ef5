"""GLUE: train and dev into a language, in the official columns below `<language>/glue_data/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ..benchmarks.base import Where
from ..benchmarks.glue_files import TASKS, GlueTask, read_glue
from ..data.tables import read_tsv
from ..errors import DataError, unknown_name
from ..examples import LabelledText, Split
from .job import Composed, Job, refuse_role

_MNLI_DEV = (("dev", "dev_matched.tsv"), ("dev-mismatched", "dev_mismatched.tsv"))


def glue_jobs(
    where: Where, role: str, languages: tuple[str, ...], out: Path, limit: int | None, tasks: tuple[str, ...]
) -> list[Job]:
    """One file a language and task (two for the dev sets of MNLI); no tasks means all of them."""
    refuse_role("glue", role, ("train", "dev"), "its test files hold no labels.")
    for task in tasks:
        if task not in TASKS:
            raise unknown_name("GLUE task", task, TASKS)
    files = [(t, r, name) for t in tasks or tuple(TASKS) for r, name in _files(t, role)]
    origins = [(TASKS[task], name, read_glue(task, where, read_as)) for task, read_as, name in files]
    return [_job(out, language, task, name, origin, limit) for language in languages for task, name, origin in origins]


def _files(task: str, role: str) -> tuple[tuple[str, str], ...]:
    """Role for reading and official file name."""
    return _MNLI_DEV if task == "MNLI" and role == "dev" else ((role, f"{role}.tsv"),)


def _job(out: Path, language: str, task: GlueTask, name: str, origin: Split[LabelledText], limit: int | None) -> Job:
    examples = origin.examples[:limit]
    return Job(
        "glue", origin.role, out / language, f"glue_data/{task.name}/{name}", "en", language, origin, limit,
        lambda: (text for e in examples for text in (e.first, e.second) if text is not None),
        lambda made: Composed(_content(task, origin.files[0], examples, made), {"examples": len(examples)}),
    )  # fmt: skip


def _content(task: GlueTask, path: Path, examples: tuple[LabelledText, ...], made: Mapping[str, str]) -> str:
    """The original's lines with translated texts; parses of the English sentences are left empty."""
    header, rows = _rows(task, path)
    at = tuple(map(int, task.columns)) if header is None else tuple(header.index(str(c)) for c in task.columns)
    cleared = [i for i, column in enumerate(header or ()) if column.endswith("parse")]
    lines = [] if header is None else ["\t".join(header)]
    for example in examples:
        row = _row_of(example, rows, at, path)
        texts = (example.first,) if example.second is None else (example.first, example.second)
        for place, text in zip(at[:-1], texts, strict=True):
            row[place] = made[text]
        for place in cleared:
            row[place] = ""
        lines.append("\t".join(row))
    return "".join(f"{line}\n" for line in lines)


def _rows(task: GlueTask, path: Path) -> tuple[list[str] | None, Iterator[list[str]]]:
    """Header (None for files without) and all lines."""
    lines = (fields for _, fields in read_tsv(path))
    if task.width is not None:
        return None, lines
    return next(lines), lines


def _row_of(example: LabelledText, rows: Iterator[list[str]], at: tuple[int, ...], path: Path) -> list[str]:
    """The example's own line: readers leave lines out, but keep the order of the others."""
    wanted = [example.first, *([] if example.second is None else [example.second]), example.label]
    for row in rows:
        if len(row) > max(at) and [row[i] for i in at] == wanted:
            return row
    raise DataError(f"{path}: example {example.id} is not where it was read. The file changed meanwhile; run again.")
