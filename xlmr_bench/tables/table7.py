"""Table 7: architectures, with the printed number of parameters and the one that follows from the sizes."""

from __future__ import annotations

from .facts import flagged, read_facts
from .layout import FactTable
from .sheet import Column, Row

FILE = "table7_architectures.tsv"
COLUMNS = (
    Column("model", "Model"),
    Column("n_langs", "#lgs", "number"),
    Column("tokenization", "tokenization"),
    *(Column(key, key, "number") for key in ("L", "H_m", "H_ff", "A")),
    Column("V", "V"),
    Column("params", "#params"),
    Column("computed", "#params computed (M)", "number", 1),
)


def encoder_parameters(layers: int, hidden: int, feed_forward: int, vocabulary: int) -> int:
    """Weights of an encoder's matrices and embeddings, without biases, norms and positions."""
    return layers * (4 * hidden**2 + 2 * hidden * feed_forward) + vocabulary * hidden


def _computed_m(fact: dict[str, str]) -> float:
    thousands = int(fact["V"].removesuffix("k"))
    return encoder_parameters(int(fact["L"]), int(fact["H_m"]), int(fact["H_ff"]), 1000 * thousands) / 1e6


def _rows() -> tuple[Row, ...]:
    facts = [{**fact, "computed": str(_computed_m(fact))} for fact in read_facts(FILE)]
    return tuple(
        Row(f"t7.{fact['model']}", flagged(COLUMNS, fact), "paper", records=(f"leaderboards/paper/{FILE}",))
        for fact in facts
    )


TABLE_7 = FactTable(
    number=7,
    title="Architectures",
    caption="Architectures that the paper compares: languages, tokenization, layers (L), hidden size (H_m), "
    "feed-forward size (H_ff), attention heads (A), vocabulary (V) and parameters as printed, and the parameters of an "
    "encoder of these sizes: L (4 H_m H_m + 2 H_m H_ff) + V H_m.",
    columns=COLUMNS,
    rows=_rows,
)
