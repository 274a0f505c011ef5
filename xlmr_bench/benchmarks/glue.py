"""GLUE: English sentence tasks, reported on dev (Wang et al. 2019; Table 4 of the XLM-R paper).

A column of the table is a task; MNLI has two, its matched and its mismatched dev set, of one model.
"""

from __future__ import annotations

from dataclasses import replace

from ..examples import LabelledText, Split
from ..settings import QUICK, Preset, Settings
from ..tasks import Classification, Regression, Task
from .base import Averages, Benchmark, Where
from .glue_files import TASKS, read_glue

# Table 4's columns; the other three tasks run where they are named.
TABLE = ("MNLI-m", "MNLI-mm", "QNLI", "QQP", "SST-2", "MRPC", "STS-B")
_METRICS = {"QQP": ("accuracy", "f1"), "MRPC": ("accuracy", "f1"), "CoLA": ("matthews", "accuracy")}

PAPER = Preset(
    name="paper",
    settings=Settings(
        learning_rate=1e-5,
        batch_size=32,
        max_length=512,
        epochs=10,
        schedule="linear",
        warmup=0.06,
        weight_decay=0.1,
        adam_beta2=0.98,
        adam_eps=1e-6,
    ),
    exceptions=(("MRPC", "batch_size", 16), ("STS-B", "batch_size", 16), ("STS-B", "learning_rate", 2e-5)),
    seeds=(1, 2, 3, 4, 5),
    source="RoBERTa (Liu et al. 2019, section 5.1, and fairseq examples/roberta/README.glue.md), whose rows the paper "
    "sets beside its own; those of XLM-R were never published",
)


def read(where: Where, role: str, language: str) -> Split[LabelledText]:
    """One split of the task of a column; see `base.Reader`."""
    task = _task_name(language)
    return replace(read_glue(task, where, _role(role, language)), role=role, language=language)


def averages(languages: tuple[str, ...]) -> Averages:
    """The paper's average over Table 4's tasks, in which MNLI counts once.

    Where some of them are missing it is that of whatever tasks there are, and called `partial`.
    """
    complete = set(TABLE) <= set(languages)
    ours = TABLE if complete else languages
    halves = {"MNLI-m", "MNLI-mm"} <= set(ours)
    weights = {code: 0.5 if halves and code.startswith("MNLI") else 1.0 for code in ours}
    return {"mean" if complete else "partial": weights}


def _task_name(column: str) -> str:
    return "MNLI" if column.startswith("MNLI") else column


def _role(role: str, column: str) -> str:
    return "dev-mismatched" if (role, column) == ("dev", "MNLI-mm") else role


def _task(column: str) -> Task:
    labels = TASKS[_task_name(column)].labels
    return Classification(labels, _METRICS.get(column, ("accuracy",))) if labels else Regression(5.0)


GLUE = Benchmark(
    name="glue",
    title="GLUE: English sentence understanding, reported on dev",
    task={column: _task(column) for column in (*TABLE, "CoLA", "RTE", "WNLI")},
    languages=(*TABLE, "CoLA", "RTE", "WNLI"),
    chosen=TABLE,
    protocols=("each",),
    presets=(PAPER, Preset("quick", QUICK, (1,), "tiny models and the miniature; not for reporting")),
    read=read,
    licence="differs by task; see gluebenchmark.com/tasks",
    reference="Wang et al. 2019, GLUE: A Multi-Task Benchmark for Natural Language Understanding",
    published="table4",
    # MRPC's publisher allows no copies: see gluebenchmark.com/tasks.
    archives=tuple(f"GLUE-{task}" for task in TASKS if task != "MRPC"),
    tested="dev",
    selections=("per-language",),
    same_model={"MNLI-mm": "MNLI-m"},
    median=True,
    averages=averages,
)
