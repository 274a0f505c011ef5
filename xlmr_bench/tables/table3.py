"""Table 3: question answering in the seven languages of MLQA."""

from __future__ import annotations

from ..benchmarks.mlqa_official import MLQA_LANGUAGES
from .layout import Fact, Part, ResultTable, n_languages, protocol_is

TABLE_3 = ResultTable(
    number=3,
    title="MLQA",
    caption="F1 / exact match (%) on the test sets of MLQA, question and context in one language, fine-tuned on "
    "English SQuAD v1.1. #lgs: languages of the pretraining. Avg: mean of the seven languages.",
    benchmark="mlqa",
    columns={code: code for code in MLQA_LANGUAGES},
    metrics=("f1", "em"),
    group="F1 / EM (%)",
    decimals=1,
    facts=(Fact("train", "train", lambda record: "en"), Fact("n_langs", "#lgs", n_languages)),
    parts=(
        Part(
            "mlqa",
            "",
            ("t3.bert-large", "t3.mbert", "t3.xlm-15", "t3.xlm-r-base", "t3.xlm-r"),
            protocol_is("transfer"),
        ),
    ),
)
