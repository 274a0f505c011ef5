"""Encoding: pairs are cut like Hugging Face cuts them, cut pairs are counted, and the cache goes by content."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from samples import REPOSITORY

from xlmr_bench.encode import Encoded, cut_pair, encode_pairs, join
from xlmr_bench.errors import UsageError
from xlmr_bench.examples import PairExample, Split
from xlmr_bench.modeling.tokenizer import Pieces

LABELS = ("entailment", "neutral", "contradiction")


class Characters:
    """A tokenizer with one id a character, `[0] a [2, 2] b [2]` like XLM-R's; it counts the texts it is given."""

    vocab_size, pad_id, mask_id = 1000, 1, None
    prefix, middle, suffix = (0,), (2, 2), (2,)

    def __init__(self, digest: str = "characters") -> None:
        self.digest = digest
        self.seen: list[str] = []

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        self.seen += texts
        return [[ord(c) for c in text] for text in texts]

    def encode_with_offsets(self, text: str) -> Pieces:
        raise NotImplementedError

    def encode_words(self, words: Sequence[str]) -> tuple[list[int], list[int]]:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XLMR_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoded"


def split(*pairs: tuple[str, str, str], path: str = "dev.tsv") -> Split:
    examples = tuple(PairExample(str(i), p, h, label) for i, (p, h, label) in enumerate(pairs, 1))
    return Split("dev", "en", examples, (Path(path),))


def texts(encoded: Encoded) -> list[str]:
    """The inputs as text, special tokens as `<`, `|` and `>`."""
    marks = {0: "<", 2: "|"}
    rows = [encoded.tokens[a:b] for a, b in zip(encoded.offsets, encoded.offsets[1:], strict=False)]
    return ["".join(marks.get(int(t), chr(t)) for t in row) for row in rows]


def test_inputs_are_laid_out_one_after_the_other_with_special_tokens_and_label_indices() -> None:
    data = split(("abc", "de", "contradiction"), ("abc", "", "entailment"), ("f", "ghij", "neutral"))
    encoded = encode_pairs(data, LABELS, Characters(), 64)
    assert texts(encoded) == ["<abc||de|", "<abc|||", "<f||ghij|"]
    assert encoded.offsets.tolist() == [0, 9, 16, 25]
    assert encoded.lengths.tolist() == [9, 7, 9]
    assert encoded.labels.tolist() == [2, 0, 1]
    assert encoded.truncated == 0
    assert len(encoded) == 3


def test_labels_follow_the_tasks_order_not_the_cached_one() -> None:
    data = split(("a", "b", "contradiction"), ("a", "b", "entailment"))
    assert encode_pairs(data, LABELS, Characters(), 64).labels.tolist() == [2, 0]
    assert encode_pairs(data, LABELS[::-1], Characters(), 64).labels.tolist() == [0, 2]


def one_token_at_a_time(a: int, b: int, room: int) -> tuple[int, int]:
    """Hugging Face's `longest_first`, word for word: the second loses unless the first is longer."""
    while a + b > room:
        if a > b:
            a -= 1
        else:
            b -= 1
    return a, b


def test_pairs_are_cut_like_one_token_at_a_time() -> None:
    for room in range(2, 14):
        for a in range(20):
            for b in range(20):
                assert cut_pair(a, b, room) == one_token_at_a_time(a, b, room), (a, b, room)


def test_pairs_are_cut_like_transformers_cuts_them() -> None:
    """Compared at an even room, as in both presets: at odd ones its Rust and Python versions disagree on one token."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, **{f"a{i}": 4 + i for i in range(40)}}
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    backend.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>")
    for max_length in (12, 16, 20):
        for a in range(1, 20):
            for b in range(1, 20):
                first, second = (" ".join(f"a{i}" for i in range(s, s + n)) for s, n in ((0, a), (20, b)))
                ids = theirs(first, second, truncation="longest_first", max_length=max_length)["input_ids"]
                keep_a, keep_b = cut_pair(a, b, max_length - 4)
                assert ids == [0, *range(4, 4 + keep_a), 2, 2, *range(24, 24 + keep_b), 2], (a, b, max_length)


def test_cut_inputs_fill_the_maximum_length_and_are_counted() -> None:
    pairs = (("abcdefgh", "ijklmnop"), ("abcdefgh", "i"), ("ab", "cdefg"), ("ab", "cdef"))
    encoded = encode_pairs(split(*((*pair, "neutral") for pair in pairs)), LABELS, Characters(), 10)
    assert texts(encoded) == ["<abc||ijk|", "<abcde||i|", "<ab||cdef|", "<ab||cdef|"]
    assert encoded.truncated == 3


@pytest.mark.parametrize("max_length", [1, 4, 5])
def test_a_length_without_room_for_both_texts_is_refused(max_length: int) -> None:
    with pytest.raises(UsageError, match=f"max_length={max_length} leaves no room beside 4 special tokens"):
        encode_pairs(split(("a", "b", "neutral")), LABELS, Characters(), max_length)
    assert len(encode_pairs(split(("a", "b", "neutral")), LABELS, Characters(), 6)) == 1


def test_each_text_is_encoded_once_and_never_again(cache: Path) -> None:
    tokenizer = Characters()
    data = split(("abc", "de", "neutral"), ("abc", "fg", "neutral"), ("de", "abc", "neutral"))
    first = encode_pairs(data, LABELS, tokenizer, 64)
    assert tokenizer.seen == ["abc", "de", "fg"]
    again = encode_pairs(data, LABELS, tokenizer, 64)
    assert tokenizer.seen == ["abc", "de", "fg"]
    assert first.tokens.tolist() == again.tokens.tolist()
    assert len(list(cache.iterdir())) == 1


def test_the_tokens_are_mapped_from_disk_not_loaded() -> None:
    encoded = encode_pairs(split(("abc", "de", "neutral")), LABELS, Characters(), 64)
    assert isinstance(encoded.tokens, np.memmap)
    assert not encoded.tokens.flags.writeable
    assert encoded.tokens.dtype == np.int32


def test_the_same_path_with_other_content_is_not_confused(cache: Path) -> None:
    one = encode_pairs(split(("abc", "de", "neutral"), path="checkpoint-best/dev.tsv"), LABELS, Characters(), 64)
    other = encode_pairs(split(("xyz", "de", "neutral"), path="checkpoint-best/dev.tsv"), LABELS, Characters(), 64)
    assert (texts(one), texts(other)) == (["<abc||de|"], ["<xyz||de|"])
    assert len(list(cache.iterdir())) == 2


def test_the_same_content_elsewhere_is_found_again_and_anything_that_decides_the_ids_is_not(cache: Path) -> None:
    pair = ("abc", "de", "neutral")
    encode_pairs(split(pair, path="a/dev.tsv"), LABELS, Characters(), 64)
    encode_pairs(split(pair, path="b/other.tsv"), LABELS, Characters(), 64)
    assert len(list(cache.iterdir())) == 1
    encode_pairs(split(pair), LABELS, Characters("another model"), 64)
    encode_pairs(split(pair), LABELS, Characters(), 32)
    assert len(list(cache.iterdir())) == 3


def test_texts_that_differ_only_in_where_they_are_divided_are_different_data(cache: Path) -> None:
    for pair in (("ab", "c", "neutral"), ("a", "bc", "neutral"), ("a", "b", "neutral")):
        encode_pairs(split(pair), LABELS, Characters(), 64)
    assert len(list(cache.iterdir())) == 3


ENCODE = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from test_encode import LABELS, Characters, split
from xlmr_bench.encode import encode_pairs
data = split(*((f"premise {i}", f"hypothesis {i}", "neutral") for i in range(4000)))
print("ready", flush=True)
sys.stdin.readline()
encoded = encode_pairs(data, LABELS, Characters(), 64)
print(int(encoded.tokens.sum()), len(encoded))
"""


def test_two_processes_may_encode_the_same_split_at_once(cache: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", ENCODE], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0] for process in started]
    assert [p.returncode for p in started] == [0, 0]
    assert answers[0] == answers[1]
    assert answers[0].endswith(" 4000\n")
    assert [p.name for p in cache.iterdir() if p.name.startswith(".")] == []


def test_joined_splits_keep_every_input_in_order() -> None:
    parts = [
        encode_pairs(split(("abc", "de", "neutral"), ("f", "g", "entailment")), LABELS, Characters(), 64),
        encode_pairs(split(("hijklmnop", "qr", "contradiction")), LABELS, Characters(), 10),
        encode_pairs(split(("s", "t", "entailment")), LABELS, Characters(), 64),
    ]
    joined = join(parts)
    assert texts(joined) == [text for part in parts for text in texts(part)]
    assert joined.labels.tolist() == [1, 0, 2, 0]
    assert joined.truncated == 1
    assert joined.offsets.dtype == np.int64
    assert joined.offsets[-1] == len(joined.tokens)
    assert join(parts[:1]) is parts[0]
