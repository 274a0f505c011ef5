"""The page without a browser: complete, equal to the records, escaped, and asking for nothing from outside."""

from __future__ import annotations

import gzip
import json
import re
import sys
from base64 import b64decode
from dataclasses import asdict
from pathlib import Path
from statistics import fmean, stdev
from urllib.parse import unquote

import pytest
from page_reading import Reader, read
from page_results import ARABIC, SCRIPT, Built
from tabled import run_record, write_run

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.languages import XNLI_LANGUAGES
from xlmr_bench.page import build_page, no_gold
from xlmr_bench.page.data import gather
from xlmr_bench.page.html import SHADES, packed_widget
from xlmr_bench.page.plots import axis
from xlmr_bench.published import published_records
from xlmr_bench.report import column_values, headline
from xlmr_bench.results import read_record

STYLE = Path(__file__).parents[2] / "xlmr_bench" / "page" / "style.css"


@pytest.fixture(scope="module")
def parsed(built: Built) -> Reader:
    return read(built.html.read_text(encoding="utf-8"))


def line(parsed: Reader, model: str, *, table: str = "xnli-table", **wanted: str) -> dict[str, str]:
    """The only row of a model, by column; `wanted` are values of columns in lower case."""
    head, *rows = parsed.tables[table]
    found = [dict(zip(head, row, strict=True)) for row in rows]
    (row,) = [
        r for r in found if r["Model"].startswith(model) and all(r[k.capitalize()] == v for k, v in wanted.items())
    ]
    return row


def test_every_element_is_closed_in_turn(parsed: Reader) -> None:
    assert (parsed.misplaced, parsed.open) == ([], [])


def test_every_record_is_linked_and_every_link_leads_to_a_file(built: Built, parsed: Reader) -> None:
    outward = [link for link in parsed.links if not link.startswith("#")]
    linked = {(built.out / unquote(link)).resolve() for link in outward}
    assert set(built.records) == linked
    in_readme = re.findall(r"\]\(([^)]*\.json)\)", built.readme.read_text(encoding="utf-8"))
    assert {(built.out / unquote(link)).resolve() for link in in_readme} == linked


def test_links_inside_the_page_have_their_targets(built: Built, parsed: Reader) -> None:
    text = built.html.read_text(encoding="utf-8")
    assert all(f'id="{link[1:]}"' in text for link in parsed.links if link.startswith("#"))


def test_a_row_holds_the_mean_of_its_sound_seeds_and_their_spread(built: Built, parsed: Reader) -> None:
    records = [read_record(p) for p in built.records if "/xlm-roberta-base/" in p.as_posix()]
    sound = [r for r in records if r["status"] == "ok"]
    row = line(parsed, "xlm-roberta-base")
    for code in XNLI_LANGUAGES:
        assert row[code] == f"{100 * fmean(column_values(r)[code] for r in sound):.1f}"
    averages = [headline(r)["value"] for r in sound]
    assert row["Avg"] == f"{100 * fmean(averages):.1f}"
    assert row["±"] == f"{100 * stdev(averages):.1f} sd"
    assert (row["n"], row["Records"]) == ("3 +1c", "1 2 3 4c")


def test_the_spread_of_a_single_seed_is_half_its_interval_and_says_so(parsed: Reader) -> None:
    assert line(parsed, ARABIC)["±"] == "1.0 ci"


def test_both_metrics_of_a_benchmark_stand_in_its_cells(parsed: Reader) -> None:
    row = line(parsed, ARABIC, table="mlqa-table")
    assert (row["en"], row["es"], row["Avg"]) == ("79.0 / 61.0", "70.0 / 52.0", "70.3 / 52.3")


@pytest.mark.parametrize("name", ["xnli", "ner", "mlqa", "glue"])
def test_every_published_row_stands_there_with_all_its_printed_scores(parsed: Reader, name: str) -> None:
    for record in published_records(name):
        about = {"protocol": record["protocol"], "selection": record["selection"]}
        row = line(parsed, f"{record['model']['name']} paper", table=f"{name}-table", **about)
        for code, value in column_values(record).items():
            assert row[code].split(" / ")[0] == f"{100 * value:.1f}"


def test_what_is_missing_is_a_dash(parsed: Reader) -> None:
    row = line(parsed, "Akbik et al. (2018)", table="ner-table")
    assert (row["es"], row["Avg"], row["±"], row["n"]) == ("-", "-", "-", "-")
    boards = [rows for name, rows in parsed.tables.items() if name.endswith("-table")]
    assert all(cell for rows in boards for row in rows for cell in row)


def test_records_left_out_are_named_with_the_reason(built: Built) -> None:
    for text in (built.html.read_text(encoding="utf-8"), built.readme.read_text(encoding="utf-8")):
        assert re.search(r"Left out: 2 records|left out: \[hurried joint seed 9\]", text)
        assert "limited to 50 examples a split" in text


def test_names_and_notes_cannot_add_markup(built: Built) -> None:
    text = built.html.read_text(encoding="utf-8")
    assert SCRIPT not in text and "<script>document.title" not in text
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;b&gt;" in text
    assert len(re.findall("<script", text)) == 2
    readme = built.readme.read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)<", readme)


def test_names_from_right_to_left_are_isolated(built: Built) -> None:
    assert f"<bdi>{ARABIC}</bdi>" in built.html.read_text(encoding="utf-8")
    assert f"\u2068{ARABIC}\u2069" in built.readme.read_text(encoding="utf-8")


def test_nothing_is_asked_for_from_outside_and_a_policy_forbids_it(built: Built, parsed: Reader) -> None:
    text = built.html.read_text(encoding="utf-8")
    assert parsed.sources == []
    assert not re.search(r"https?://|@import|url\(|<link", text)
    assert "default-src 'none'" in text
    assert len(text.encode()) < 1_500_000


def test_tables_tell_their_structure_to_screen_readers(built: Built) -> None:
    text = built.html.read_text(encoding="utf-8")
    tables = re.findall(r"<table.*?</table>", text, re.DOTALL)
    assert all("<caption>" in t and 'scope="col"' in t and 'scope="row"' in t for t in tables)
    assert not re.search(r"<th(?![a-z])(?![^>]*scope=)", text)


def test_the_page_is_json_too_and_equal_records_make_equal_files(built: Built, tmp_path: Path) -> None:
    page = asdict(gather(built.runs, built.out, no_gold))
    assert json.loads(json.dumps(page))["ours"] == len(built.records)
    before = [built.readme.read_bytes(), built.html.read_bytes()]
    assert [p.read_bytes() for p in build_page(built.runs, built.out)] == before


def test_a_run_is_set_beside_its_own_published_row_and_other_models_are_said_to_be_other(built: Built) -> None:
    sections = {s.name: s for s in gather(built.runs, built.out, no_gold).sections}
    beside = {(s.name, c.row.model, c.paper, c.same) for s in sections.values() for c in s.comparisons}
    assert beside == {
        ("xnli", "xlm-roberta-base", "XLM-R Base", True),
        ("ner", "xlmr.base", "XLM-R Base", True),
        ("xnli", SCRIPT, "XLM-R Base", False),
        ("xnli", ARABIC, "XLM-R Base", False),
    }  # the result on MLQA is not of the published data


def test_published_rows_stay_whole_beside_results_on_other_data(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", run_record("xnli", "transfer", {"en": 0.5, "sw": 0.4}, official=None))
    _, html = build_page(tmp_path / "runs", tmp_path)
    parsed = read(html.read_text(encoding="utf-8"))
    printed = line(parsed, "XLM-R Base paper", protocol="transfer")
    assert (printed["Avg"], printed["en"], printed["ur"], printed["Rank"]) == ("76.2", "85.8", "68.3", "-")
    assert "other data: files" in line(parsed, "toy")["Model"]
    assert "averages over en sw" in html.read_text(encoding="utf-8")


def test_without_results_the_page_shows_the_paper_alone(tmp_path: Path) -> None:
    _, html = build_page(None, tmp_path)
    parsed = read(html.read_text(encoding="utf-8"))
    assert line(parsed, "XLM-R paper", table="glue-table")["Avg"] != "-"


def test_a_missing_folder_and_an_unknown_benchmark_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        build_page(tmp_path / "nowhere", tmp_path)
    record = {**run_record("xnli", "transfer", {"en": 0.5}), "benchmark": "elsewhere"}
    write_run(tmp_path / "runs", record)
    with pytest.raises(DataError, match=r"elsewhere.*--plugin"):
        build_page(tmp_path / "runs", tmp_path)
    assert not (tmp_path / "index.html").exists()


def test_the_widget_is_packed_without_a_date() -> None:
    packed = b64decode(packed_widget())
    assert b"DataTables" in gzip.decompress(packed)
    assert packed[4:8] == bytes(4)


@pytest.mark.parametrize("package", ["itables", "jinja2"])
def test_without_the_extra_the_package_is_named_and_nothing_written(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed_widget.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"{package}.*xlmr_bench\[page\]"):
        build_page(None, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_scale_of_a_plot_holds_all_values_and_runs_from_tick_to_tick() -> None:
    for values in ([0.312, 0.355], [0.5], [0.0, 1.0], [-0.004, 0.004], [0.7649, 0.7651]):
        scale = axis(values)
        assert scale.low <= min(values) + 1e-9 and scale.high >= max(values) - 1e-9
        places = [x for x, _ in scale.ticks]
        assert 2 <= len(places) <= 6 and places == sorted(places)
        assert all(places[0] - 0.01 <= scale.place(v) <= places[-1] + 0.01 for v in values)
        assert len({label for _, label in scale.ticks}) == len(places)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_on_every_shade(scheme: str) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#\w{6})", light if scheme == "light" else dark))
    shades = [colours[f"h{step}"] for step in range(SHADES)]
    assert all(contrast(colours["ink"], shade) >= 4.5 for shade in shades)
    steps = [luminance(shade) for shade in shades]
    assert steps == sorted(steps, reverse=scheme == "light")
    for ground in ("page", "raised"):
        assert all(contrast(colours[c], colours[ground]) >= 4.5 for c in ("ink", "quiet", "link", "mine"))
        assert contrast(colours["focus"], colours[ground]) >= 3
