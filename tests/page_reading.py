"""Reading the page back without a browser."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "input", "br", "link", "hr", "img"}


class Reader(HTMLParser):
    """Rows of every table by its id as lists of texts, targets of links, and elements that are not closed in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.misplaced: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(found["href"] or "")
        self.sources += [value or "" for name, value in attrs if name in ("src", "srcset", "data", "action", "poster")]
        if tag == "table":
            self._rows = self.tables.setdefault(found.get("id") or f"plot {len(self.tables)}", [])
        if tag == "tr" and self._rows is not None:
            self._rows.append([])
        if tag in ("td", "th") and self._rows:
            self._rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass  # shapes of plots

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.misplaced.append(tag)
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self._rows and self._rows[-1] and {"td", "th"} & set(self.open):
            self._rows[-1][-1] += data


def read(text: str) -> Reader:
    """The page as it is parsed."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    for rows in reader.tables.values():
        for row in rows:
            row[:] = [" ".join(cell.split()) for cell in row]
    return reader
