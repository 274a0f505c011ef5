"""The tokenizer files for Hugging Face give SentencePiece's ids, whichever way the vocabulary was trained."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from samples import REPOSITORY

from xlmr_bench.miniature import miniature_folder
from xlmr_bench.modeling.hf_tokenizer import write_hf_tokenizer
from xlmr_bench.modeling.tokenizer import load_sentencepiece

ODD = ["", "  two  spaces ", "ﬁligree ㎏ café", "漢字かな 😀", "a_b▁c", "x" * 300]


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_hugging_faces_tokenizer_gives_sentencepieces_ids(kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    world, model, folder = miniature_folder(), tmp_path / "own.model", tmp_path / "model"
    command = [sys.executable, "-m", "pretrain", "vocab", str(world / "text"), str(model), "--languages", "en,de,zh,th"]
    options = ["--type", kind, "--size", "900", "--threads", "1"]
    subprocess.run([*command, *options], cwd=REPOSITORY, check=True, capture_output=True)
    folder.mkdir()
    write_hf_tokenizer(folder, model, 512)
    (folder / "config.json").write_text(json.dumps({"model_type": "xlm-roberta"}))
    ours, theirs = load_sentencepiece(model), transformers.AutoTokenizer.from_pretrained(folder)
    files = [world / "text" / f"{code}.txt" for code in ("en", "de", "zh", "th", "ru")]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    texts = [*lines[::50], *ODD]
    assert theirs(texts, add_special_tokens=False)["input_ids"] == ours.encode_batch(texts)
    a, b = ours.encode_batch(["one", "two words"])
    assert theirs("one", "two words")["input_ids"] == [0, *a, 2, 2, *b, 2]
    assert (theirs.pad_token_id, theirs.mask_token_id, theirs.unk_token_id) == (1, ours.mask_id, 3)
    assert theirs.model_max_length == 512
