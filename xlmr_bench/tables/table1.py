"""Table 1: XNLI in 15 languages."""

from __future__ import annotations

from ..languages import XNLI_LANGUAGES
from .layout import Fact, Part, ResultTable, n_languages, n_models, pretraining_data, protocol_is

TABLE_1 = ResultTable(
    number=1,
    title="XNLI",
    caption="Accuracy (%) on the test sets of XNLI. D: pretraining data; #M: checkpoints chosen on dev, one for all "
    "languages (1) or one a language (N); #lg: languages of the pretraining. Avg: mean of the 15 languages.",
    benchmark="xnli",
    columns={code: code for code in XNLI_LANGUAGES},
    metrics=("accuracy",),
    group="accuracy (%)",
    decimals=1,
    facts=(
        Fact("D", "D", pretraining_data),
        Fact("n_models", "#M", n_models),
        Fact("n_langs", "#lg", n_languages),
    ),
    parts=(
        Part(
            "transfer",
            "Cross-lingual transfer",
            (
                "t1.transfer.xlm-15.wiki-mt.N",
                "t1.transfer.unicoder.wiki-mt.N",
                "t1.transfer.mbert.wiki.N",
                "t1.transfer.xlm-100.wiki.N",
                "t1.transfer.xlm-100.wiki.1",
                "t1.transfer.xlm-r-base.cc.1",
                "t1.transfer.xlm-r.cc.1",
            ),
            protocol_is("transfer"),
        ),
        Part(
            "translate-test",
            "Translate-test",
            ("t1.translate-test.bert-en.wiki.1", "t1.translate-test.roberta.wiki-cc.1"),
            protocol_is("translate-test"),
        ),
        Part(
            "translate-train",
            "Translate-train: one model a language",
            ("t1.translate-train.xlm-100.wiki.N",),
            protocol_is("translate-train"),
        ),
        Part(
            "translate-train-all",
            "Translate-train-all: one model",
            (
                "t1.translate-train-all.xlm-15.wiki-mt.1",
                "t1.translate-train-all.unicoder.wiki-mt.1",
                "t1.translate-train-all.xlm-100.wiki.1",
                "t1.translate-train-all.xlm-r-base.cc.1",
                "t1.translate-train-all.xlm-r.cc.1",
            ),
            protocol_is("translate-train-all"),
        ),
    ),
)
