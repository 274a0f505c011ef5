"""XNLI: natural language inference in 15 languages (Conneau et al. 2018; Table 1 of the XLM-R paper)."""

from __future__ import annotations

from ..languages import XNLI_LANGUAGES
from ..settings import QUICK, Preset, Settings
from ..tasks import Classification
from .base import Benchmark
from .xnli_files import LABELS, read_xnli

PAPER = Preset(
    name="paper",
    settings=Settings(
        learning_rate=5e-6,
        batch_size=128,
        max_length=256,
        steps=150_000,
        evaluate_every=5_000,
        patience=5,
        head="linear",
        head_dropout=0.4,
    ),
    seeds=(1, 2, 3, 4, 5),
    source="rate, batch, rounds and patience: an author in fairseq issue 1367 (XLM-R Base, final version: 7.5e-6, "
    "issue 2057); length and head: the authors' PyText code; warm-up and schedule: none there",
)
XTREME = Preset(
    name="xtreme",
    settings=Settings(
        learning_rate=3e-5,
        batch_size=32,
        max_length=128,
        epochs=5,
        schedule="linear",
        clip_norm=1.0,
    ),
    seeds=(1,),
    source="XTREME (Hu et al. 2020), scripts/train_xnli.sh: 3e-5 is the rate of XLM-R Large and XLM-100, "
    "Base and mBERT have 2e-5",
)

XNLI = Benchmark(
    name="xnli",
    title="XNLI: cross-lingual natural language inference",
    task=Classification(LABELS),
    languages=XNLI_LANGUAGES,
    protocols=("transfer", "translate-test", "translate-train", "translate-train-all"),
    presets=(PAPER, XTREME, Preset("quick", QUICK, (1,), "tiny models and the miniature; not for reporting")),
    read=read_xnli,
    archives=("XNLI-1.0", "XNLI-MT-1.0"),
    licence="CC BY-NC 4.0",
    published="table1",
    reference="Conneau et al. 2018, XNLI: Evaluating Cross-lingual Sentence Representations",
)
