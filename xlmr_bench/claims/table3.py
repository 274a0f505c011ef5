"""Claims about Table 3: MLQA, trained on English SQuAD, with public checkpoints."""

from __future__ import annotations

from .claim import BASELINES, CHECKPOINTS, Claim, Part, minus, value

F1, EM = 0, 1
LARGE, BASE = "t3.xlm-r", "t3.xlm-r-base"


def _reaches(name: str, statement: str, row: str, place: int, expected: float, remark: str = "") -> Claim:
    label = ("mean F1 of 7 languages", "mean exact match of 7 languages")[place]
    part = Part(label, value(row, place=place), "=", expected)
    return Claim(name, statement, "Table 3", CHECKPOINTS, (part,), remark=remark)


def _above(name: str, statement: str, other: str, columns: tuple[str, ...], f1: float, em: float, remark: str) -> Claim:
    parts = (
        Part("F1", minus(LARGE, other, columns, F1), ">", f1),
        Part("exact match", minus(LARGE, other, columns, EM), ">", em),
    )
    return Claim(name, statement, "Table 3", BASELINES, parts, remark=remark)


CLAIMS = (
    _reaches("mlqa-large-f1", "XLM-R reaches this mean F1", LARGE, F1, 70.7),
    _reaches("mlqa-large-em", "XLM-R reaches this mean exact match", LARGE, EM, 52.7),
    _reaches("mlqa-base-f1", "XLM-R Base reaches this mean F1", BASE, F1, 63.7, "others got 64.2 (XLM-V)"),
    _reaches("mlqa-base-em", "XLM-R Base reaches this mean exact match", BASE, EM, 46.3, "others got 46.5 (XLM-V)"),
    _above("mlqa-vs-mbert", "XLM-R is above mBERT in both metrics", "t3.mbert", (), 13.0, 11.1, ""),
    _above(
        "mlqa-vs-xlm15",
        "XLM-R is above XLM-15, the best before it, in both metrics",
        "t3.xlm-15",
        (),
        9.1,
        9.2,
        "the text gives F1 alone; exact match is read off the table",
    ),
    _above(
        "mlqa-en-vs-bert-large",
        "XLM-R is above BERT-Large, a model of English, in English",
        "t3.bert-large",
        ("en",),
        0.4,
        0.4,
        "so small a lead may be noise of seeds",
    ),
)
