"""How good machine-translated test data are, and whether they are English at all."""

from __future__ import annotations

from typing import Any

from ..errors import DataError
from ..examples import PairExample, Split

# chrF against the English originals: translations score above 60, originals in the closest languages (fr, es)
# at most 25 on XNLI's test set.
ENGLISH_CHRF = 35.0


def translation_quality(translated: Split[PairExample], english: Split[PairExample]) -> dict[str, Any]:
    """BLEU and chrF (fractions) of a split translated into English against the English originals, with signatures.

    Scored over the distinct premises and all hypotheses, in order. Raises DataError when the text is not English.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    hypotheses, references, seen = [], [], set()
    for ours, original in zip(translated.examples, english.examples, strict=True):
        if original.premise not in seen:
            seen.add(original.premise)
            hypotheses.append(ours.premise)
            references.append(original.premise)
        hypotheses.append(ours.hypothesis)
        references.append(original.hypothesis)
    bleu, chrf = BLEU(), CHRF()
    chrf_score = chrf.corpus_score(hypotheses, [references]).score
    if chrf_score < ENGLISH_CHRF:
        raise DataError(
            f"{translated.files[0]} is not English: chrF {chrf_score:.1f} against the English originals, where "
            f"translations score above 60. translate-test needs {translated.language!r} translated into English."
        )
    bleu_score = bleu.corpus_score(hypotheses, [references]).score
    return {
        "language": translated.language,
        "split": translated.role,
        "bleu": bleu_score / 100,
        "bleu_signature": str(bleu.get_signature()),
        "chrf": chrf_score / 100,
        "chrf_signature": str(chrf.get_signature()),
        "sentences": len(hypotheses),
    }
