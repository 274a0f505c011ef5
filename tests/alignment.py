"""Word alignment by embeddings, as in SimAlign (Jalili Sabet et al., 2020): does a model pair words of translations?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from xlmr_bench.miniature.grammar import render
from xlmr_bench.miniature.meaning import Meaning
from xlmr_bench.miniature.text import documents
from xlmr_bench.modeling.checkpoint import load_state, open_checkpoint
from xlmr_bench.modeling.encoder import Encoder
from xlmr_bench.modeling.tokenizer import SentencePieceTokenizer, load_sentencepiece

# Names are spelled alike in all languages, and negation is no word of its own in some.
ROLES = ("action", "object", "colour", "place", "time")


def word_alignment(folder: Path, languages: Sequence[str], sentences: int = 200) -> dict[str, float]:
    """Share of English phrases whose nearest neighbour (cosine) in the translated sentence is their translation.

    Sentences are of the miniature, and not in its pretraining text. A phrase's vector is the mean over its pieces in
    the middle layer. Chance is about one in four, the number of phrases of a sentence.
    """
    opened = open_checkpoint(folder)
    encoder = Encoder(opened.config)
    state = load_state(opened, head=None)
    encoder.load_state_dict({k.removeprefix("encoder."): v for k, v in state.items() if k.startswith("encoder.")})
    tokenizer = load_sentencepiece(opened.tokenizer_file)
    told = [m for document in documents("alignment", "en") for m in document if len(m.stated) >= 2][:sentences]
    english = [_phrases(encoder, tokenizer, m, "en") for m in told]
    shares = {}
    for code in languages:
        right = total = 0
        for meaning, (roles, own) in zip(told, english, strict=True):
            other_roles, other = _phrases(encoder, tokenizer, meaning, code)
            nearest = (own @ other.t()).argmax(1)
            right += sum(other_roles[int(j)] == role for role, j in zip(roles, nearest, strict=True))
            total += len(roles)
        shares[code] = right / total
    return shares


@torch.inference_mode()
def _phrases(
    encoder: Encoder, tokenizer: SentencePieceTokenizer, meaning: Meaning, language: str
) -> tuple[list[str], Tensor]:
    """The roles of a sentence and their unit vectors, (roles, H)."""
    sentence = render(meaning, language)
    pieces = tokenizer.encode_with_offsets(sentence.text)
    caught: list[Tensor] = []
    middle = encoder.layers[(len(encoder.layers) - 1) // 2]
    hook = middle.register_forward_hook(lambda _module, _inputs, out: caught.append(out[0]))
    encoder(torch.tensor([[*tokenizer.prefix, *pieces.ids, *tokenizer.suffix]]), None)
    hook.remove()
    roles = [role for role in ROLES if role in sentence.spans]
    vectors = []
    for role in roles:
        first, stop = sentence.spans[role]
        inside = [
            i + 1 for i, (a, b) in enumerate(zip(pieces.starts, pieces.ends, strict=True)) if a < stop and b > first
        ]
        vectors.append(caught[0][inside].mean(0))
    return roles, torch.nn.functional.normalize(torch.stack(vectors), dim=1)
