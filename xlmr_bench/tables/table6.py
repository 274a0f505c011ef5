"""Table 6: the languages of CC-100, the pretraining data of XLM-R."""

from __future__ import annotations

from .facts import flagged, read_facts
from .layout import FactTable
from .sheet import Column, Row

COLUMNS = (
    Column("iso", "ISO code"),
    Column("language", "Language"),
    Column("tokens_m", "Tokens (M)", "number"),
    Column("size_gib", "Size (GiB)", "number", 1),
)


def _rows() -> tuple[Row, ...]:
    return tuple(
        Row(f"t6.{place}", flagged(COLUMNS, fact), "paper", records=("leaderboards/paper/table6_cc100.tsv",))
        for place, fact in enumerate(read_facts("table6_cc100.tsv"), 1)
    )


TABLE_6 = FactTable(
    number=6,
    title="CC-100",
    caption="Languages of the CommonCrawl corpus that XLM-R was pretrained on, with millions of tokens and GiB of text "
    "as printed. What the paper counts as a token it does not say.",
    columns=COLUMNS,
    rows=_rows,
)
