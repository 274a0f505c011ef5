"""Dynamic masking: what is chosen, what it becomes, and on what that depends."""

from __future__ import annotations

import numpy as np

from pretrain.masking import IGNORED, Masked, mask_blocks
from pretrain.sampling import mix

VOCABULARY, BLOCKS, LENGTH, COUNT = 1003, 400, 128, 19
MASK = VOCABULARY - 1


def blocks() -> np.ndarray:
    """Blocks of random pieces between `<s>` and `</s>`, with a `</s>` and an `<unk>` inside and a few `<mask>`."""
    ids = np.random.default_rng(3).integers(4, MASK, (BLOCKS, LENGTH))
    ids[:, 0], ids[:, -1] = 0, 2
    ids[:, 40], ids[:, 41], ids[::3, 42] = 2, 3, MASK
    return ids


def masked(keys: np.ndarray | None = None, ids: np.ndarray | None = None, count: int = COUNT) -> Masked:
    chosen = mix(np.arange(BLOCKS, dtype=np.uint64)) if keys is None else keys
    return mask_blocks(blocks() if ids is None else ids, chosen, count, VOCABULARY)


def test_each_block_has_exactly_the_number_asked_for_at_ascending_places() -> None:
    found = masked()
    assert found.positions.shape == found.targets.shape == (BLOCKS, COUNT)
    assert (np.diff(found.positions, axis=1) > 0).all()
    assert (found.targets != IGNORED).all()


def test_targets_are_the_tokens_and_nothing_else_changes() -> None:
    ids, found = blocks(), masked()
    assert (found.targets == np.take_along_axis(ids, found.positions, 1)).all()
    untouched = np.ones(ids.shape, dtype=bool)
    np.put_along_axis(untouched, found.positions, False, 1)
    assert (found.ids[untouched] == ids[untouched]).all()


def test_no_special_token_is_chosen_or_drawn() -> None:
    found = masked()
    assert found.targets.min() >= 4
    assert found.targets.max() < MASK
    seen = np.take_along_axis(found.ids, found.positions, 1)
    assert seen.min() >= 4
    drawn = seen[(seen != MASK) & (seen != found.targets)]
    assert len(drawn) > 500
    assert drawn.max() < MASK


def test_replacements_reach_both_ends_of_the_vocabulary() -> None:
    ids = np.full((4000, 12), 5)
    small = mask_blocks(ids, mix(np.arange(4000, dtype=np.uint64)), 12, 11)
    assert set(np.unique(small.ids).tolist()) == {4, 5, 6, 7, 8, 9, 10}  # 10 is `<mask>`
    assert abs((small.ids == 10).mean() - 0.8) < 0.006  # a random piece is never `<mask>`


def test_places_are_chosen_uniformly() -> None:
    counts = np.bincount(masked().positions.ravel(), minlength=LENGTH)
    allowed = np.delete(counts, [0, 40, 41, 42, LENGTH - 1])
    expected = BLOCKS * COUNT / (LENGTH - 4)
    assert counts[[0, 40, 41, LENGTH - 1]].sum() == 0
    assert np.abs(allowed - expected).max() < 5 * expected**0.5


def test_of_the_chosen_80_percent_become_mask_10_random_10_stay() -> None:
    found = masked()
    seen = np.take_along_axis(found.ids, found.positions, 1)
    assert abs((seen == MASK).mean() - 0.8) < 0.02
    assert abs((seen == found.targets).mean() - 0.1) < 0.015
    assert abs(((seen != MASK) & (seen != found.targets)).mean() - 0.1) < 0.015


def test_a_block_with_too_few_tokens_has_fewer_and_its_other_places_do_not_count() -> None:
    ids = np.full((BLOCKS, 16), 2)
    ids[:, 3:8] = np.arange(10, 15)
    found = masked(ids=ids, count=9)
    counted = found.targets != IGNORED
    assert (counted.sum(1) == 5).all()
    assert sorted(found.targets[0][counted[0]].tolist()) == [10, 11, 12, 13, 14]
    uncounted = np.take_along_axis(found.ids, found.positions, 1)[~counted]
    assert (uncounted == 2).all()
    assert (np.diff(found.positions, axis=1) > 0).all()


def test_a_block_of_special_tokens_alone_stays_as_it_is() -> None:
    ids = np.tile([0, 2, 3, 2, MASK, 1, 2, 2], (BLOCKS, 1))
    found = masked(ids=ids, count=3)
    assert (found.ids == ids).all()
    assert (found.targets == IGNORED).all()


def test_the_same_key_gives_the_same_mask_in_any_company() -> None:
    whole = masked()
    keys = mix(np.arange(BLOCKS, dtype=np.uint64))
    part = masked(keys[7:9], blocks()[7:9])
    assert (part.ids == whole.ids[7:9]).all()
    assert (part.positions == whole.positions[7:9]).all()


def test_repeated_draws_of_a_block_have_different_masks() -> None:
    same = np.tile(blocks()[:1], (BLOCKS, 1))
    found = masked(ids=same)
    assert len({tuple(row) for row in found.positions.tolist()}) == BLOCKS


def test_the_blocks_given_are_not_changed() -> None:
    ids = blocks()
    masked(ids=ids)
    assert (ids == blocks()).all()
