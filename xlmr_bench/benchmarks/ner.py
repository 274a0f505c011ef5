"""NER: the entities of CoNLL-2002 and CoNLL-2003 in four languages (Table 2 of the XLM-R paper)."""

from __future__ import annotations

from dataclasses import replace

from ..languages import CONLL_LANGUAGES
from ..settings import QUICK, Preset, Settings
from ..tasks import Tagging
from .base import Benchmark
from .conll_files import TAGS, read_conll

PAPER = Preset(
    name="paper",
    settings=Settings(
        learning_rate=5e-6,
        batch_size=32,
        max_length=256,
        epochs=20,
        head="linear",
    ),
    seeds=(1, 2, 3, 4, 5),
    source="first sub-piece, no CRF, length 256, best dev F1: the authors' PyText code (its request 1201); rate, batch "
    "and epochs were never published: those of XGLUE (Liang et al. 2020) stand in",
)
XTREME = Preset(
    name="xtreme",
    settings=Settings(
        learning_rate=2e-5,
        batch_size=32,
        max_length=128,
        epochs=10,
        schedule="linear",
        clip_norm=1.0,
        head="linear",
    ),
    seeds=(1,),
    source="XTREME (Hu et al. 2020), scripts/train_panx.sh, which is for WikiAnn",
)

NER = Benchmark(
    name="ner",
    title="CoNLL-2002/2003: named entities",
    task=Tagging(TAGS),
    languages=CONLL_LANGUAGES,
    protocols=("transfer", "each", "all", "translate-train", "translate-train-all"),
    presets=(PAPER, XTREME, Preset("quick", replace(QUICK, head="linear"), (1,), "tiny models and the miniature")),
    read=read_conll,
    licence="research use; the German texts are sold by ELRA, the English ones given by NIST",
    reference="Tjong Kim Sang 2002; Tjong Kim Sang and De Meulder 2003",
    published="table2",
    train_translated="translate-train",
)
