"""LaTeX with booktabs, ready to be included; long tables break over pages with longtable."""

from __future__ import annotations

from .grid import Grid, Printed, below, lay_out
from .sheet import Sheet

# More rows do not fit on a page.
_PAGE = 45
_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "±": r"$\pm$",
    }
)


def latex(sheet: Sheet) -> str:
    """A `table` (or `longtable`) with caption and label, its footnotes below."""
    grid = lay_out(sheet)
    columns = "".join("r" if numeric else "l" for numeric in grid.numeric)
    words = f"{sheet.title} (Table {sheet.number} of the XLM-R paper). {sheet.caption}"
    caption = rf"\caption{{{escaped(words)}}}\label{{tab:xlmr-{sheet.number}}}"
    head = [r"\toprule", *_group_head(grid), " & ".join(map(escaped, grid.titles)) + r" \\", r"\midrule"]
    notes = [rf"$^{{{n}}}$ {escaped(note)}" for n, note in enumerate(grid.footnotes, 1)]
    notes += [escaped(line) for line in below(sheet)]
    small = [r"\par\smallskip", r"\footnotesize\raggedright", *(rf"{line}\par" for line in notes)] if notes else []
    if len(sheet.rows) > _PAGE:
        begin = ["% needs booktabs and longtable", rf"\begin{{longtable}}{{{columns}}}", rf"{caption}\\", *head]
        lines = [*begin, r"\endhead", *_body(grid), r"\bottomrule", r"\end{longtable}"]
        return "\n".join([*lines, *(["{", *small, "}"] if small else [])])
    begin = ["% needs booktabs", r"\begin{table*}[t]", r"\centering\small\setlength{\tabcolsep}{3pt}", caption]
    lines = [*begin, rf"\begin{{tabular}}{{{columns}}}", *head, *_body(grid), r"\bottomrule", r"\end{tabular}"]
    return "\n".join([*lines, *small, r"\end{table*}"])


def escaped(words: str) -> str:
    """Text in which nothing is a command."""
    return words.translate(_ESCAPES)


def _group_head(grid: Grid) -> list[str]:
    """The headings above the columns, each with a rule over what it spans."""
    if not any(name for name, _ in grid.groups):
        return []
    cells, rules, start = [], [], 1
    for name, span in grid.groups:
        cells.append(rf"\multicolumn{{{span}}}{{c}}{{{escaped(name)}}}")
        if name:
            rules.append(rf"\cmidrule(lr){{{start}-{start + span - 1}}}")
        start += span
    return [" & ".join(cells) + r" \\", "".join(rules)]


def _body(grid: Grid) -> list[str]:
    lines: list[str] = []
    for place, (title, rows) in enumerate(grid.sections):
        if title:
            lines += [r"\midrule"] if place else []
            lines.append(rf"\multicolumn{{{len(grid.titles)}}}{{l}}{{\textit{{{escaped(title)}}}}} \\")
        lines += [" & ".join(map(_cell, row.cells)) + r" \\" for row in rows]
    return lines


def _cell(cell: Printed) -> str:
    spread = rf" $\pm$ {escaped(cell.spread)}" if cell.spread else ""
    notes = rf"$^{{{','.join(map(str, cell.notes))}}}$" if cell.notes else ""
    # A bracket that begins a row would be taken for an option of the \\ before it.
    text = escaped(cell.text)
    return ("{}" if text.startswith(("[", "*")) else "") + text + spread + notes
