"""BLEU and chrF of translations against references."""

from __future__ import annotations

from typing import Any

from ..benchmarks.translation import ENGLISH_CHRF


def quality(pairs: tuple[tuple[str, str], ...]) -> dict[str, Any] | None:
    """Corpus BLEU and chrF (fractions) of (translation, English reference) pairs with sacrebleu's signatures."""
    if not pairs:
        return None
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    hypotheses, references = map(list, zip(*pairs, strict=True))
    bleu, chrf = BLEU(), CHRF()
    return {
        "bleu": bleu.corpus_score(hypotheses, [references]).score / 100,
        "bleu_signature": str(bleu.get_signature()),
        "chrf": chrf.corpus_score(hypotheses, [references]).score / 100,
        "chrf_signature": str(chrf.get_signature()),
        "sentences": len(pairs),
    }


def doubt(scores: dict[str, Any] | None) -> str | None:
    """A warning where a translation is hardly English."""
    if scores is None or scores["chrf"] * 100 >= ENGLISH_CHRF:
        return None
    return (
        f"chrF {100 * scores['chrf']:.1f} against the English originals, where translations score above 60: "
        "is this a model for that direction? Readers refuse text that is not English."
    )
