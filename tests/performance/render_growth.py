"""Growth as a table and as one log-log plot: `python -m performance.render_growth results.json DEVICE plot.svg`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LINEAR = 1.1  # an exponent above it wants a reason
Grown = Mapping[str, Any]


def growth(found: Mapping[str, Grown], plot: str | None) -> Iterator[str]:
    """The lines of the page."""
    yield "### Growth\n"
    yield (
        "CPU-seconds (and peak memory) at each size; the exponent is the slope of a straight line through their "
        "logarithms: 1 is linear, 0 constant.\n"
    )
    yield "| what | of what | sizes | CPU-s | exponent | peak GB | exponent | remark |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in found.values():
        sizes = ", ".join(f"{size:,}" for size in one["sizes"])
        memory = ", ".join(f"{gb:.2f}" for gb in one["memory_gb"])
        for phase, seconds in one["cpu_s"].items():
            spent = ", ".join(f"{s:.3g}" for s in seconds)
            slope, room = one["exponents"][phase], one["exponents"]["memory"]
            remark = one["why"] or ("more than linear" if slope > LINEAR else "")
            yield (
                f"| {one['title']}: {phase} | {one['unit']} | {sizes} | {spent} | {slope:.2f} | {memory} | {room:.2f} "
                f"| {remark or '-'} |"
            )
    yield ""
    if plot:
        yield f"![time and memory against size]({plot})\n"


def draw(found: Mapping[str, Grown], title: str, out: Path) -> None:
    """Seconds on the left, memory on the right, both against size relative to the smallest, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.hashsalt": "growth", "font.size": 8, "svg.fonttype": "none"})
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, one in found.items():
        times = [size / one["sizes"][0] for size in one["sizes"]]
        for phase, seconds in one["cpu_s"].items():
            label = f"{name}: {phase} ({one['exponents'][phase]:.2f})"
            left.plot(times, [s / seconds[0] for s in seconds], marker=".", label=label)
        label = f"{name} ({one['exponents']['memory']:.2f})"
        right.plot(times, [gb / one["memory_gb"][0] for gb in one["memory_gb"]], marker=".", label=label)
    for axes, what in ((left, "CPU-seconds"), (right, "peak memory")):
        largest = max(size / one["sizes"][0] for one in found.values() for size in one["sizes"])
        axes.plot([1, largest], [1, largest], color="grey", linestyle=":", label="linear")
        axes.set(xscale="log", yscale="log", xlabel="times the smallest size", ylabel=f"times its {what}")
        axes.legend(fontsize=6)
    figure.suptitle(title)
    figure.savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    file, device, target = sys.argv[1:]
    results = json.loads(Path(file).read_text(encoding="utf-8"))
    draw(results["devices"][device]["growth"], device, Path(target))
    print(target)
