"""MLQA: SQuAD's task in seven languages (Lewis et al. 2020; Table 3 of the XLM-R paper)."""

from __future__ import annotations

from dataclasses import replace

from ..examples import Question, Split
from ..tasks import Extraction
from .base import Averages, Benchmark, Where
from .mlqa_official import MLQA_LANGUAGES
from .squad import PRESETS
from .squad_files import read_mlqa

# Contexts in one language, questions in another: `de-en` asks in English about a German text.
PAIRS = tuple(
    f"{context}-{question}" for context in MLQA_LANGUAGES for question in MLQA_LANGUAGES if context != question
)


def read(where: Where, role: str, language: str) -> Split[Question]:
    """One split of a language, or of a pair CONTEXT-QUESTION; see `base.Reader`."""
    context, _, question = language.partition("-")
    return replace(read_mlqa(where, role, context, question or None), language=language)


def averages(languages: tuple[str, ...]) -> Averages:
    """The mean over languages (Table 3; XLT in MLQA's paper) and, with pairs, that over all pairs (G-XLT)."""
    same = [code for code in languages if "-" not in code]
    every = {"generalised": dict.fromkeys(languages, 1.0)}
    if len(same) == len(languages):
        return {"mean": dict.fromkeys(same, 1.0)}
    return {"mean": dict.fromkeys(same, 1.0), **every} if same else every


def refuses(protocol: str, language: str) -> str | None:
    """Pairs have dev and test sets alone."""
    if "-" in language and protocol != "transfer":
        return "questions in another language than their contexts' are tested in transfer only"
    return None


MLQA = Benchmark(
    name="mlqa",
    title="MLQA: cross-lingual extractive question answering",
    task=Extraction(("mlqa_f1", "mlqa_em")),
    languages=(*MLQA_LANGUAGES, *PAIRS),
    chosen=MLQA_LANGUAGES,
    protocols=("transfer", "translate-test", "translate-train", "translate-train-all"),
    presets=PRESETS,
    read=read,
    licence="CC BY-SA 3.0 (data), CC BY-SA 4.0 (SQuAD)",
    reference="Lewis et al. 2020, MLQA: Evaluating Cross-lingual Extractive Question Answering",
    published="table3",
    archives=("SQuAD-1.1-train", "MLQA_V1", "mlqa-translate-train", "mlqa-translate-test"),
    gold_translated=True,
    shown=2,
    averages=averages,
    refuses=refuses,
)
