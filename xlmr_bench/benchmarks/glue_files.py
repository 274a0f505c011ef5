"""Reading GLUE: the official tab-separated files of nine tasks, without csv quoting.

Layouts are those of the benchmark's own archives (Wang et al. 2019; gluebenchmark.com/tasks). Their test files hold
no labels; published single-model comparisons, Table 4 of the XLM-R paper among them, are on dev.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..data.find import Found, data_set_name, find_file, missing_file
from ..data.tables import read_tsv, wrong_width
from ..errors import DataError, UsageError, unknown_name
from ..examples import LabelledText, Split
from .base import Where
from .glue_official import REMEDY, measured


@dataclass(frozen=True)
class GlueTask:
    """One task: the columns of its texts and label, and its labels in the order of the logits.

    `columns` are names of the header (first text, second text if any, label). CoLA has no header, so its `columns`
    stand by their place, out of `width`. `labels` is empty for a scale (STS-B, 0 to 5). `broken_lines` is how
    many cut lines the official training file may have before it counts as damaged.
    """

    name: str
    columns: tuple[str, ...] | tuple[int, ...]
    labels: tuple[str, ...]
    width: int | None = None
    broken_lines: int = 0


_BINARY = ("0", "1")
_ENTAILMENT = ("entailment", "not_entailment")
TASKS = {
    task.name: task
    for task in (
        GlueTask("MNLI", ("sentence1", "sentence2", "gold_label"), ("entailment", "neutral", "contradiction")),
        GlueTask("QNLI", ("question", "sentence", "label"), _ENTAILMENT),
        # Line breaks inside questions cut a few records of the official training file in two.
        GlueTask("QQP", ("question1", "question2", "is_duplicate"), _BINARY, broken_lines=100),
        GlueTask("SST-2", ("sentence", "label"), _BINARY),
        GlueTask("MRPC", ("#1 String", "#2 String", "Quality"), _BINARY),
        GlueTask("STS-B", ("sentence1", "sentence2", "score"), ()),
        GlueTask("CoLA", (3, 1), _BINARY, width=4),
        GlueTask("RTE", ("sentence1", "sentence2", "label"), _ENTAILMENT),
        GlueTask("WNLI", ("sentence1", "sentence2", "label"), _BINARY),
    )
}

_FILES = {"train": "train.tsv", "dev": "dev.tsv"}
_MNLI_FILES = {"train": "train.tsv", "dev": "dev_matched.tsv", "dev-mismatched": "dev_mismatched.tsv"}
_CORPUS, _DEV_IDS = "msr_paraphrase_train.txt", ("dev_ids.tsv", "mrpc_dev_ids.tsv")
_SCORE = re.compile(r"[0-9]+(\.[0-9]+)?")


def roles_of(task: str) -> tuple[str, ...]:
    """The splits of a task that have labels; MNLI's `dev` is the matched one."""
    return tuple(_MNLI_FILES if _task(task).name == "MNLI" else _FILES)


def read_glue(task: str, where: Where, role: str) -> Split[LabelledText]:
    """One split of one task, English.

    A pattern that the user named for the role may hold `{task}`. Raises UsageError for an unknown task or role and
    for `test`, MissingData for a file that is nowhere, DataError with file, line and remedy for one that is damaged.
    """
    declared = _task(task)
    _check_role(task, role)
    pattern = dict(where.patterns).get(role)
    if pattern is None and where.hub is not None:
        raise UsageError(
            f"GLUE is read from its official files, not from the Hub ({where.hub}): give their folder (--data DIR)."
        )
    pattern = pattern and pattern.replace("{task}", task)
    layouts = _layouts(task, (_MNLI_FILES if task == "MNLI" else _FILES)[role])
    found = find_file(where.folders, layouts, pattern, "en")
    if found is not None:
        return _read(declared, role, found, pattern is not None)
    corpus = find_file(where.folders, _layouts(task, _CORPUS), None, "en") if task == "MRPC" and not pattern else None
    if corpus is None:
        raise missing_file(f"GLUE {task} {role}", where.folders, layouts, pattern, "en", role)
    return _read_paraphrase_corpus(declared, role, corpus)


def _task(name: str) -> GlueTask:
    if name not in TASKS:
        raise unknown_name("GLUE task", name, TASKS)
    return TASKS[name]


def _check_role(task: str, role: str) -> None:
    if role == "test":
        raise UsageError(
            f"GLUE's test files hold no labels: {task} cannot be scored on test here. "
            "The paper reports dev (Table 4); so does this benchmark."
        )
    if role not in roles_of(task):
        raise unknown_name(f"split of GLUE {task}", role, roles_of(task))


def _layouts(task: str, file: str) -> tuple[str, ...]:
    """`file` in the task's folder, in upper or lower case, with or without `glue_data` above it."""
    names = dict.fromkeys((task, task.upper(), task.lower(), task.lower().replace("-", "")))
    return tuple(f"{above}{name}/{file}" for above in ("glue_data/", "") for name in names)


def _read(task: GlueTask, role: str, found: Found, named: bool) -> Split[LabelledText]:
    may_break = task.broken_lines if role == "train" else 0
    examples, broken = _examples(task, found.path, may_break)
    return _split(task, role, examples, (found,), broken, named)


def _split(
    task: GlueTask,
    role: str,
    examples: tuple[LabelledText, ...],
    found: tuple[Found, ...],
    broken: tuple[int, ...] = (),
    named: bool = False,
) -> Split[LabelledText]:
    """The split with its standing: a data set with a manifest of its own is not measured against the official one."""
    names = [data_set_name(f) for f in found]  # each is checked against the manifest; the first tells whose they are
    own = names[0]
    split = Split(role, "en", examples, tuple(f.path for f in found), own or "files")
    return split if own is not None else measured(task.name, split, broken, named)


def _examples(
    task: GlueTask, path: Path, may_break: int = 0, keep: Callable[[list[str]], bool] | None = None
) -> tuple[tuple[LabelledText, ...], tuple[int, ...]]:
    """The examples of a file in its order, of those rows that `keep` accepts, and the numbers of broken lines."""
    rows = read_tsv(path)
    width, at = _header(task, path, rows) if task.width is None else (task.width, tuple(map(int, task.columns)))
    examples: list[LabelledText] = []
    broken: list[int] = []
    for number, fields in rows:
        if len(fields) != width:
            if len(broken) >= may_break:
                raise _too_broken(path, broken, number) if broken else wrong_width(path, number, len(fields), width)
            broken.append(number)
        elif keep is None or keep(fields):
            examples.append(_example(task, path, number, [fields[i] for i in at], len(examples) + 1))
    if not examples:
        raise DataError(f"{path} holds no examples of GLUE {task.name}. {REMEDY}")
    return tuple(examples), tuple(broken)


def _header(task: GlueTask, path: Path, rows: Iterator[tuple[int, list[str]]]) -> tuple[int, tuple[int, ...]]:
    """Number of columns and the places of those wanted, by the first line."""
    header = next(rows, (1, [""]))[1]
    absent = [str(c) for c in task.columns if c not in header]
    if absent == [task.columns[-1]]:
        raise DataError(
            f"{path}, line 1: the texts of GLUE {task.name} are here, but no column {absent[0]!r}: this is a test file "
            "without labels. Use train and dev; the paper reports dev."
        )
    if absent:
        raise DataError(f"{path}, line 1: column {absent[0]!r} is missing; this is not a file of {task.name}. {REMEDY}")
    return len(header), tuple(header.index(str(c)) for c in task.columns)


def _example(task: GlueTask, path: Path, number: int, fields: list[str], row: int) -> LabelledText:
    first, second, label = fields[0], fields[1] if len(fields) == 3 else None, fields[-1]
    if task.labels and label not in task.labels:
        raise DataError(
            f"{path}, line {number}: label {label!r} is none of {', '.join(task.labels)}. "
            f"Repair or remove that line, or get the file anew. {REMEDY}"
        )
    if not task.labels and not (_SCORE.fullmatch(label) and float(label) <= 5):
        raise DataError(
            f"{path}, line {number}: score {label!r} is not a number from 0 to 5. "
            f"Repair or remove that line, or get the file anew. {REMEDY}"
        )
    return LabelledText(str(row), first, second, label)


def _too_broken(path: Path, broken: list[int], number: int) -> DataError:
    return DataError(
        f"{path}: more than {len(broken)} lines have too few or too many columns (first line {broken[0]}, "
        f"last seen {number}). The file is damaged, not merely as published. {REMEDY}"
    )


def _read_paraphrase_corpus(task: GlueTask, role: str, corpus: Found) -> Split[LabelledText]:
    """MRPC's train or dev out of the corpus as Microsoft distributes it, cut by GLUE's list of dev pairs.

    The corpus' training file holds GLUE's dev pairs too, so that without the list it would train on dev.
    """
    lists = [p for p in (corpus.path.with_name(name) for name in _DEV_IDS) if p.is_file()]
    if not lists:
        raise DataError(
            f"{corpus.path} holds both train and dev of GLUE {task.name}, and nothing beside it tells them apart. "
            f"Put GLUE's list of dev pairs there ({_DEV_IDS[0]}: two ids a line), or its train.tsv and dev.tsv. "
            f"{REMEDY}"
        )
    pairs: set[tuple[str, ...]] = set()
    for number, fields in read_tsv(lists[0]):
        if len(fields) != 2:
            raise wrong_width(lists[0], number, len(fields), 2)
        pairs.add(tuple(fields))
    # Columns of the corpus: Quality, #1 ID, #2 ID, #1 String, #2 String.
    examples, _ = _examples(task, corpus.path, keep=lambda row: (tuple(row[1:3]) in pairs) == (role == "dev"))
    return _split(task, role, examples, (corpus, Found(lists[0], corpus.root)))
