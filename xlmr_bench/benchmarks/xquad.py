"""XQuAD: 240 paragraphs of SQuAD's dev set in twelve languages (Artetxe et al. 2020)."""

from __future__ import annotations

from ..tasks import Extraction
from .base import Benchmark
from .mlqa_official import XQUAD_LANGUAGES
from .squad import PRESETS
from .squad_files import read_xquad

XQUAD = Benchmark(
    name="xquad",
    title="XQuAD: SQuAD's questions translated by people, scored by SQuAD's scorer in every language",
    task=Extraction(("squad_f1", "squad_em")),
    languages=XQUAD_LANGUAGES,
    chosen=tuple(code for code in XQUAD_LANGUAGES if code != "ro"),  # added after its paper; XTREME has the eleven
    protocols=("transfer", "translate-test"),
    presets=PRESETS,
    read=read_xquad,
    licence="CC BY-SA 4.0",
    reference="Artetxe et al. 2020, On the Cross-lingual Transferability of Monolingual Representations",
    archives=("SQuAD-1.1-train", "SQuAD-1.1-dev", *(f"XQuAD-{code}" for code in XQUAD_LANGUAGES)),
    # XQuAD has no dev sets: SQuAD's English one selects.
    selections=("english",),
    gold_translated=True,
    shown=2,
)
