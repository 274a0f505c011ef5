"""Tokenizers of `hf:` models: framed pairs, places in the text, and those that do not fit are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers_models import KINDS, WORDPIECES, python, transformers

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.modeling.transformers_backbone import load_transformers


def test_special_tokens_frame_a_pair_as_each_model_expects(hf_folders: dict[str, Path]) -> None:
    frames = {kind: load_transformers(str(hf_folders[kind]))[1] for kind in KINDS}
    assert {k: (t.prefix, t.middle, t.suffix) for k, t in frames.items()} == {
        "bert": ((2,), (3,), (3,)),
        "electra": ((2,), (3,), (3,)),
        "distilbert": ((2,), (3,), (3,)),
        "roberta": ((0,), (2, 2), (2,)),
        "xlm": ((0,), (1,), (1,)),
    }
    assert [(t.pad_id, t.mask_id) for t in frames.values()] == [(0, 4)] * 3 + [(1, 262), (2, 5)]


def test_written_special_tokens_are_text(hf_folders: dict[str, Path]) -> None:
    for kind, text in (("bert", "a[SEP] b [MASK]"), ("roberta", "<s>a</s>"), ("xlm", "<s> a </s>")):
        tokenizer = load_transformers(str(hf_folders[kind]))[1]
        assert not {*tokenizer.prefix, *tokenizer.middle, tokenizer.mask_id} & set(tokenizer.encode_batch([text])[0])
        assert tokenizer.encode_with_offsets(text).ids == tokenizer.encode_batch([text])[0]


def test_offsets_give_the_original_characters(hf_folders: dict[str, Path]) -> None:
    expected = {
        "bert": ["ba", "do", "é", "中", "cafe\u0301"],
        # A byte-level vocabulary cuts characters into bytes: each piece has the whole character.
        "roberta": ["ba", "d", "o", "é", "é", "", "中", "中", "中", "c", "a", "f", "e", "\u0301", "\u0301"],
        "xlm": ["bado", "é中", "cafe\u0301"],
    }
    for kind, sources in expected.items():
        text = "  bado é中 cafe\u0301" if kind == "xlm" else "  bado é 中 cafe\u0301"
        pieces = load_transformers(str(hf_folders[kind]))[1].encode_with_offsets(text)
        found = [text[s:e] for s, e in zip(pieces.starts, pieces.ends, strict=True)]
        assert [f for f in found if f] == [s for s in sources if s], kind
        assert (pieces.starts, pieces.ends) == (sorted(pieces.starts), sorted(pieces.ends))
        assert load_transformers(str(hf_folders[kind]))[1].encode_with_offsets(" ").ends in ([], [1])


def test_words_are_encoded_as_inside_a_text_and_never_lost(hf_folders: dict[str, Path]) -> None:
    roberta = load_transformers(str(hf_folders["roberta"]))[1]
    (inside,) = roberta.encode_batch([" ba ba"])
    assert roberta.encode_words(["ba", "ba"]) == (inside, [0, 1])
    bert = load_transformers(str(hf_folders["bert"]))[1]
    assert bert.encode_words(["bado", "\u200b", "c"]) == ([15, 16, 1, 7], [0, 0, 1, 2])


def test_lone_surrogates_do_not_stop_a_batch(hf_folders: dict[str, Path]) -> None:
    tokenizer = load_transformers(str(hf_folders["bert"]))[1]
    assert tokenizer.encode_batch(["a\ud83d b"]) == tokenizer.encode_batch(["a b"])
    assert tokenizer.encode_with_offsets("a\ud83d b").starts == [0, 3]


def test_saved_truncation_and_padding_change_neither_output_nor_digest(bert: Path) -> None:
    plain = load_transformers(str(bert))[1]
    saved = transformers.AutoTokenizer.from_pretrained(bert)
    saved.backend_tokenizer.enable_truncation(3)
    saved.backend_tokenizer.enable_padding(length=9)
    saved.save_pretrained(bert)
    again = load_transformers(str(bert))[1]
    assert again.encode_batch(["a b c a b c", "a"]) == plain.encode_batch(["a b c a b c", "a"])
    assert again.digest == plain.digest
    (bert / "tokenizer.json").unlink()
    (bert / "vocab.txt").write_text("\n".join([*WORDPIECES[:-1], "}"]) + "\n", encoding="utf-8")
    assert load_transformers(str(bert))[1].digest != plain.digest


def test_xlms_own_tokenizer_encodes_but_knows_no_offsets(hf_folders: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("sacremoses", reason="XLM's tokenizer needs the package sacremoses")
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((hf_folders["xlm"] / name).read_bytes())
    pieces = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{i}>" for i in range(10)), "a</w>", "b</w>", "ab</w>"]
    (tmp_path / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    (tmp_path / "merges.txt").write_text("a b</w> 5\n")
    tokenizer = load_transformers(str(tmp_path))[1]
    assert (tokenizer.prefix, tokenizer.middle, tokenizer.suffix) == ((0,), (1,), (1,))
    assert tokenizer.encode_batch(["a ab", ""]) == [[14, 16], []]
    assert not {0, 1} & set(tokenizer.encode_batch(["<s> a </s>"])[0])
    assert tokenizer.encode_words(["ab", "", "b"]) == ([16, 3, 15], [0, 1, 2])
    assert tokenizer.digest == load_transformers(str(tmp_path))[1].digest
    with pytest.raises(UsageError, match="XLMTokenizer does not say which characters"):
        tokenizer.encode_with_offsets("a")


def test_a_tokenizer_that_needs_another_package_says_so(hf_folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((hf_folders["xlm"] / name).read_bytes())
    (tmp_path / "vocab.json").write_text("{}")
    (tmp_path / "merges.txt").write_text("")
    error = python(
        "import sys; sys.modules['sacremoses'] = None\n"
        "from xlmr_bench.modeling.transformers_backbone import load_transformers\n"
        "load_transformers(sys.argv[1])",
        str(tmp_path),
    ).stderr
    assert all(word in error for word in ("UsageError", "sacremoses", "xlmr_bench[transformers]"))


def test_a_folder_without_tokenizer_is_refused(bert: Path) -> None:
    for name in ("vocab.txt", "tokenizer_config.json"):
        (bert / name).unlink()
    with pytest.raises(DataError, match="no tokenizer there"):
        load_transformers(str(bert))


def test_a_tokenizer_without_special_tokens_around_texts_is_refused(
    hf_folders: dict[str, Path], tmp_path: Path
) -> None:
    for file in hf_folders["xlm"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps({**content, "post_processor": None}))
    with pytest.raises(DataError, match="does not write special tokens before, between and after"):
        load_transformers(str(tmp_path))
