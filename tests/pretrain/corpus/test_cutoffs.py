"""Head, middle and tail: published cut-offs, and percentiles of perplexities that were counted."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from pretrain.corpus.cutoffs import Histogram, bucket, read_cutoffs
from xlmr_bench.errors import DataError, MissingData

TABLE = ",de,en\n0,0,10\n29,300,200\n30,309.5,210\n31,320,220\n60,700,500\n99,3000,2000\n"


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cutoff.csv"
    path.write_text(text, encoding="utf-8")
    return path


def counted(perplexities: list[float]) -> Histogram:
    histogram = Histogram()
    for perplexity in perplexities:
        histogram.add(perplexity)
    return histogram


def perplexities(n: int = 5000) -> list[float]:
    """As of web text: most of some hundreds, a long tail."""
    draw = random.Random(7)
    return [draw.lognormvariate(6, 1.1) for _ in range(n)]


@pytest.mark.parametrize(
    ("perplexity", "expected"),
    [(10, "head"), (309.4, "head"), (309.5, "middle"), (699.9, "middle"), (700, "tail"), (1e9, "tail")],
)
def test_a_document_at_a_cut_off_belongs_to_the_worse_side(perplexity: float, expected: str) -> None:
    assert bucket(perplexity, (309.5, 700.0)) == expected


def test_published_cut_offs_are_the_rows_of_percentiles_30_and_60(tmp_path: Path) -> None:
    assert read_cutoffs(table(tmp_path, TABLE)) == {"de": (309.5, 700.0), "en": (210.0, 500.0)}


def test_cc_nets_own_table_is_read(shared_data: Path) -> None:
    cutoffs = read_cutoffs(shared_data / "commoncrawl" / "cc_net.cutoff.csv")
    assert len(cutoffs) == 48
    assert (cutoffs["en"], cutoffs["de"]) == ((340, 520), (370, 590))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "first line names no languages"),
        ("percentile\n30\n60\n", "first line names no languages"),
        (",de\n30,300\n", "one row for percentile 60"),
        (",de\n30,300\n30,310\n60,500\n", "one row for percentile 30"),
        (",de,en\n30,300\n60,500,600\n", "with 2 perplexities"),
        (",de\n30,much\n60,500\n", "something else than numbers"),
        (",de\n30,nan\n60,500\n", "do not rise"),
        (",de\n30,500\n60,300\n", "do not rise"),
    ],
)
def test_a_table_that_is_none_is_refused_with_what_is_wrong(tmp_path: Path, text: str, word: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(DataError, match=word) as refusal:
        read_cutoffs(path)
    assert str(path) in str(refusal.value)


def test_a_table_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no perplexity cut-offs at"):
        read_cutoffs(tmp_path / "none.csv")
    (tmp_path / "cutoff.csv").write_bytes(b"\xff\xfe\x00,de")
    with pytest.raises(DataError, match="cannot read"):
        read_cutoffs(tmp_path / "cutoff.csv")


@pytest.mark.parametrize("percent", [1, 30, 60, 99, 100])
def test_a_percentile_is_right_to_a_tenth_of_a_per_cent(percent: float) -> None:
    values = perplexities()
    exact = np.percentile(values, percent, method="inverted_cdf")
    assert counted(values).percentile(percent) == pytest.approx(exact, rel=0.001001)


def test_so_many_documents_fall_into_the_buckets_as_the_percentiles_say() -> None:
    values = perplexities()
    histogram = counted(values)
    cutoffs = histogram.percentile(30), histogram.percentile(60)
    found = [bucket(value, cutoffs) for value in values]
    shares = {name: found.count(name) / len(found) for name in ("head", "middle", "tail")}
    assert shares == pytest.approx({"head": 0.3, "middle": 0.3, "tail": 0.4}, abs=0.002)


def test_parts_in_any_order_add_up_to_the_whole() -> None:
    values = perplexities(1000)
    whole, parts = counted(values), [counted(values[i::7]) for i in (3, 0, 6, 1, 5, 2, 4)]
    merged = Histogram()
    for part in parts:
        merged.merge(part)
    assert merged == whole == counted(values[::-1])
    assert json.dumps(merged.as_json()) == json.dumps(whole.as_json())
    assert merged.total == 1000


def test_json_gives_the_histogram_back() -> None:
    histogram = counted(perplexities(500))
    assert Histogram.from_json(json.loads(json.dumps(histogram.as_json()))) == histogram


def test_memory_is_bounded_whatever_is_counted() -> None:
    histogram = counted([10 ** (i / 1000) for i in range(-2000, 300_000)])
    assert len(histogram.bins) < 14_000
    assert histogram.total == 302_000
    assert counted([float("inf"), 0.0]).percentile(30) == pytest.approx(1, rel=0.002)


def test_no_documents_have_no_percentile() -> None:
    assert np.isnan(Histogram().percentile(30))
