"""Claims about Table 5 and section 5.4: models of one language against one of seven, Wikipedia against CommonCrawl."""

from __future__ import annotations

from .claim import PRETRAINING, Claim, Ordering, Part, minus

BERT_WIKI, BERT_CC = "t5.bert.wiki.monolingual", "t5.bert.cc.monolingual"
XLM_WIKI, XLM_CC = "t5.xlm-7.wiki.transfer", "t5.xlm-7.cc.transfer"
TTA_WIKI, TTA_CC = "t5.xlm-7.wiki.translate-train-all", "t5.xlm-7.cc.translate-train-all"
RANDOM = "text.random"
MEAN = "mean of 7 languages"
LANGUAGES = ("en", "fr", "de", "ru", "zh", "sw", "ur")

CLAIMS = (
    Claim(
        id="mono-beats-xlm7-wiki",
        statement="Models of one language are above XLM-7 fine-tuned on English alone, all of Wikipedia",
        where="Table 5",
        needs=PRETRAINING,
        parts=(Part(MEAN, minus(BERT_WIKI, XLM_WIKI), ">", 1.6),),
    ),
    Claim(
        id="mono-beats-xlm7-cc",
        statement="Models of one language are above XLM-7 fine-tuned on English alone, all of CommonCrawl",
        where="Table 5",
        needs=PRETRAINING,
        parts=(Part(MEAN, minus(BERT_CC, XLM_CC), ">", 1.3),),
    ),
    Claim(
        id="xlm7-tta-beats-mono-cc",
        statement="XLM-7 fine-tuned on all training sets is above models of one language, all of CommonCrawl",
        where="Table 5",
        needs=PRETRAINING,
        parts=(Part(MEAN, minus(TTA_CC, BERT_CC), ">", 2.5),),
    ),
    Claim(
        id="xlm7-tta-beats-mono-wiki",
        statement="XLM-7 fine-tuned on all training sets is above models of one language, all of Wikipedia",
        where="Table 5",
        needs=PRETRAINING,
        parts=(Part(MEAN, minus(TTA_WIKI, BERT_WIKI), ">", 2.9),),
        remark="the text says it of CommonCrawl alone",
    ),
    Claim(
        id="cc-helps-low-resource-mono",
        statement="CommonCrawl lifts models of Swahili and of Urdu by up to about ten points over Wikipedia",
        where="Table 5",
        needs=PRETRAINING,
        parts=(
            Part("sw", minus(BERT_CC, BERT_WIKI, ("sw",)), ">", 10.7),
            Part("ur", minus(BERT_CC, BERT_WIKI, ("ur",)), ">", 7.8),
        ),
    ),
    Claim(
        id="cc-helps-tta-sw-ur",
        statement="XLM-7 fine-tuned on all training sets gains most from CommonCrawl in Swahili and Urdu",
        where="Table 5",
        needs=PRETRAINING,
        parts=(
            Part("sw", minus(TTA_CC, TTA_WIKI, ("sw",)), ">", 7.0),
            Part("ur", minus(TTA_CC, TTA_WIKI, ("ur",)), ">", 4.8),
            Ordering(
                "sw and ur gain most of 7 languages",
                {code: minus(TTA_CC, TTA_WIKI, (code,)) for code in LANGUAGES},
                "largest",
                ("sw", "ur"),
            ),
        ),
    ),
    Claim(
        id="wiki-sw-ur-like-random",
        statement="Models of Swahili and Urdu pretrained on Wikipedia are no better than untrained ones",
        where="section 5.4",
        needs=PRETRAINING,
        parts=(
            Part("sw", minus(BERT_WIKI, RANDOM, ("sw",)), "~", bound=2.0),
            Part("ur", minus(BERT_WIKI, RANDOM, ("ur",)), "~", bound=2.0),
        ),
        remark="the paper prints no numbers of untrained models; no better: within two points",
    ),
    Claim(
        id="min-data",
        statement="A few hundred MiB of text are about the least that a BERT can be trained on",
        where="section 3",
        needs=PRETRAINING,
        parts=(),
        remark="the paper gives no numbers",
    ),
)
