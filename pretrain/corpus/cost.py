"""What CC-100 and XLM-R Large cost, by arithmetic from measured rates. Every figure stands beside its assumption."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from xlmr_bench.errors import DataError

from ..configuration import load_settings
from ..plan import gpu_days, tokens_in_all
from ..shape import encoder_config, flops

# CommonCrawl's announcement of CC-MAIN-2019-09 (February 2019): 64,000 WET files, 7.62 TiB compressed. That of August
# 2018 (CC-MAIN-2018-34) has 71,520 files of 6.92 TiB.
FILES_A_DUMP, TIB_A_DUMP = 64_000, 7.62
TIB = 2**40
GPU_TFLOPS, MFU = 790.0, 0.5  # H200, dense bf16; as `plan` assumes
XLMR_LARGE = Path(__file__).parents[1] / "configs" / "xlmr_large.toml"
XLMR_VOCABULARY = 250_002


@dataclass(frozen=True)
class Rate:
    """A stage: CPU-seconds of one core, and bytes written, for a byte of compressed WET."""

    stage: str
    cpu_s: float
    written: float


# `corpus build --workers 1` of 60 MB of pages in Arabic, Chinese, English, German, Russian and Swahili, 57 bytes a
# line, 70 % of the lines repeated, with lid.176.ftz and models of 8,000 pieces and order 5, on one core of an AMD EPYC
# with AVX-512. Without downloads; larger language models are slower.
MEASURED_BY = "pages of ours in six languages on one core, see pretrain/corpus/cost.py"
MEASURED = [
    Rate("hashes", 3.7e-8, 0.18),
    Rate("repeats", 5.2e-10, 0.002),
    Rate("documents", 3.7e-7, 0.31),
    Rate("text", 1.2e-7, 0.20),
]


def measured(out: Path) -> list[Rate]:
    """The rates of a corpus that was made: its tasks' CPU time by datatrove's statistics, its folders' sizes.

    Raises DataError for a folder without a finished corpus.
    """
    from .launch import cpu_seconds

    size = sum(read for _, read in cpu_seconds(out / "logs" / "hashes"))
    if not size or not (out / "report.json").is_file():
        raise DataError(f"{out} holds no finished corpus to measure. Name the OUT of a `corpus build` that ended.")
    return [
        Rate(
            stage,
            sum(cpu for cpu, _ in cpu_seconds(out / "logs" / stage)) / size,
            sum(path.stat().st_size for path in (out / stage).rglob("*") if path.is_file()) / size,
        )
        for stage in ("hashes", "repeats", "documents", "text")
    ]


def plan_text(dumps: int, nodes: int, cores: int, out: Path | None) -> str:
    """The plan of a corpus of `dumps` dumps on `nodes` nodes of `cores` cores, and of XLM-R Large."""
    rates = MEASURED if out is None else measured(out)
    source = MEASURED_BY if out is None else f"measured in {out}"
    size = dumps * TIB_A_DUMP * TIB
    rows = []
    for rate in rates:
        hours = size * rate.cpu_s / 3600
        rows.append(_row(rate.stage, 1e-6 / rate.cpu_s, hours, hours / (nodes * cores), size * rate.written))
    every = sum(rate.cpu_s for rate in rates)
    hours, written = size * every / 3600, sum(rate.written for rate in rates) * size
    rows.append(_row("all", 1e-6 / every, hours, hours / (nodes * cores), written))
    head = ("stage", "MB of WET a core-second", "core-hours", f"hours on {nodes} x {cores} cores", "TiB written")
    table = tabulate(rows, head, disable_numparse=True, colalign=("left", *["right"] * 4))
    return "\n".join([
        f"{dumps} dumps of {FILES_A_DUMP:,} WET files, {TIB_A_DUMP} TiB compressed each (that of February 2019): "
        f"{size / TIB:,.1f} TiB to download",
        table,
        f"Rates: {source}. Every core is taken to be as fast, always busy, and fed by the file system.",
        _xlmr_large(),
    ])  # fmt: skip


def _row(stage: str, mb_s: float, hours: float, wall: float, written: float) -> list[str]:
    return [stage, f"{mb_s:,.2f}", f"{hours:,.0f}", f"{wall:,.1f}", f"{written / TIB:,.2f}"]


def _xlmr_large() -> str:
    settings = load_settings(XLMR_LARGE, [f"model.vocab_size={XLMR_VOCABULARY}"], None)
    config = encoder_config(settings, XLMR_VOCABULARY)
    tokens = tokens_in_all(settings)
    total = tokens * flops(config, settings.data.block_tokens, settings.masked_per_block).total
    days = gpu_days(total, GPU_TFLOPS, MFU)
    return (
        f"XLM-R Large on it: {tokens:,} tokens, {total:.3g} FLOP: {days:,.0f} GPU-days at {MFU:.0%} of "
        f"{GPU_TFLOPS:g} TFLOP/s (H200, dense bf16; assumed, not measured); {days / 512 * 24:,.1f} hours on 512."
    )
