"""Benchmarks by the names that the Hugging Face Hub has for their data sets, tasks and metrics.

The harness reads the official files, not these copies: the names tell readers which data are meant, and the digests
of our records tell which were read.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..benchmarks.base import Benchmark
from ..tasks import Classification, Extraction, Regression, Tagging, Task

URL = "https://huggingface.co/datasets/"
_GERMAN = "German of CoNLL-2003, which is sold by ELRA; this repository of the Hub holds the English part alone"
_CONLL = {
    "en": ("eriktks/conll2003", "conll2003"),
    "de": ("eriktks/conll2003", "de"),
    "es": ("eriktks/conll2002", "es"),
    "nl": ("eriktks/conll2002", "nl"),
}
_GLUE = {
    "QNLI": "qnli", "SST-2": "sst2", "QQP": "qqp", "MRPC": "mrpc", "STS-B": "stsb", "CoLA": "cola", "RTE": "rte",
    "WNLI": "wnli", "MNLI-m": "mnli", "MNLI-mm": "mnli",
}  # fmt: skip
_GLUE_HALVES = {"MNLI-m": "_matched", "MNLI-mm": "_mismatched"}
_TASKS: dict[type[Task], str] = {
    Classification: "text-classification",
    Regression: "text-classification",
    Tagging: "token-classification",
    Extraction: "question-answering",
}
_METRICS = {"matthews": "matthews_correlation", "pearson": "pearsonr", "spearman": "spearmanr"}
_SIGNED = ("matthews", "pearson", "spearman", "score")  # correlations, and averages that they enter


@dataclass(frozen=True)
class HubData:
    """A data set on the Hub; `config` is None where a score is not of one configuration.

    `remark` tells that the repository is that of the data set, but lacks these data.
    """

    id: str
    config: str | None
    split: str
    remark: str | None = None


def hub_data(benchmark: Benchmark, split: str, column: str) -> HubData:
    """Where the Hub has the data of one column."""
    standard = "validation" if split == "dev" else split
    match benchmark.name:
        case "xnli":
            return HubData("facebook/xnli", column, standard)
        case "mlqa":
            context, _, question = column.partition("-")
            return HubData("facebook/mlqa", f"mlqa.{context}.{question or context}", standard)
        case "xquad" if split == "test":
            return HubData("google/xquad", f"xquad.{column}", "validation")  # the only split that the Hub has of it
        case "squad" | "xquad":  # SQuAD's dev set selects for XQuAD
            return HubData("rajpurkar/squad", "plain_text", standard)
        case "glue":
            return HubData("nyu-mll/glue", _GLUE.get(column), standard + _GLUE_HALVES.get(column, ""))
        case "ner":
            return HubData(*_CONLL[column], standard, _GERMAN if column == "de" else None)
    return HubData(benchmark.name, column, split)  # a plugin's


def hub_average(benchmark: Benchmark, split: str, columns: tuple[str, ...]) -> tuple[HubData, tuple[str, ...]]:
    """What an average is filed under, and all data sets that it spans."""
    spanned = [hub_data(benchmark, split, c) for c in columns]
    ids = tuple(dict.fromkeys(d.id for d in spanned))
    return HubData(ids[0], None, spanned[0].split), ids


def is_on_hub(benchmark: Benchmark) -> bool:
    """A plugin's data have a name only."""
    return benchmark.plugin is None


def task_type(benchmark: Benchmark, column: str) -> str:
    """The Hub's name for a kind of task."""
    return _TASKS[type(benchmark.task_of(column))]


def metric_id(metric: str) -> str:
    """The name of a metric in Hugging Face `evaluate`, as far as it has one."""
    return _METRICS.get(metric, metric)


def lowest(metric: str) -> int:
    """The least score that a metric can have; the greatest is 1."""
    return -1 if metric in _SIGNED else 0
