"""A small CoNLL data set of its own, with predictions of which some are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from samples import write_manifest

FIRST, PLACES = ("Anna", "Omar", "Mary", "Paul"), ("Paris", "London", "Cairo", "Bonn")
OTHER = ("the", "teacher", "walked", "in", "city", "house", ".")
Sentence = tuple[tuple[str, ...], tuple[str, ...]]


def sentences(n: int, seed: int) -> list[Sentence]:
    """Words and IOB2 tags: names, places and places of two words among others."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        words, tags = [], []
        for _ in range(int(rng.integers(2, 8))):
            kind = rng.integers(5)
            if kind == 0:
                words.append(str(rng.choice(FIRST)))
                tags.append("B-PER")
            elif kind == 1:
                words += [str(rng.choice(PLACES)), "City"]
                tags += ["B-LOC", "I-LOC"]
            else:
                words.append(str(rng.choice(OTHER)))
                tags.append("O")
        made.append((tuple(words), tuple(tags)))
    return made


def write_tagged(folder: Path, rows: int = 60, languages: tuple[str, ...] = ("en", "de")) -> Path:
    """Train, dev and test of each language."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, code in enumerate(languages):
        for seed, part in enumerate(("train", "dev", "test")):
            blocks = [
                "\n".join(f"{w}\t{t}" for w, t in zip(*pair, strict=True))
                for pair in sentences(rows, 10 * place + seed)
            ]
            (folder / f"{part}-{code}.tsv").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    write_manifest(folder, "toy tags")
    return folder


def mistaken(tags: tuple[str, ...], right: float, rng: np.random.Generator) -> str:
    """A prediction in which about a share `right` of the tags is kept."""
    others = ("O", "B-PER", "I-LOC", "B-LOC")
    return " ".join(t if rng.random() < right else str(rng.choice(others)) for t in tags)
