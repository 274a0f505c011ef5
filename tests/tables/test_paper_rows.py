"""The paper's rows in our tables are the printed ones, cell by cell, in the printed order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pretrain.languages import cc100
from xlmr_bench.errors import UsageError
from xlmr_bench.tables import TABLES, build
from xlmr_bench.tables.layout import ResultTable
from xlmr_bench.tables.render import render

FILES = {
    1: "table1_xnli.yaml",
    2: "table2_ner.yaml",
    3: "table3_mlqa.yaml",
    4: "table4_glue.yaml",
    5: "table5_mono_vs_multi.yaml",
    6: "table6_cc100.yaml",
    7: "table7_architectures.yaml",
}
# Which of the collected keys are facts of a row, and which hold its scores: key -> ending of our column's name.
FACTS = {
    1: ("model", "D", "n_models", "n_langs"),
    2: ("model", "train", "n_models"),
    3: ("model", "train", "n_langs"),
    4: ("model", "n_langs"),
    5: ("model", "D", "vocab"),
}
SCORES = {
    1: {"acc": ("avg_printed", "")},
    2: {"f1": ("avg_printed", "")},
    3: {"f1": ("avg_f1_printed", ".f1"), "em": ("avg_em_printed", ".em")},
    4: {"scores": ("avg_printed", "")},
    5: {"acc": ("avg_printed", "")},
}


def collected(shared_data: Path, number: int) -> list[dict[str, Any]]:
    """The rows of a table as they were collected from the paper; skips where they are missing."""
    yaml = pytest.importorskip("yaml")
    path = shared_data.parent / "paper" / FILES[number]
    if not path.is_file():
        pytest.skip(f"no {path}: the printed tables cannot be compared with ours")
    return list(yaml.safe_load(path.read_text(encoding="utf-8"))["rows"])


def paper_rows(number: int) -> list[dict[str, Any]]:
    """The rows of `table N --format json` that are the paper's."""
    content = json.loads(render(build(number), "json"))
    return [row for row in content["rows"] if row["origin"] == "paper"]


def printed(value: float | None) -> tuple[float | None, str]:
    """A collected per cent as a fraction, and as it must be shown up to zeros at its end."""
    return (None, "-") if value is None else (value / 100, f"{value:g}")


def ours(cell: dict[str, Any]) -> tuple[float | None, str]:
    return cell["value"], cell["shown"] if cell["value"] is None else f"{float(cell['shown']):g}"


@pytest.mark.parametrize("number", FACTS)
def test_tables_1_to_5_are_the_collected_ones_cell_by_cell(shared_data: Path, number: int) -> None:
    rows = collected(shared_data, number)
    made = paper_rows(number)
    assert [row["id"] for row in made] == [row["id"] for row in rows]
    compared = 0
    for mine, row in zip(made, rows, strict=True):
        cells = dict(mine["cells"])
        assert {key: cells.pop(key)["value"] for key in FACTS[number]} == {key: row[key] for key in FACTS[number]}
        assert row.get("section") in (None, mine["section"])
        assert row.get("printed_label") == mine.get("printed_label")
        for key, (average, ending) in SCORES[number].items():
            for code, value in {**row[key], "avg": row[average]}.items():
                value_, shown = ours(cells.pop(code + ending))
                assert (value_, shown) == (pytest.approx(printed(value)[0]), printed(value)[1]), (row["id"], code)
                compared += 1
        assert cells == {}, "cells that the paper does not have"
    assert compared == {1: 15 * 16, 2: 10 * 5, 3: 5 * 16, 4: 4 * 8, 5: 6 * 8}[number]


def test_scores_have_the_papers_decimals() -> None:
    decimals = {n: {len(c["shown"].partition(".")[2]) for r in paper_rows(n) for c in scores(r)} for n in FACTS}
    assert decimals == {1: {1}, 2: {2}, 3: {1}, 4: {1}, 5: {1}}


def scores(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in row["cells"].values() if isinstance(cell["value"], float)]


def test_table_6_is_the_collected_one(shared_data: Path) -> None:
    rows = [(r["iso"], r["language"], r["tokens_m"], r["size_gib"]) for r in collected(shared_data, 6)]
    assert [tuple(cell["value"] for cell in row["cells"].values()) for row in paper_rows(6)] == rows


def test_table_7_is_the_collected_one_with_the_same_computed_parameters(shared_data: Path) -> None:
    names = {"params": "params_printed", "computed": "params_formula_M"}
    rows = collected(shared_data, 7)
    made = paper_rows(7)
    assert len(made) == len(rows)
    for mine, row in zip(made, rows, strict=True):
        cells = {key: cell["value"] for key, cell in mine["cells"].items()}
        cells["computed"] = round(cells["computed"], 1)
        assert cells == {key: row[names.get(key, key)] for key in cells}
        assert ("flag" in row) == any("flags" in cell for cell in mine["cells"].values()), row["model"]


def test_table_6_agrees_with_what_pretraining_samples_by() -> None:
    table = [tuple(cell["value"] for cell in row["cells"].values()) for row in paper_rows(6)]
    assert [(tokens, size) for _, _, tokens, size in table] == [
        (row.printed_tokens_m, row.printed_size_gib) for row in cc100().values()
    ]
    assert [name for _, name, _, _ in table] == [row.name.replace(" (Zawgyi)", "") for row in cc100().values()]


def test_only_the_two_exchanged_averages_disagree_with_their_cells() -> None:
    flagged = {
        (row["id"], key): cell["flags"]
        for number in FACTS for row in paper_rows(number) for key, cell in row["cells"].items() if "flags" in cell
    }  # fmt: skip
    # Conneau et al., Table 1: the cells of the two rows average 70.72 and 71.26, printed are 71.3 and 70.7.
    assert flagged == {
        ("t1.transfer.xlm-100.wiki.N", "avg"): [
            "the printed average disagrees with its cells, whose mean is 70.72"
        ],
        ("t1.transfer.xlm-100.wiki.1", "avg"): [
            "the printed average disagrees with its cells, whose mean is 71.26"
        ],
    }  # fmt: skip


def test_every_paper_row_names_a_record_that_is_there() -> None:
    for table in TABLES:
        for row in paper_rows(table.number):
            assert len(row["records"]) == 1
            assert (Path(__file__).parents[2] / row["records"][0]).is_file(), row["id"]
    assert paper_rows(1)[-1]["records"] == ["leaderboards/paper/XLM-R/xnli/translate-train-all/joint/mean.json"]
    assert [row["seeds"] for row in paper_rows(1) if row["cells"]["model"]["value"] == "XLM-R"] == [5, 5]


def test_rows_taken_from_others_say_so() -> None:
    notes = {row["id"]: row["notes"] for row in paper_rows(2)}
    assert "as reported by Wu and Dredze 2019" in notes["t2.mbert.en"]
    assert notes["t2.xlm-r.en"] == []


def test_tables_are_numbered_from_1_to_7_and_others_are_unknown() -> None:
    assert [table.number for table in TABLES] == [1, 2, 3, 4, 5, 6, 7]
    assert [isinstance(table, ResultTable) for table in TABLES] == [True] * 5 + [False] * 2
    with pytest.raises(UsageError, match=r"unknown table '8'.* Known: 1, 2, 3, 4, 5, 6, 7\."):
        build(8)
