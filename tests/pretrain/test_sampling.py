"""The sampler: permutations, shares of languages, passes over blocks, and no memory of what was drawn before."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import numpy as np
import pytest

from pretrain.sampling import Sampler, mix, permute, probabilities

CODES, SENTENCES, BLOCKS = ("en", "sw", "th", "zh"), (800, 100, 60, 40), (3000, 37, 5, 1)
# p = .8, .1, .06, .04; by hand: p^.3 = .9352, .5012, .4300, .3807 (sum 2.2471), p^.7 = .8554, .1995, .1395, .1051
# (sum 1.2995).
SHARES = {
    0.0: (0.25, 0.25, 0.25, 0.25),
    0.3: (0.4162, 0.2230, 0.1913, 0.1694),
    0.7: (0.6583, 0.1535, 0.1074, 0.0808),
    1.0: (0.8, 0.1, 0.06, 0.04),
}


def sampler(alpha: float = 0.3, seed: int = 1) -> Sampler:
    return Sampler(CODES, SENTENCES, BLOCKS, alpha, seed)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 16, 17, 64, 100, 1000, 4096, 4097, 65_537])
def test_a_permutation_meets_every_number_once(size: int) -> None:
    for key in range(3):
        found = permute(np.arange(size), size, mix(key))
        assert sorted(found.tolist()) == list(range(size))


def test_a_part_of_a_permutation_is_that_part_of_the_whole() -> None:
    whole = permute(np.arange(1000), 1000, mix(7))
    assert permute(np.arange(400, 500), 1000, mix(7)).tolist() == whole[400:500].tolist()


@pytest.mark.parametrize("size", [2, 3, 4, 5, 16, 37])
def test_over_many_keys_every_number_goes_everywhere_equally_often(size: int) -> None:
    keys = mix(np.arange(20_000, dtype=np.uint64))
    for index in range(0, size, max(1, size // 4)):
        counts = np.bincount(permute(np.full(len(keys), index), size, keys), minlength=size)
        expected = len(keys) / size
        chi_squared = float(((counts - expected) ** 2 / expected).sum())
        assert chi_squared < size - 1 + 5 * (2 * size) ** 0.5, (index, counts)


def test_over_many_keys_all_orders_of_three_are_equally_frequent() -> None:
    keys = mix(np.arange(12_000, dtype=np.uint64))
    orders = Counter(zip(*(permute(np.full(len(keys), i), 3, keys).tolist() for i in range(3)), strict=True))
    assert set(orders) == set(itertools.permutations(range(3)))
    assert min(orders.values()) > 1800
    assert max(orders.values()) < 2200


@pytest.mark.parametrize("alpha", sorted(SHARES))
def test_languages_are_drawn_as_the_formula_says(alpha: float) -> None:
    draws = 200_000
    found = np.bincount(sampler(alpha).draws(0, draws).language, minlength=4) / draws
    assert found == pytest.approx(SHARES[alpha], abs=2e-4)
    assert probabilities(SENTENCES, alpha) == pytest.approx(SHARES[alpha], abs=1e-4)


@pytest.mark.parametrize("draws", [1, 1000, 5_000, 123_456, 10**6, 12_288_000_000])
def test_the_error_never_exceeds_the_share_of_a_round(draws: int) -> None:
    one = sampler()
    drawn = one.drawn(draws)
    assert drawn.sum() == draws
    assert (np.abs(drawn - draws * one.probabilities) < 1024 * one.probabilities + 1).all()


def test_draws_are_counted_without_drawing_them() -> None:
    one = sampler()
    for draws in (1, 1023, 1024, 5000):
        assert one.drawn(draws).tolist() == np.bincount(one.draws(0, draws).language, minlength=4).tolist()


def test_draws_do_not_depend_on_how_the_range_is_cut() -> None:
    one = sampler()
    whole = one.draws(0, 6000)
    for first, count in ((0, 1), (1, 1), (1000, 50), (1023, 2), (1500, 3000), (5999, 1)):
        part = one.draws(first, count)
        for name in ("language", "number", "block"):
            assert getattr(part, name).tolist() == getattr(whole, name)[first : first + count].tolist()


def test_the_draws_of_a_language_are_numbered_without_gap() -> None:
    drawn = sampler().draws(0, 10_000)
    for language in range(4):
        numbers = drawn.number[drawn.language == language]
        # Within a round the order is permuted; at its end nothing is missing.
        assert sorted(numbers.tolist())[:-1024] == list(range(len(numbers)))[:-1024]
        assert len(set(numbers.tolist())) == len(numbers)


def test_every_block_comes_once_before_any_comes_again() -> None:
    drawn = sampler().draws(0, 50_000)
    for language, blocks in enumerate(BLOCKS):
        own = drawn.language == language
        in_order = drawn.block[own][np.argsort(drawn.number[own])][:-1024]  # the last round is not complete
        passes = [in_order[i : i + blocks] for i in range(0, len(in_order) - blocks + 1, blocks)]
        assert len(passes) >= 5
        assert all(sorted(p.tolist()) == list(range(blocks)) for p in passes)
        if blocks > 30:
            assert passes[0].tolist() != passes[1].tolist()


def test_a_block_never_comes_again_sooner_than_the_passes_and_a_round_allow() -> None:
    drawn = sampler(alpha=1.0).draws(0, 20_000)
    own = np.flatnonzero(drawn.language == 0)
    last: dict[int, int] = {}
    for place, block in enumerate(drawn.block[own].tolist()):
        assert place - last.get(block, -(10**9)) > 0
        last[block] = place
    seen = [len(set(drawn.block[own][i : i + 3000].tolist())) for i in range(0, len(own) - 3000, 3000)]
    assert min(seen) > 3000 - 820  # a round holds 819 draws of this language


def test_the_last_step_of_a_full_run_is_found_at_once() -> None:
    began = time.perf_counter()
    drawn = Sampler([f"l{i}" for i in range(100)], range(1, 101), [10**6] * 100, 0.3, 1).draws(1_499_999 * 8192, 8192)
    assert time.perf_counter() - began < 2
    assert len(drawn.block) == 8192
    assert drawn.number.min() > 10**7


def test_another_seed_gives_another_order() -> None:
    one, other = sampler().draws(0, 4096), sampler(seed=2).draws(0, 4096)
    assert (one.language != other.language).mean() > 0.5
    first_pass = [d.block[d.language == 1][np.argsort(d.number[d.language == 1])][:37] for d in (one, other)]
    assert (first_pass[0] != first_pass[1]).mean() > 0.8


def test_the_blocks_of_a_language_come_in_the_same_order_whatever_the_others_are() -> None:
    def order_of_sw(one: Sampler, language: int) -> list[int]:
        drawn = one.draws(0, 40_000)
        own = drawn.language == language
        return drawn.block[own][np.argsort(drawn.number[own])][:4000].tolist()

    alone = Sampler(("sw", "yo"), (500, 500), (37, 10), 1.0, 1)
    assert order_of_sw(alone, 0) == order_of_sw(sampler(), 1)


def test_two_languages_of_equal_size_have_different_orders() -> None:
    drawn = Sampler(("fr", "sw"), (1, 1), (100, 100), 1.0, 1).draws(0, 2048)
    orders = [drawn.block[drawn.language == i][np.argsort(drawn.number[drawn.language == i])] for i in (0, 1)]
    assert (orders[0] != orders[1]).mean() > 0.9
