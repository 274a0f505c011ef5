"""Table 4: GLUE, on dev."""

from __future__ import annotations

from ..benchmarks.glue import TABLE
from .layout import Fact, Part, ResultTable, n_languages, protocol_is

TABLE_4 = ResultTable(
    number=4,
    title="GLUE",
    caption="GLUE dev sets (%): accuracy, for STS-B the correlation. #Lgs: languages of the pretraining. Avg: mean of "
    "the six tasks, in which MNLI counts once.",
    benchmark="glue",
    # The two dev sets of MNLI share a column.
    columns={code: "MNLI-m/mm" if code.startswith("MNLI") else code for code in TABLE},
    metrics=("score",),
    group="dev (%)",
    decimals=1,
    facts=(Fact("n_langs", "#Lgs", n_languages),),
    parts=(Part("glue", "", ("t4.bert-large", "t4.xlnet-large", "t4.roberta", "t4.xlm-r"), protocol_is("each")),),
)
