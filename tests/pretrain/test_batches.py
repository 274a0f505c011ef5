"""What a step reads: one global batch at every world size, blocks of the streams, and what is held out of them."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from training import LANGUAGES, settings_of

from pretrain.batches import Ahead, Corpus, MicroBatch, StepBatch, step_batch
from pretrain.masking import IGNORED
from pretrain.shards import TokenStream, open_shards
from xlmr_bench.errors import DataError

INSIDE = 14  # tokens of a block besides `<s>` and `</s>`


def corpus_of(config: Path, shards: Path, *overrides: str) -> Corpus:
    return Corpus(open_shards(shards), settings_of(config, *overrides))


@pytest.fixture
def corpus(config: Path, shards: Path) -> Corpus:
    return corpus_of(config, shards)


def rows(batch: StepBatch, name: str) -> list[list[int]]:
    return [row for part in batch.micro_batches for row in torch.atleast_2d(getattr(part, name)).tolist()]


def together(parts: list[StepBatch]) -> list[tuple[int, ...]]:
    """The blocks of all processes with their masks and dropout keys, in the order of the step."""
    tensors = ("ids", "positions", "targets")
    split = [
        [tuple(torch.cat([m.keys[i : i + 1], *(getattr(m, n)[i] for n in tensors)]).tolist()) for m in p.micro_batches
         for i in range(len(m.keys))] for p in parts
    ]  # fmt: skip
    return [block for slot in zip(*split, strict=True) for block in slot]


@pytest.mark.parametrize("step", [1, 7, 1_500_000])
def test_the_global_batch_is_the_same_at_every_world_size(config: Path, shards: Path, step: int) -> None:
    corpus = corpus_of(config, shards)
    one = together([step_batch(corpus, step, 0, 1)])
    assert len(one) == len(set(one)) == 16
    for world in (2, 4, 16):
        assert together([step_batch(corpus, step, rank, world) for rank in range(world)]) == one
    other_micro = corpus_of(config, shards, "micro_batch=3")
    assert together([step_batch(other_micro, step, 0, 1)]) == one


def test_processes_hold_different_numbers_of_masked_tokens(corpus: Corpus) -> None:
    counts = [[step_batch(corpus, step, rank, 4).masked for rank in range(4)] for step in range(1, 6)]
    assert all(len(set(row)) > 1 for row in counts)
    for row, step in zip(counts, range(1, 6), strict=True):
        assert sum(row) == step_batch(corpus, step, 0, 1).masked


def test_masked_tokens_are_counted(corpus: Corpus) -> None:
    batch = step_batch(corpus, 3, 0, 1)
    assert [len(m.ids) for m in batch.micro_batches] == [4, 4, 4, 4]
    assert batch.masked == sum(t != IGNORED for row in rows(batch, "targets") for t in row)


def test_a_block_is_framed_and_comes_from_one_place_of_one_stream(corpus: Corpus) -> None:
    streams = [s.read(0, len(s)) for s in corpus.streams]
    for step in range(1, 20):
        batch = step_batch(corpus, step, 0, 1)
        for ids, positions, targets in zip(*(rows(batch, n) for n in ("ids", "positions", "targets")), strict=True):
            original = np.array(ids)
            real = [(p, t) for p, t in zip(positions, targets, strict=True) if t != IGNORED]
            original[[p for p, _ in real]] = [t for _, t in real]
            assert (original[0], original[-1]) == (0, 2)
            assert any(_holds(stream, original[1:-1]) for stream in streams)


def test_all_tokens_but_those_held_out_are_trained_on(config: Path, shards: Path) -> None:
    corpus = corpus_of(config, shards, "data.languages=sw")
    stream = corpus.streams[0].read(0, len(corpus.streams[0]))
    drawn = corpus.sampler.draws(0, 1024)
    first_pass = drawn.block[drawn.number < corpus.blocks[0]].tolist()
    assert sorted(first_pass) == list(range(corpus.blocks[0]))
    starts = [min(b * INSIDE, corpus.train_tokens[0] - INSIDE) for b in first_pass]
    covered = {i for start in starts for i in range(start, start + INSIDE)}
    assert covered == set(range(len(stream) - 4 * INSIDE))


def test_held_out_tokens_are_in_no_training_block(corpus: Corpus) -> None:
    for language, code in enumerate(corpus.languages):
        blocks = corpus.blocks[language]
        last = min((blocks - 1) * INSIDE, corpus.train_tokens[language] - INSIDE) + INSIDE
        held_out = corpus.validation[language] * INSIDE
        assert last == len(corpus.streams[language]) - held_out, code


def test_held_out_blocks_are_the_end_of_the_stream(corpus: Corpus) -> None:
    language = corpus.languages.index("sw")
    batches = list(corpus.validation_batches(language, 3))
    assert [len(b.ids) for b in batches] == [3, 1]
    stream = corpus.streams[language]
    expected = stream.read(len(stream) - 4 * INSIDE, len(stream)).astype(np.int64).reshape(4, INSIDE)[::-1]
    assert (_restored(batches)[:, 1:-1].numpy() == expected).all()


def test_held_out_blocks_keep_their_masks(corpus: Corpus) -> None:
    one, same = (list(corpus.validation_batches(0, size)) for size in (4, 2))
    for name in ("ids", "positions", "targets"):
        assert torch.equal(torch.cat([getattr(b, name) for b in one]), torch.cat([getattr(b, name) for b in same]))
    assert len({tuple(row) for b in one for row in b.positions.tolist()}) > 1


def test_tiny_languages_hold_nothing_out(corpus: Corpus) -> None:
    held_out = dict(zip(corpus.languages, corpus.validation, strict=True))
    assert held_out == {"en": 4, "sw": 4, "th": 4, "ur": 0, "zh": 4}
    assert len(corpus.streams[corpus.languages.index("ur")]) == corpus.train_tokens[corpus.languages.index("ur")]


def test_dropout_keys_differ_between_blocks_and_steps(corpus: Corpus) -> None:
    keys = [key for step in (1, 2, 3) for row in rows(step_batch(corpus, step, 0, 1), "keys") for key in row]
    assert len(set(keys)) == 48


def test_a_block_that_is_drawn_again_has_another_mask(config: Path, shards: Path) -> None:
    corpus = corpus_of(config, shards, "data.languages=ur", "mask_fraction=0.3")
    seen: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
    for step in range(1, 65):  # a round of the sampler
        batch = step_batch(corpus, step, 0, 1)
        for block, place in zip(_restored(batch.micro_batches).tolist(), rows(batch, "positions"), strict=True):
            seen.setdefault(tuple(block), set()).add(tuple(place))
    assert len(seen) == corpus.blocks[0]
    assert sum(len(masks) for masks in seen.values()) > 0.9 * 64 * 16  # few masks are possible: some come twice


def test_the_unit_of_alpha_is_a_setting(config: Path, shards: Path) -> None:
    manifest = open_shards(shards)
    for unit in ("sentences", "tokens"):
        found = corpus_of(config, shards, f"sampling_unit={unit}", "alpha=1").sampler.probabilities
        sizes = np.array([getattr(manifest.languages[code], unit) for code in LANGUAGES])
        assert found == pytest.approx(sizes / sizes.sum())


def test_a_language_smaller_than_a_block_is_refused(config: Path, shards: Path) -> None:
    short = len(TokenStream(open_shards(shards), "vi"))
    with pytest.raises(DataError, match=rf"'vi' has {short} tokens .* less than one block of 126.*drop it from data"):
        corpus_of(config, shards, "data.languages=vi,en", "block_tokens=128")


def test_batches_are_prepared_in_order_ahead_of_use(corpus: Corpus) -> None:
    with Ahead(corpus, range(3, 8), 1, 2) as ahead:
        found = [ahead.next() for _ in range(5)]
    assert [batch.step for batch in found] == [3, 4, 5, 6, 7]
    assert together(found[:1]) == together([step_batch(corpus, 3, 1, 2)])


def test_leaving_early_ends_the_thread(corpus: Corpus) -> None:
    before = threading.active_count()
    with Ahead(corpus, range(1, 1000), 0, 1) as ahead:
        ahead.next()
    assert threading.active_count() == before


def test_what_goes_wrong_while_preparing_is_raised_where_the_batch_is_used(corpus: Corpus) -> None:
    corpus.streams = []
    with Ahead(corpus, range(1, 3), 0, 1) as ahead, pytest.raises(IndexError):
        ahead.next()


def _holds(stream: np.ndarray, part: np.ndarray) -> bool:
    windows = np.lib.stride_tricks.sliding_window_view(stream, len(part))
    return bool((windows == part).all(1).any())


def _restored(batches: list[MicroBatch]) -> Tensor:
    """The blocks as they were before masking."""
    restored = []
    for batch in batches:
        ids = batch.ids.clone()
        before = torch.gather(ids, 1, batch.positions)
        ids.scatter_(1, batch.positions, torch.where(batch.targets == IGNORED, before, batch.targets))
        restored.append(ids)
    return torch.cat(restored)
