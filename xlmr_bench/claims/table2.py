"""Claims about Table 2: named entities of CoNLL with public checkpoints."""

from __future__ import annotations

from .claim import BASELINES, CHECKPOINTS, Claim, Part, minus, value

MEAN = "mean F1 of en, nl, es, de"


def _reaches(name: str, statement: str, row: str, expected: float, remark: str = "") -> Claim:
    return Claim(name, statement, "Table 2", CHECKPOINTS, (Part(MEAN, value(row), "=", expected),), remark=remark)


CLAIMS = (
    _reaches("ner-each-large", "XLM-R, one model a language, reaches this mean", "t2.xlm-r.each", 90.24),
    _reaches("ner-en-large", "XLM-R, fine-tuned on English alone, reaches this mean", "t2.xlm-r.en", 80.94),
    _reaches("ner-all-large", "XLM-R, fine-tuned on all four languages, reaches this mean", "t2.xlm-r.all", 89.43),
    _reaches(
        "ner-each-base",
        "XLM-R Base, one model a language, reaches this mean",
        "t2.xlm-r-base.each",
        88.81,
        "others got 88.69 with the first release (stefan-it)",
    ),
    _reaches("ner-en-base", "XLM-R Base, fine-tuned on English alone, reaches this mean", "t2.xlm-r-base.en", 79.11),
    _reaches(
        "ner-all-base", "XLM-R Base, fine-tuned on all four languages, reaches this mean", "t2.xlm-r-base.all", 87.66
    ),
    Claim(
        id="ner-transfer-vs-mbert",
        statement="XLM-R is above mBERT in transfer from English",
        where="Table 2",
        needs=BASELINES,
        parts=(Part(MEAN, minus("t2.xlm-r.en", "t2.mbert.en"), ">", 2.42),),
    ),
    Claim(
        id="ner-each-vs-mbert",
        statement="XLM-R is above mBERT, one model a language each",
        where="Table 2 and text",
        needs=BASELINES,
        parts=(Part(MEAN, minus("t2.xlm-r.each", "t2.mbert.each"), ">", 1.86),),
        flag="the text repeats a number of the first version",
    ),
    Claim(
        id="ner-dutch-vs-flair",
        statement="XLM-R without a CRF is above Akbik et al. (2018) in Dutch",
        where="Table 2",
        needs=BASELINES,
        parts=(Part("nl", minus("t2.xlm-r.each", "t2.akbik-et-al.each", ("nl",)), ">", 2.09),),
        remark="it is below them in English and German",
    ),
    Claim(
        id="ner-all-vs-en",
        statement="XLM-R fine-tuned on all four languages is above XLM-R fine-tuned on English alone",
        where="Table 2",
        needs=CHECKPOINTS,
        parts=(Part(MEAN, minus("t2.xlm-r.all", "t2.xlm-r.en"), ">", 8.49),),
    ),
    Claim(
        id="ner-all-vs-each",
        statement="One XLM-R for four languages is only a little below four of one language each",
        where="Table 2",
        needs=CHECKPOINTS,
        parts=(Part(MEAN, minus("t2.xlm-r.all", "t2.xlm-r.each"), "<", -0.81),),
        remark="`a little` is not tested, only the sign",
    ),
)
