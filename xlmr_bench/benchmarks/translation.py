"""How good machine-translated test data are, and whether they are English at all."""

from __future__ import annotations

from typing import Any

from ..errors import DataError
from ..examples import Split

# chrF against the English originals: translations score above 60, originals in the closest languages (fr, es)
# at most 25 on XNLI's test set.
ENGLISH_CHRF = 35.0


def translation_quality(translated: Split[Any], english: Split[Any]) -> dict[str, Any]:
    """BLEU and chrF (fractions) of a split translated into English against the English originals, with signatures.

    Examples go together by id. Scored are all their texts, in order; of pairs each distinct first text once, since
    XNLI's premises come three times. Raises DataError when the text is not English.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    originals = {e.id: e.texts() for e in english.examples}
    hypotheses, references, seen = [], [], set()
    for example in translated.examples:
        if example.id not in originals:
            raise DataError(
                f"{translated.files[0]}: {example.id} is not in {english.files[0]}. A translated file must have the "
                "examples of its original. Fetch or translate it again."
            )
        for place, (ours, original) in enumerate(zip(example.texts(), originals[example.id], strict=True)):
            if place == 0 and len(example.texts()) > 1:
                if original in seen:
                    continue
                seen.add(original)
            hypotheses.append(ours)
            references.append(original)
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
