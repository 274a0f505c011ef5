"""HTML: a table with caption and header cells that screen readers understand, and its notes below."""

from __future__ import annotations

from html import escape

from .grid import Grid, Printed, PrintedRow, below, lay_out
from .sheet import Sheet


def html(sheet: Sheet) -> str:
    """A fragment to be put into a page or a notebook; names may run from right to left."""
    grid = lay_out(sheet)
    name, width = f"xlmr-table-{sheet.number}", len(grid.titles)
    notes = f"{name}-note"
    lines = [f'<table class="xlmr-table" id="{name}">']
    lines.append(f"<caption>{escape(sheet.heading)}. {escape(sheet.caption)}</caption>")
    lines += ["<thead>", *_head(grid), "</thead>"]
    for title, rows in grid.sections:
        lines.append("<tbody>")
        if title:
            lines.append(f'<tr><th scope="rowgroup" colspan="{width}">{escape(title)}</th></tr>')
        lines += [_row(grid, row, notes) for row in rows]
        lines.append("</tbody>")
    lines.append("</table>")
    if grid.footnotes:
        footnotes = [f'<li id="{notes}-{n}">{escape(note)}</li>' for n, note in enumerate(grid.footnotes, 1)]
        lines += ["<ol>", *footnotes, "</ol>"]
    if below(sheet):
        lines += ["<ul>", *(f'<li dir="auto">{escape(line)}</li>' for line in below(sheet)), "</ul>"]
    return "\n".join(lines)


def _head(grid: Grid) -> list[str]:
    """One row of headers, or two where some columns have a heading of their own above them."""
    titles = [f'<th scope="col">{escape(title)}</th>' for title in grid.titles]
    if not any(name for name, _ in grid.groups):
        return [f"<tr>{''.join(titles)}</tr>"]
    above, second, start = [], [], 0
    for name, span in grid.groups:
        mine = titles[start : start + span]
        if name:
            above.append(f'<th scope="colgroup" colspan="{span}">{escape(name)}</th>')
            second += mine
        else:
            above += [title.replace("<th ", '<th rowspan="2" ') for title in mine]
        start += span
    return [f"<tr>{''.join(above)}</tr>", f"<tr>{''.join(second)}</tr>"]


def _row(grid: Grid, row: PrintedRow, notes: str) -> str:
    """The first cell names the row; records are a tooltip of our rows. `notes` begins the ids of the footnotes."""
    label, *rest = row.cells
    kind = f' class="ours" title="{escape(", ".join(row.records))}"' if row.ours else ""
    opened = ['<td class="number">' if numeric else '<td dir="auto">' for numeric in grid.numeric[1:]]
    cells = "".join(f"{td}{_content(cell, notes)}</td>" for td, cell in zip(opened, rest, strict=True))
    return f'<tr{kind}><th scope="row" dir="auto">{_content(label, notes)}</th>{cells}</tr>'


def _content(cell: Printed, notes: str) -> str:
    spread = f' <span class="spread">± {escape(cell.spread)}</span>' if cell.spread else ""
    links = ",".join(f'<a href="#{notes}-{n}">{n}</a>' for n in cell.notes)
    marks = f"<sup>{links}</sup>" if links else ""
    return f"{escape(cell.text)}{spread}{marks}"
