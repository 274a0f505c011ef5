"""Table 2: named entities of CoNLL-2002 and CoNLL-2003."""

from __future__ import annotations

from ..languages import CONLL_LANGUAGES
from .layout import Fact, Part, ResultTable, n_models

# The paper's word for what a model was fine-tuned on, by our protocol.
TRAIN = {"each": "each", "transfer": "en", "all": "all"}

TABLE_2 = ResultTable(
    number=2,
    title="Named entity recognition",
    caption="Entity F1 (%) on the test sets of CoNLL-2002 (nl, es) and CoNLL-2003 (en, de). train: fine-tuned on each "
    "language's own training set, on English, or on all four together; #M: how many models a row is from. "
    "Avg: mean of the four languages.",
    benchmark="ner",
    columns={code: code for code in CONLL_LANGUAGES},
    metrics=("f1",),
    group="F1 (%)",
    decimals=2,
    facts=(Fact("train", "train", lambda record: TRAIN[record["protocol"]]), Fact("n_models", "#M", n_models)),
    parts=(
        Part(
            "conll",
            "",
            (
                "t2.lample-et-al.each",
                "t2.akbik-et-al.each",
                "t2.mbert.each",
                "t2.mbert.en",
                "t2.xlm-r-base.each",
                "t2.xlm-r-base.en",
                "t2.xlm-r-base.all",
                "t2.xlm-r.each",
                "t2.xlm-r.en",
                "t2.xlm-r.all",
            ),
            lambda record: record["protocol"] in TRAIN,
        ),
    ),
)
