"""Claims about Figures 1 to 7 and section 5.1: what pretraining data, capacity, sampling and vocabulary do."""

from __future__ import annotations

from .claim import HIGH, LOW, PRETRAINING, STATISTICS, Claim, Ordering, Part, SizeRatio, minus, value
from .table5 import XLM_CC, XLM_WIKI

WIKI_LANGUAGES = (7, 15, 30, 60, 100)
ALPHAS = ("0.01", "0.3", "0.7", "1.0")
ALL = "mean of all languages"
LOW_MEAN, HIGH_MEAN = "mean of sw, ur", "mean of en, fr"
BATCHES = ("2048", "4096", "8192")

CLAIMS = (
    Claim(
        id="curse-overall",
        statement="At fixed capacity, accuracy falls from 7 to 100 pretraining languages (Wikipedia)",
        where="Figure 2 and text",
        needs=PRETRAINING,
        parts=(Part(ALL, minus("text.curse.100", XLM_WIKI), "<", -4.1, again=minus("f2.100", "f2.7")),),
        flag="XLM-7 stands higher in the bars of Figure 2 than in Table 5 and the text, which are used",
    ),
    Claim(
        id="curse-low-res-rise",
        statement="Accuracy in low-resource languages rises from 7 to 15 pretraining languages",
        where="Figure 2",
        needs=PRETRAINING,
        parts=(Part(LOW_MEAN, minus("f2.15", "f2.7", LOW), ">", 2.7),),
    ),
    Claim(
        id="curse-low-res-fall",
        statement="Accuracy in low-resource languages then falls from 15 to 100 pretraining languages",
        where="Figure 2",
        needs=PRETRAINING,
        parts=(Part(LOW_MEAN, minus("f2.100", "f2.15", LOW), "<", -7.8),),
    ),
    Claim(
        id="curse-high-res-fall",
        statement="Accuracy in high-resource languages falls with every step from 7 to 100 pretraining languages",
        where="Figure 2",
        needs=PRETRAINING,
        parts=(
            Part(HIGH_MEAN, minus("f2.100", "f2.7", HIGH), "<", -5.0),
            Ordering("every step", {f"XLM-{n}": value(f"f2.{n}", HIGH) for n in WIKI_LANGUAGES}, "falling"),
        ),
    ),
    Claim(
        id="curse-cc",
        statement="Accuracy falls from 7 to 100 pretraining languages on CommonCrawl too",
        where="section 5.1",
        needs=PRETRAINING,
        parts=(Part(ALL, minus("text.curse.100.cc", XLM_CC), "<"),),
        remark="the paper prints no number",
    ),
    Claim(
        id="capacity-30",
        statement="Widened from 768 to 960 units, a model of 30 languages is level with one of 7",
        where="Figure 4",
        needs=PRETRAINING,
        parts=(
            Part("wide XLM-30 - XLM-7", minus("f4.wide.30", "f4.fixed.7"), "~", -0.3, bound=0.5),
            Part("wide XLM-30 - XLM-30", minus("f4.wide.30", "f4.fixed.30"), ">"),
        ),
        remark="level: within half a point",
    ),
    Claim(
        id="capacity-100",
        statement="Widened from 768 to 1152 units, a model of 100 languages gains but stays below one of 7",
        where="Figure 4",
        needs=PRETRAINING,
        parts=(
            Part("wide XLM-100 - XLM-100", minus("f4.wide.100", "f4.fixed.100"), ">", 2.2),
            Part("wide XLM-100 - XLM-7", minus("f4.wide.100", "f4.fixed.7"), "<", -3.0),
        ),
    ),
    Claim(
        id="wiki-vs-cc",
        statement="XLM-7 of CommonCrawl is above XLM-7 of Wikipedia, most in low-resource languages",
        where="Figure 3 and Table 5",
        needs=PRETRAINING,
        parts=(
            Part(LOW_MEAN, minus(XLM_CC, XLM_WIKI, LOW), ">", 7.5, again=minus("f3.cc", "f3.wiki", LOW)),
            Part(HIGH_MEAN, minus(XLM_CC, XLM_WIKI, HIGH), ">", 2.6, again=minus("f3.cc", "f3.wiki", HIGH)),
            Part(ALL, minus(XLM_CC, XLM_WIKI), ">", 4.4, again=minus("f3.cc", "f3.wiki")),
            Ordering(
                "low-resource languages gain most",
                {
                    "low": minus(XLM_CC, XLM_WIKI, LOW),
                    "high": minus(XLM_CC, XLM_WIKI, HIGH),
                    "all": minus(XLM_CC, XLM_WIKI),
                },
                "largest",
                ("low",),
            ),
        ),
        flag="XLM-7 of Wikipedia stands higher in the bars of Figure 3 than in Table 5, which is used",
    ),
    Claim(
        id="alpha-high",
        statement="A larger sampling exponent is better for high-resource languages",
        where="Figure 5",
        needs=PRETRAINING,
        parts=(Part(HIGH_MEAN, minus("f5.1.0", "f5.0.01", HIGH), ">", 2.7),),
    ),
    Claim(
        id="alpha-low",
        statement="A larger sampling exponent is worse for low-resource languages",
        where="Figure 5",
        needs=PRETRAINING,
        parts=(Part(LOW_MEAN, minus("f5.1.0", "f5.0.01", LOW), "<", -9.2),),
    ),
    Claim(
        id="alpha-best",
        statement="A sampling exponent of 0.3 is best over all languages",
        where="Figure 5",
        needs=PRETRAINING,
        parts=(Ordering("best exponent", {a: value(f"f5.{a}") for a in ALPHAS}, "argmax", ("0.3",)),),
    ),
    Claim(
        id="vocab-fixed",
        statement="At a fixed number of parameters, 256k pieces are better than 32k",
        where="Figure 6",
        needs=PRETRAINING,
        parts=(Part(ALL, minus("f6.fixed.256k", "f6.fixed.32k"), ">", 2.8),),
        remark="512k pieces fall back below 256k",
    ),
    Claim(
        id="vocab-grow",
        statement="With a fixed body, 512k pieces are more than three points better than 128k",
        where="Figure 6",
        needs=PRETRAINING,
        parts=(Part(ALL, minus("f6.body.512k", "f6.body.128k"), ">", 3.0, bound=3.0),),
        remark="three points are the bound that the text names, not the size",
    ),
    Claim(
        id="batch-size",
        statement="Larger batches in pretraining are better, from 2048 to 8192 with every step",
        where="Figure 7",
        needs=PRETRAINING,
        parts=(
            Part(ALL, minus("f7.batch.8192", "f7.batch.2048"), ">", 2.2),
            Ordering("every step", {n: value(f"f7.batch.{n}") for n in BATCHES}, "rising"),
        ),
    ),
    Claim(
        id="spm-no-loss",
        statement="SentencePiece on raw text loses nothing against BPE on tokenised text",
        where="Figure 7",
        needs=PRETRAINING,
        parts=(Part("SentencePiece - BPE", minus("f7.spm", "f7.bpe"), "~", -0.2, bound=0.5),),
        remark="level: within half a point",
    ),
    Claim(
        id="longer-training",
        statement="Accuracy still rises when pretraining goes on after perplexity is flat",
        where="section 5.1",
        needs=PRETRAINING,
        parts=(Part(ALL, minus("text.mlm.longer", "text.mlm.flat"), ">", 3.7),),
        remark="the text says `over 75`, so 3.7 is a lower bound; no curve is printed",
    ),
    Claim(
        id="cc100-size",
        statement="CC-100 has about a hundred times the text of Wikipedia in low-resource languages",
        where="Figure 1 and Table 6",
        needs=STATISTICS,
        parts=(SizeRatio("mean ratio where Wikipedia has 0.1 to 0.5 GiB", wiki_gib=0.5, about=100.0),),
        flag="it is less on the average of the languages whose Wikipedia has a bar",
    ),
)
