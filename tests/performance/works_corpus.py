"""What is measured of the corpus: each step beside the library that it rests on."""

from __future__ import annotations

from .work import OURS, Work

_JOB = {"inputs": "web", "bytes": 12_000_000, "models": 8_000}
_QUICK = {"bytes": 500_000}
_LIBRARIES = ("numpy", "warcio", "fasttext-predict", "kenlm", "sentencepiece")

CORPUS: tuple[Work, ...] = (
    Work(
        name="corpus",
        title="Corpus: reading WET, hashing lines, identifying languages, perplexity",
        modules={OURS: "performance.ours_corpus", "libraries": "performance.peer_corpus"},
        phases=dict.fromkeys(("read", "hash", "identify", "perplexity"), "MB of text"),
        job={**_JOB, "all": True},
        quick=_QUICK,
        needs=_LIBRARIES,
        peer="the bare calls: warcio; `str.translate` and SHA-1; fastText; SentencePiece and KenLM on normalised lines",
        checks=("scores",),
        goals={
            ("read", "libraries"): 0.8, ("hash", "libraries"): 0.8, ("identify", "libraries"): 0.85,
            ("perplexity", "libraries"): 0.85,
        },
        limits={"memory_gb": 1.0},
        note="Ours also decodes, strips and checks what it reads, and normalises what it scores.",
    ),
    Work(
        name="wet-datatrove",
        title="Reading WET beside datatrove's own reader",
        modules={OURS: "performance.ours_corpus", "datatrove": "performance.peer_corpus"},
        phases={"read": "MB of text"},
        job={**_JOB, "all": False},
        quick=_QUICK,
        needs=("datatrove", "warcio"),
        peer="datatrove's `WarcReader`",
        goals={("read", "datatrove"): 10.0},
        note="Pages are not compared: its reader leaves some out.",
    ),
)  # fmt: skip
