"""The paper's claims that a reproduction can test. To add one, declare it in the file of its table."""

from __future__ import annotations

from . import figures, table1, table2, table3, table4, table5
from .claim import Claim

CLAIMS: tuple[Claim, ...] = (
    *table1.CLAIMS,
    *table2.CLAIMS,
    *table3.CLAIMS,
    *table4.CLAIMS,
    *table5.CLAIMS,
    *figures.CLAIMS,
)
