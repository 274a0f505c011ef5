"""SQuAD v1.1: answers in English Wikipedia (Rajpurkar et al. 2016); what MLQA and XQuAD are trained on."""

from __future__ import annotations

from dataclasses import asdict, replace

from ..settings import QUICK, ExtractionSettings, Preset
from ..tasks import Extraction
from .base import Benchmark
from .squad_files import read_squad

PAPER = Preset(
    name="paper",
    settings=ExtractionSettings(
        learning_rate=3e-5,
        batch_size=32,
        max_length=384,
        epochs=3,
        schedule="linear",
        warmup=500,
        weight_decay=0.005,
        clip_norm=5.0,
        head="linear",
    ),
    seeds=(1, 2, 3, 4, 5),
    source="what MLQA's authors used for XLM (MLQA issue 9), whose procedure the paper follows; length, stride and "
    "span limits are BERT's; those of XLM-R were never published",
)
XTREME = Preset(
    name="xtreme",
    settings=replace(PAPER.settings, weight_decay=1e-4, clip_norm=1.0),
    seeds=(1,),
    source="XTREME (Hu et al. 2020), scripts/train_qa.sh",
)
_QUICK = {**asdict(QUICK), "max_length": 256, "head": "linear"}
PRESETS = (
    PAPER,
    XTREME,
    Preset("quick", ExtractionSettings(**_QUICK), (1,), "tiny models and the miniature; not for reporting"),
)

SQUAD = Benchmark(
    name="squad",
    title="SQuAD v1.1: extractive question answering, reported on dev",
    task=Extraction(("squad_f1", "squad_em")),
    languages=("en",),
    protocols=("each",),
    presets=PRESETS,
    read=read_squad,
    licence="CC BY-SA 4.0",
    reference="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text",
    archives=("SQuAD-1.1-train", "SQuAD-1.1-dev"),
    tested="dev",
    selections=("per-language",),
    shown=2,
)
