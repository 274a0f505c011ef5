"""Tags: each word is read at its first piece, long sentences are split between words, and no word is ever lost."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from xlmr_bench.encode import Encoded, join
from xlmr_bench.errors import UsageError
from xlmr_bench.examples import Split, TaggedSentence
from xlmr_bench.modeling.tokenizer import SentencePieceTokenizer
from xlmr_bench.settings import Settings
from xlmr_bench.tasks import Tagging
from xlmr_bench.tasks.coders import coder_of

TASK = Tagging(("O", "B-PER", "I-PER", "B-LOC", "I-LOC"))
SETTINGS = Settings(1e-3, 8, 12, epochs=1, head="linear")
CODER = coder_of(TASK)


def split(*sentences: str, role: str = "dev") -> Split[TaggedSentence]:
    """Sentences of `word/tag`, without a tag `O`."""
    made = []
    for i, sentence in enumerate(sentences, 1):
        pairs = [(word.split("/")[0], word.partition("/")[2] or "O") for word in sentence.split(" ")]
        made.append(TaggedSentence(str(i), tuple(w for w, _ in pairs), tuple(t for _, t in pairs)))
    return Split(role, "en", tuple(made), (Path("eng.testa"),))


def encode(data: Split[TaggedSentence], tokenizer: SentencePieceTokenizer, settings: Settings = SETTINGS) -> Encoded:
    return CODER.encode(TASK, data, tokenizer, settings)


def inputs(encoded: Encoded) -> list[list[int]]:
    return [encoded.tokens[a:b].tolist() for a, b in pairwise(encoded.offsets)]


def reads(encoded: Encoded) -> list[list[int]]:
    assert encoded.reads is not None
    return [encoded.reads[a:b].tolist() for a, b in pairwise(encoded.output_offsets)]


def ids(tokenizer: SentencePieceTokenizer, *words: str) -> list[list[int]]:
    return tokenizer.encode_batch(words)


def oracle(encoded: Encoded) -> np.ndarray:
    """Outputs of a model that is always right."""
    return np.eye(len(TASK.labels), dtype=np.float32)[encoded.targets]


def test_a_word_is_read_at_its_first_piece(tokenizer: SentencePieceTokenizer) -> None:
    data = split("Mary/B-PER in Paris/B-LOC")
    encoded = encode(data, tokenizer, replace(SETTINGS, max_length=64))
    mary, inside, paris = ids(tokenizer, "Mary", "in", "Paris")
    assert len(mary) > 1 and len(inside) == 1
    assert inputs(encoded) == [[0, *mary, *inside, *paris, 2]]
    assert reads(encoded) == [[1, 1 + len(mary), 2 + len(mary)]]
    assert encoded.targets.tolist() == [1, 0, 3]
    assert (encoded.truncated, len(encoded)) == (0, 1)


LONG = "the teacher walked in the city and Mary/B-PER Paris/I-PER in Mary/B-LOC walked . the end ."


def test_a_long_sentence_is_split_between_words_and_put_together_again(tokenizer: SentencePieceTokenizer) -> None:
    data = split(LONG, "in Paris/B-LOC", LONG)
    encoded = encode(data, tokenizer)
    assert len(encoded) == sum(encoded.extra["parts"]) > 7
    assert encoded.extra["parts"].tolist()[1] == 1
    assert encoded.lengths.max() <= 12
    assert encoded.truncated == 0
    # Every piece of every word is there, in order, and each word begins where it is read.
    words = [w for e in data.examples for w in e.words]
    assert [i for row in inputs(encoded) for i in row[1:-1]] == [i for w in ids(tokenizer, *words) for i in w]
    first = [row[at] for row, places in zip(inputs(encoded), reads(encoded), strict=True) for at in places]
    assert first == [w[0] for w in ids(tokenizer, *words)]
    assert len(encoded.targets) == encoded.output_offsets[-1] == len(words)
    predicted, columns = CODER.decode(TASK, data, encoded, oracle(encoded), SETTINGS)
    assert predicted == [" ".join(e.tags) for e in data.examples]
    assert columns == {}


def test_every_output_goes_to_its_own_word(tokenizer: SentencePieceTokenizer) -> None:
    data = split(LONG, "in Paris in Paris", LONG)
    encoded = encode(data, tokenizer)
    drawn = np.random.default_rng(1).integers(0, len(TASK.labels), len(encoded.targets))
    outputs = np.eye(len(TASK.labels), dtype=np.float32)[drawn]
    predicted, _ = CODER.decode(TASK, data, encoded, outputs, SETTINGS)
    assert [len(tags.split(" ")) for tags in predicted] == [len(e.words) for e in data.examples]
    assert [TASK.labels.index(tag) for tags in predicted for tag in tags.split(" ")] == drawn.tolist()


def test_a_word_longer_than_an_input_keeps_its_tag_and_is_counted(tokenizer: SentencePieceTokenizer) -> None:
    giant = "supercalifragilisticexpialidocious"
    (pieces,) = ids(tokenizer, giant)
    assert len(pieces) > 10
    data = split(f"in {giant}/B-PER in Paris/B-LOC", "in Paris", f"{giant} {giant}")
    encoded = encode(data, tokenizer)
    assert encoded.truncated == 2, "sentences, not words"
    assert encoded.lengths.max() == 12
    assert [0, *pieces[:10], 2] in inputs(encoded)
    predicted, _ = CODER.decode(TASK, data, encoded, oracle(encoded), SETTINGS)
    assert predicted[0] == "O B-PER O B-LOC"


def test_a_word_that_leaves_no_piece_is_still_read(tokenizer: SentencePieceTokenizer) -> None:
    assert ids(tokenizer, "\u200b") == [[]]
    data = split("in \u200b/B-PER \u200b/I-PER Paris", "\u200b")
    encoded = encode(data, tokenizer)
    assert inputs(encoded)[0][:4] == [0, *ids(tokenizer, "in")[0], 3, 3], "the unknown piece stands for it"
    assert inputs(encoded)[1] == [0, 3, 2]
    predicted, _ = CODER.decode(TASK, data, encoded, oracle(encoded), SETTINGS)
    assert predicted == ["O B-PER I-PER O", "O"]


def test_tags_of_joined_training_sets_stay_with_their_words(tokenizer: SentencePieceTokenizer) -> None:
    english, dutch = split(LONG, "Paris/B-LOC", role="train"), split("in Mary/B-PER", LONG, role="train")
    joined = join([encode(english, tokenizer), encode(dutch, tokenizer)])
    expected = [TASK.labels.index(t) for part in (english, dutch) for e in part.examples for t in e.tags]
    assert joined.targets.tolist() == expected
    first = [row[at] for row, places in zip(inputs(joined), reads(joined), strict=True) for at in places]
    words = [w for part in (english, dutch) for e in part.examples for w in e.words]
    assert first == [w[0] for w in ids(tokenizer, *words)]
    everything = np.arange(len(joined))
    assert joined.targets_of(everything) == len(words)


def test_an_input_of_special_tokens_alone_is_refused(tokenizer: SentencePieceTokenizer) -> None:
    class Short(Settings):
        def _limits(self) -> list[tuple[str, bool, str]]:
            return []

    with pytest.raises(UsageError, match="max_length=2 leaves no room beside the special tokens"):
        encode(split("in"), tokenizer, Short(1e-3, 8, 2))
    (piece,) = ids(tokenizer, "in")[0]
    assert inputs(encode(split("in in"), tokenizer, Short(1e-3, 8, 3))) == [[0, piece, 2], [0, piece, 2]]


def test_the_arrays_of_one_length_do_not_serve_another(tokenizer: SentencePieceTokenizer, cache: Path) -> None:
    data = split(LONG)
    assert len(encode(data, tokenizer)) > len(encode(data, tokenizer, replace(SETTINGS, max_length=20)))
    again = encode(data, tokenizer)
    assert len(list(cache.iterdir())) == 2
    other_tags = CODER.encode(Tagging(TASK.labels[::-1]), data, tokenizer, SETTINGS)
    assert (len(TASK.labels) - 1 - other_tags.targets).tolist() == again.targets.tolist()
    assert len(list(cache.iterdir())) == 2


def test_no_entity_or_no_right_one_is_a_collapse() -> None:
    data = split("Mary/B-PER in Paris/B-LOC", "in the city")
    assert CODER.collapsed(TASK, data, ["O O O", "O O O"]) == "no entity is predicted on dev"
    wrong = ["B-LOC B-PER I-PER", "B-PER O O"]
    assert CODER.collapsed(TASK, data, wrong) == "none of the 3 entities predicted on dev is right"
    assert CODER.collapsed(TASK, data, ["O O B-LOC", "B-PER O O"]) is None
