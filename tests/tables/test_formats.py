"""Formats change how a table is written, not what is in it; nothing in a name is taken for markup."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tabled import run_record, write_run

from xlmr_bench.benchmarks.mlqa_official import MLQA_LANGUAGES
from xlmr_bench.languages import XNLI_LANGUAGES
from xlmr_bench.tables import TABLES, build
from xlmr_bench.tables.render import FORMATS, render
from xlmr_bench.tables.sheet import Cell, Column, LeftOut, Row, Section, Sheet

HOSTILE = r'a_b|c & <i>50%</i> \textbf{x} *y* "$z$" #1 ~^'


def toy(name: str = "ours") -> Sheet:
    """Two score columns of one title, an average with its spread, an absent cell and two footnotes."""
    columns = (
        Column("model", "Model"),
        Column("en.f1", "en", "score", 1, "F1 / EM (%)"),
        Column("en.em", "en", "score", 1, "F1 / EM (%)"),
        Column("sw", "sw", "score", 1, "F1 / EM (%)"),
        Column("avg", "Avg", "score", 1, average=True),
    )
    paper = Row(
        "t", (Cell("Paper"), Cell(0.806), Cell(0.678), Cell(), Cell(0.5, flags=("wrong",))), "paper", notes=("old",)
    )
    ours = Row(
        "run",
        (Cell(name), Cell(0.75, 0.01, "sd"), Cell(0.5, 0.02, "sd"), Cell(), Cell(0.6, 0.004, "sd")),
        "run", 2, ("collapsed",), ("old",), ("a/seed1.json", "a/seed2.json"),
    )  # fmt: skip
    left = (LeftOut("toy, seed 1", "limited", ("a/seed3.json",)),)
    return Sheet(9, "Title", "Caption.", columns, (Section("s", "Section", (paper, ours)),), ("remark",), left)


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def test_text_has_the_papers_layout_and_says_what_is_ours() -> None:
    lines = render(toy(), "text").splitlines()
    assert lines[:3] == ["Table 9: Title", "Caption.", ""]
    assert cells(lines[3]) == ["Model", "en", "sw", "Avg"]
    assert cells(lines[5]) == ["Section"]
    assert cells(lines[6]) == ["Paper [1]", "80.6 / 67.8", "-", "50.0 [2]"]
    assert cells(lines[7]) == ["ours (ours, 2 seeds, collapsed) [1]", "75.0 / 50.0", "-", "60.0 ± 0.4 sd"]
    assert lines[8:] == ["[1] old", "[2] wrong", "remark", "left out: toy, seed 1: limited"]


def test_markdown_is_a_pipe_table_of_equal_rows() -> None:
    lines = render(toy(HOSTILE), "markdown").splitlines()
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("|")]
    assert {len(row) for row in rows} == {4}
    assert [row[0].strip() for row in rows[2:4]] == ["**Section**", r"Paper \[1\]"]
    assert lines[0] == "**Table 9: Title.** Caption."
    assert r"a\_b\|c &amp; &lt;i&gt;50%&lt;/i&gt;" in rows[4][0]
    assert "left out: toy, seed 1: limited  " in lines


def test_latex_escapes_what_would_be_a_command() -> None:
    text = render(toy(HOSTILE), "latex")
    assert (
        r"a\_b\textbar{}c \& \textless{}i\textgreater{}50\%\textless{}/i\textgreater{} "
        r"\textbackslash{}textbf\{x\} *y* \textquotedbl{}\$z\$\textquotedbl{} \#1 \textasciitilde{}\textasciicircum{}"
    ) in text
    assert r"Paper$^{1}$ & 80.6 / 67.8 & - & 50.0$^{2}$ \\" in text
    assert r"60.0 $\pm$ 0.4 sd \\" in text
    assert r"\multicolumn{2}{c}{F1 / EM (\%)}" in text
    assert r"\cmidrule(lr){2-3}" in text
    assert r"\multicolumn{4}{l}{\textit{Section}} \\" in text


@pytest.mark.parametrize("number", [table.number for table in TABLES])
def test_latex_of_every_table_has_rows_of_one_width_between_booktabs_rules(number: int) -> None:
    text = render(build(number), "latex")
    begun = re.findall(r"\\begin\{(\w+\*?)\}", text)
    assert (
        begun
        == re.findall(r"\\end\{(\w+\*?)\}", text)[::-1]
        == (["longtable"] if number == 6 else ["table*", "tabular"])
    )
    (spec,) = re.findall(r"\\begin\{(?:longtable|tabular)\}\{([lr]+)\}", text)
    rows = [r for r in text.splitlines() if r.endswith(r" \\") and r"\multicolumn" not in r]
    assert {len(re.findall(r"(?<!\\)&", r)) + 1 for r in rows} == {len(spec)}
    assert len(rows) == 1 + len(build(number).rows)
    assert [text.count(rule) for rule in (r"\toprule", r"\bottomrule")] == [1, 1]
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


class Tags(HTMLParser):
    """Cells of each row as (tag, attributes, text); elements must nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[tuple[str, dict[str, str | None], str]]] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"th", "td"} & set(self.open):
            tag, attrs, words = self.rows[-1][-1]
            self.rows[-1][-1] = tag, attrs, words + data


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert tags.open == []
    return tags


def test_html_names_rows_and_columns_for_screen_readers_and_escapes_names() -> None:
    html = render(toy(HOSTILE), "html")
    tags = parsed(html)
    assert "i" not in tags.seen, "a name became markup"
    assert "<caption>Table 9: Title. Caption.</caption>" in html
    group, columns, section, paper, ours = tags.rows
    assert [(a.get("scope"), a.get("colspan"), a.get("rowspan"), t) for _, a, t in group] == [
        ("col", None, "2", "Model"), ("colgroup", "2", None, "F1 / EM (%)"), ("col", None, "2", "Avg"),
    ]  # fmt: skip
    assert [(a["scope"], text) for _, a, text in columns] == [("col", "en"), ("col", "sw")]
    assert [(a["scope"], a["colspan"], text) for _, a, text in section] == [("rowgroup", "4", "Section")]
    assert [(tag, text) for tag, _, text in paper] == [
        ("th", "Paper1"), ("td", "80.6 / 67.8"), ("td", "-"), ("td", "50.02"),
    ]  # fmt: skip
    assert (ours[0][1], ours[0][2]) == ({"scope": "row", "dir": "auto"}, f"{HOSTILE} (ours, 2 seeds, collapsed)1")
    assert ours[3][2] == "60.0 ± 0.4 sd"
    assert '<tr class="ours" title="a/seed1.json, a/seed2.json">' in html
    assert '<a href="#xlmr-table-9-note-2">2</a>' in html
    assert '<li id="xlmr-table-9-note-2">wrong</li>' in html


@pytest.mark.parametrize("number", [table.number for table in TABLES])
def test_html_of_every_table_has_rows_of_one_width(number: int) -> None:
    rows = parsed(render(build(number), "html")).rows
    widths = [sum(int(attrs.get("colspan") or 1) for _, attrs, _ in row) for row in rows]
    # The second row of headers stands below a heading, beside headers that span both rows.
    if any(attrs.get("rowspan") for _, attrs, _ in rows[0]):
        widths[1] += sum(attrs.get("rowspan") == "2" for _, attrs, _ in rows[0])
    assert len(set(widths)) == 1


def test_csv_has_a_column_a_metric_and_the_spread_of_each() -> None:
    head, paper, ours = csv.reader(io.StringIO(render(toy('x, "y"'), "csv")))
    keys = ["model", "en.f1", "en.em", "sw", "avg"]
    spreads = [f"{key} spread" for key in keys[1:]]
    assert head == ["id", "section", "origin", "seeds", *keys, *spreads, "spread of"]
    assert paper == ["t", "s", "paper", "-", "Paper", "80.6", "67.8", "-", "50.0", "-", "-", "-", "-", "-"]
    assert ours == ["run", "s", "run", "2", 'x, "y"', "75.0", "50.0", "-", "60.0", "1.0", "2.0", "-", "0.4", "sd"]


def test_json_has_fractions_beside_what_is_printed() -> None:
    content = json.loads(render(toy(), "json"))
    assert (content["table"], content["remarks"]) == (9, ["remark"])
    paper, ours = content["rows"]
    assert paper["cells"]["sw"] == {"value": None, "shown": "-"}
    assert paper["cells"]["avg"] == {"value": 0.5, "shown": "50.0", "flags": ["wrong"]}
    assert ours["cells"]["avg"] == {"value": 0.6, "shown": "60.0", "spread": 0.004, "spread_of": "sd"}
    assert (ours["id"], ours["section"], ours["origin"], ours["seeds"]) == ("run", "s", "run", 2)
    assert (ours["standing"], ours["records"]) == (["collapsed"], ["a/seed1.json", "a/seed2.json"])
    assert content["left_out"] == [{"results": "toy, seed 1", "reason": "limited", "records": ["a/seed3.json"]}]


@pytest.mark.parametrize("style", ["text", "markdown", "latex", "html", "csv"])
def test_absent_is_a_dash_and_never_0(tmp_path: Path, style: str) -> None:
    write_run(tmp_path, run_record("xnli", "transfer", {"en": 0.123, "sw": 0.456}, name="partial"))
    line = next(r for r in render(build(1, tmp_path), style).splitlines() if "partial" in r)
    printed = re.findall(r"(?<![\w.-])(?:\d+\.\d|-)(?![\w.-])", line)
    # The data and languages of the pretraining are not known, nor 13 languages and the average.
    assert printed[printed.index("12.3") - 1] == "-"
    assert printed[printed.index("12.3") :][:16] == ["12.3", *["-"] * 12, "45.6", "-", "-"]
    assert "0.0" not in printed


def test_mnli_shares_a_column_and_f1_stands_with_exact_match(tmp_path: Path) -> None:
    values = dict.fromkeys(MLQA_LANGUAGES, (0.6, 0.4))
    for seed in (1, 2):
        write_run(tmp_path, run_record("mlqa", "transfer", values, selection="english", seed=seed))
    mlqa = render(build(3, tmp_path), "text")
    assert re.search(r"XLM-R +en +100 +80\.6 / 67\.8 +74\.1 / 56\.0", mlqa)
    assert re.search(r"toy \(ours, 2 seeds, English dev\) .* 60\.0 / 40\.0 ± 0\.0 / 0\.0 sd", mlqa)
    assert re.search(r"BERT-Large \[1\] \[2\] +en +1 +80\.2 / 67\.4( +-){7}\n", mlqa)
    # Model, train and #lgs stand before the seven languages.
    assert r"\multicolumn{3}{c}{} & \multicolumn{7}{c}{F1 / EM (\%)} & " in render(build(3), "latex")
    assert r"\cmidrule(lr){4-10}" in render(build(3), "latex")
    glue = render(build(4), "text")
    assert re.search(r"BERT-Large .*86\.6 / - ", glue)
    assert re.search(r"XLM-R .*88\.9 / 89\.0 ", glue)


def test_every_format_is_without_a_newline_at_its_end_and_holds_every_row(tmp_path: Path) -> None:
    write_run(tmp_path, run_record("xnli", "transfer", dict.fromkeys(XNLI_LANGUAGES, 0.887), name="mine"))
    for style in FORMATS:
        text = render(build(1, tmp_path), style)
        assert not text.endswith("\n"), style
        assert text.count("XLM-100") >= 4, style
        assert "88.7" in text, style
