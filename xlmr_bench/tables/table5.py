"""Table 5: monolingual models against a multilingual one of the same size, in seven languages of XNLI."""

from __future__ import annotations

from collections.abc import Callable

from ..results import Record
from .layout import Fact, Part, ResultTable, pretraining_data, vocabulary

LANGUAGES = ("en", "fr", "de", "ru", "zh", "sw", "ur")


def _monolingual(record: Record) -> bool:
    """A model fine-tuned and tested in one language; which of them belong together, records do not say."""
    tested = record["config"]["languages"]
    return record["protocol"] == "translate-train" and len(tested) == 1 and tested[0] in LANGUAGES


def _multilingual(protocol: str) -> Callable[[Record], bool]:
    """A run on these seven languages and no others: with more, selection and joint training are another experiment."""
    return lambda record: record["protocol"] == protocol and set(record["config"]["languages"]) == set(LANGUAGES)


TABLE_5 = ResultTable(
    number=5,
    title="Multilingual against monolingual models",
    caption="Accuracy (%) on the test sets of XNLI in seven languages. Monolingual: one BERT-Base a language; "
    "multilingual: one model for the seven. D: pretraining data; #vocab: size of the vocabulary. "
    "Avg: mean of the seven languages.",
    benchmark="xnli",
    columns={code: code for code in LANGUAGES},
    metrics=("accuracy",),
    group="accuracy (%)",
    decimals=1,
    facts=(Fact("D", "D", pretraining_data), Fact("vocab", "#vocab", vocabulary)),
    parts=(
        Part(
            "monolingual",
            "Monolingual: a model a language",
            ("t5.bert.wiki.monolingual", "t5.bert.cc.monolingual"),
            _monolingual,
        ),
        Part(
            "multilingual transfer",
            "Multilingual, cross-lingual transfer",
            ("t5.xlm-7.wiki.transfer", "t5.xlm-7.cc.transfer"),
            _multilingual("transfer"),
        ),
        Part(
            "multilingual translate-train-all",
            "Multilingual, translate-train-all",
            ("t5.xlm-7.wiki.translate-train-all", "t5.xlm-7.cc.translate-train-all"),
            _multilingual("translate-train-all"),
        ),
    ),
)
