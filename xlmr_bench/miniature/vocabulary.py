"""The miniature's SentencePiece model: a small unigram vocabulary shared by all sixteen languages."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from functools import lru_cache

from .grammar import join, pieces
from .lexicon import lexicon
from .meaning import Meaning
from .rules import RULES

MAX_PIECES = 2_400
# The unigram trainer takes its first candidates from strings that are followed by different characters. In template
# text most words are always followed by a space and would be spelled out in letters: each also gets lines of its own.
LINES_A_WORD = 20
# Chinese and Thai have no spaces; without this mark between words whole phrases would become pieces.
_WORD_BOUNDARY = "\u241f"


def train_vocabulary(text: Mapping[str, list[list[Meaning]]]) -> tuple[bytes, int]:
    """A SentencePiece model's bytes and its number of pieces, the same for the same text (one thread, no sampling)."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_training_lines(text),
        model_writer=model,
        model_type="unigram",
        vocab_size=MAX_PIECES,
        character_coverage=1.0,
        normalization_rule_name="nmt_nfkc",
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        num_threads=1,
        pretokenization_delimiter=_WORD_BOUNDARY,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    content = model.getvalue()
    return content, sentencepiece.SentencePieceProcessor(model_proto=content).get_piece_size()


def _training_lines(text: Mapping[str, list[list[Meaning]]]) -> Iterator[str]:
    words: dict[str, None] = {}  # a set that keeps its order
    for language, documents in text.items():
        for meaning in (meaning for document in documents for meaning in document):
            parts = pieces(meaning, language)
            if RULES[language].separator:
                yield join(parts, language).text
            else:
                yield _WORD_BOUNDARY.join([*(_segmented(part.text, language) for part in parts), RULES[language].stop])
            words.update(dict.fromkeys(word for part in parts for word in part.text.split()))
    for word in words:
        for _ in range(LINES_A_WORD):
            yield word


def _segmented(phrase: str, language: str) -> str:
    """A phrase of the lexicon with the boundary around its content word: "at the market" is two words everywhere."""
    return _cores(language).get(phrase, phrase)


@lru_cache
def _cores(language: str) -> dict[str, str]:
    """Each form that has more to it than its content word, segmented."""
    words = lexicon().words[language].values()
    pairs = [pair for word in words for pair in zip(word.forms, word.cores, strict=True)]
    return {form: _WORD_BOUNDARY.join(filter(None, form.partition(core))) for form, core in pairs}
