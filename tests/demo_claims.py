"""What `make demo` shows, checked: `python tests/demo_claims.py demo`.

Only what holds at the scale of the miniature is asserted. Whether the pretrained or the random model is ahead is
printed and not asserted: fine-tuning alone can learn so small a world.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from alignment import word_alignment
from tabulate import tabulate

from pretrain.journal import read_journal
from xlmr_bench.results import find_records

LANGUAGES = ("fr", "ru", "sw", "zh")
CHANCE = 1 / 3
PRETRAINED, RANDOM = "pretrained", "random"


def scores(runs: Path, protocol: str, model: str) -> dict[str, list[float]]:
    """Test accuracy by language, one value a seed, of the checkpoint that joint dev selects."""
    found: dict[str, list[float]] = {}
    for _, record in find_records(runs):
        if (record["model"]["name"], record["protocol"], record["selection"]) == (model, protocol, "joint"):
            for score in record["scores"]:
                if score["split"] == "test":
                    found.setdefault(score["language"], []).append(score["value"])
    return found


def elsewhere(by_language: dict[str, list[float]]) -> float:
    """Mean accuracy over all languages but English."""
    return statistics.mean(statistics.mean(v) for code, v in by_language.items() if code != "en")


def show(tables: dict[tuple[str, str], dict[str, list[float]]]) -> None:
    """Mean and standard deviation over seeds, random initialisation beside pretrained."""
    codes = ("en", *LANGUAGES)
    rows = [
        [protocol, model, *(f"{100 * statistics.mean(t[c]):.1f} ± {100 * statistics.stdev(t[c]):.1f}" for c in codes)]
        for (protocol, model), t in tables.items()
    ]
    seeds = len(next(iter(tables.values()))["en"])
    print(f"\nXNLI of the miniature, test accuracy (%), joint selection, mean ± standard deviation of {seeds} seeds")
    print(tabulate(rows, headers=["protocol", "model", *codes]))


def main(demo: Path) -> int:
    """Print the results and every claim with its figures; 1 if one does not hold."""
    losses = [line["loss"] for line in read_journal(demo / "pretraining/metrics.jsonl") if line["kind"] == "train"]
    before, after = (statistics.mean(word_alignment(demo / name, LANGUAGES).values()) for name in (RANDOM, PRETRAINED))
    tables = {
        (protocol, model): scores(demo / "runs", protocol, model)
        for protocol in ("transfer", "translate-train-all")
        for model in (RANDOM, PRETRAINED)
    }
    show(tables)
    claims = [
        ("the MLM loss falls to less than a third", losses[0], losses[-1], losses[-1] < losses[0] / 3),
        ("words align better than in the random model", before, after, after > before + 0.05),
    ]
    for model in (RANDOM, PRETRAINED):
        transfer, joined = tables["transfer", model], tables["translate-train-all", model]
        english = statistics.mean(transfer["en"])
        a, b = elsewhere(transfer), elsewhere(joined)
        claims.append((f"{model}: English is far above chance", CHANCE, english, english > CHANCE + 0.15))
        claims.append((f"{model}: translate-train-all is above transfer elsewhere", a, b, b > a + 0.05))
    print()
    print(tabulate(
        [[text, f"{a:.3f}", f"{b:.3f}", "yes" if holds else "NO"] for text, a, b, holds in claims],
        headers=["claim", "from", "to", "holds"], disable_numparse=True,
    ))  # fmt: skip
    return 0 if all(holds for *_, holds in claims) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
