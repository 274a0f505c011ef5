"""A small dataset repository in the Hub's layout, every language with an order of labels of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

datasets = pytest.importorskip("datasets", reason="the Hub route needs the package `datasets`")


ROWS = [
    ("He was late.", "He was on time.", "contradiction"),
    ("A cat sleeps.", "An animal sleeps.", "entailment"),
    ("She reads.", "She reads a novel.", "neutral"),
    ("Il pleut \t«fort».", "Le sol est\nmouillé.", "entailment"),
]
# None of them is the order of facebook/xnli (entailment, neutral, contradiction), and each language has its own.
ORDERS = {"fr": ["neutral", "contradiction", "entailment"], "sw": ["contradiction", "entailment", "neutral"]}


def write_split(path: Path, rows: list[tuple[Any, Any, Any]], label: Any, text: Any = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = text or datasets.Value("string")
    features = datasets.Features({"premise": text, "hypothesis": text, "label": label})
    columns = {name: [row[i] for row in rows] for i, name in enumerate(features)}
    datasets.Dataset.from_dict(columns, features=features).to_parquet(str(path))


def write_card(folder: Path, splits: dict[str, list[str]]) -> None:
    lines = ["---", "configs:"]
    for language, names in splits.items():
        lines += [f"- config_name: {language}", "  data_files:"]
        for name in names:
            lines += [f"  - split: {name}", f"    path: {language}/{name}-*"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]), encoding="utf-8")


def write_mirror(folder: Path) -> None:
    """Three splits of two languages and their card."""
    for language, names in ORDERS.items():
        for number, split in enumerate(("train", "validation", "test")):
            rows = [(f"{split} {p}", f"{language} {h}", label) for p, h, label in ROWS[number:]]
            path = folder / language / f"{split}-00000-of-00001.parquet"
            write_split(path, rows, datasets.ClassLabel(names=names))
    write_card(folder, {language: ["train", "validation", "test"] for language in ORDERS})
