"""The paper's tables, with our results beside the published rows: one declaration a file, one value a table."""

from __future__ import annotations

from pathlib import Path

from ..errors import unknown_name
from .fill import has_place, sections, summed_up
from .layout import FactTable, ResultTable
from .runs import find_runs, sort_out
from .sheet import Section, Sheet
from .table1 import TABLE_1
from .table2 import TABLE_2
from .table3 import TABLE_3
from .table4 import TABLE_4
from .table5 import TABLE_5
from .table6 import TABLE_6
from .table7 import TABLE_7

TABLES: tuple[ResultTable | FactTable, ...] = (TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5, TABLE_6, TABLE_7)


def find_table(number: int | str) -> ResultTable | FactTable:
    """The table of that number; UsageError with the list otherwise."""
    by_number = {str(table.number): table for table in TABLES}
    if str(number) not in by_number:
        raise unknown_name("table", str(number), by_number)
    return by_number[str(number)]


def build(number: int | str, runs: Path | None = None, *, any_data: bool = False) -> Sheet:
    """One of the paper's tables; results at or below `runs` join the published rows, or are listed as left out.

    With `any_data` results on other data than the published (the miniature, say) are shown too, and marked.
    Raises UsageError for a number that no table has, DataError for a file below `runs` that is not a valid record.
    """
    table = find_table(number)
    if isinstance(table, FactTable):
        return Sheet(table.number, table.title, table.caption, table.columns, (Section("", "", table.rows()),))
    found = [] if runs is None else find_runs(runs, table.benchmark)
    groups, left = sort_out(found, lambda record: has_place(table.parts, record), any_data)
    remarks = (summed_up(table),) if groups else ()
    filled = sections(table, groups)
    return Sheet(table.number, table.title, table.caption, table.sheet_columns(), filled, remarks, left)
