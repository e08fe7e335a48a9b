from itertools import permutations
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opportunities.maths.cycles import Conversion, core, paying, walk

QUOTES = ("USD", "BTC", "ETH")


def conversions(seed: int, number: int, gain: float) -> list[Conversion]:
    """Books of five levels whose best rates multiply to `gain`."""
    rng = np.random.default_rng(seed)
    best = np.exp(rng.normal(0, 2, number))
    best *= (gain / best.prod()) ** (1 / number)
    return [
        Conversion(str(i), str((i + 1) % number), rate * np.exp(-np.cumsum(rng.exponential(0.004, 5)) + 0.0), capacity)
        for i, (rate, capacity) in enumerate(zip(best, rng.uniform(0.5, 5, (number, 5)), strict=True))
    ]


def through(chain: list[Conversion], amount: float) -> float:
    """What an amount becomes, level by level; what a book does not take is lost."""
    for each in chain:
        total = 0.0
        for rate, capacity in zip(each.rate, each.capacity, strict=True):
            part = min(amount, float(capacity))
            total, amount = total + part * float(rate), amount - part
        amount = total
    return amount


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4), st.floats(0.99, 1.06), st.floats(0.1, 10))
def test_no_other_amount_nets_more(seed: int, number: int, gain: float, limit: float) -> None:
    chain = conversions(seed, number, gain)
    amounts = walk(chain, limit)
    assert amounts[0] <= limit * (1 + 1e-12)
    assert amounts[-1] == pytest.approx(through(chain, amounts[0]), rel=1e-9, abs=1e-12)
    net = amounts[-1] - amounts[0]
    tried = [through(chain, amount) - amount for amount in np.linspace(0, limit, 400)]
    assert net >= max(tried) - 1e-9 * limit


def test_cycle_that_does_not_pay_at_the_best_levels_is_not_begun() -> None:
    assert walk(conversions(1, 3, 0.999), 1e9) == [0.0, 0.0, 0.0, 0.0]


def rates_of(seed: int, coins: int, noise: float) -> dict[tuple[str, str], float]:
    rng = np.random.default_rng(seed)
    names = [*QUOTES, *(f"C{i}" for i in range(coins))]
    value = dict(zip(names, np.exp(rng.normal(0, 2, len(names))), strict=True))
    rates = {}
    for i, base in enumerate(names):
        for quote in QUOTES[:i] if base in QUOTES else QUOTES:
            if rng.random() < 0.8:
                price = value[base] / value[quote] * np.exp(noise * rng.normal())
                rates[base, quote], rates[quote, base] = price * 0.999, 0.999 / price
    return rates


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.001, 0.01]))
def test_all_cycles_of_three_and_four_that_pay_are_found_and_no_others(seed: int, noise: float) -> None:
    rates = rates_of(seed, 5, noise)
    names = sorted({name for pair in rates for name in pair})
    expected = set()
    for length in (3, 4):
        for route in permutations(names, length):
            steps = list(zip(route, (*route[1:], route[0]), strict=True))
            if route[0] == min(route) and all(step in rates for step in steps):
                gain = prod(rates[step] for step in steps)
                if gain > 1 + 1e-12:
                    expected.add(route)
    assert set(paying(rates, QUOTES)) == expected


def test_pairs_that_close_no_cycle_are_not_in_the_core() -> None:
    star = [("A", "USD"), ("B", "USD"), ("C", "A")]
    assert core(star) == set()
    assert core([*star, ("A", "B")]) == {("A", "USD"), ("B", "USD"), ("A", "B")}
