from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opportunities.maths import black76
from opportunities.maths.arrays import Floats
from opportunities.maths.option_structures import Chain, Structure, boxes, butterflies, parity, verticals

FORWARD, STRIKES = 100.0, np.array([70.0, 85.0, 95.0, 100.0, 110.0, 140.0])
SETTLED = np.concatenate([STRIKES, [1e-5, 35.0, 300.0, 1e7], np.linspace(50, 200, 151)])


def chain(seed: int, noise: float, *, inverse: bool, spread: float = 0.0) -> Chain:
    """A chain on one volatility, its quotes disturbed and some of them missing."""
    rng = np.random.default_rng(seed)
    unit = FORWARD if inverse else 1.0
    sides = []
    for call in (True, False):
        fair = black76.price(FORWARD, STRIKES, 0.6, 0.25, call) / unit
        quoted = fair + rng.normal(0, noise, len(STRIKES)) * FORWARD / unit
        sides += [quoted - spread * FORWARD / unit / 2, quoted + spread * FORWARD / unit / 2]
        sides[-1][rng.random(len(STRIKES)) < 0.1] = np.nan
    return Chain(STRIKES, *sides, inverse=inverse)


def settled(found: Structure, quotes: Chain, forward: float) -> Floats:
    """What a structure nets in the premium's currency at every settlement price, brute force."""
    unit = SETTLED if quotes.inverse else np.ones(len(SETTLED))
    total = np.zeros(len(SETTLED))
    for leg in found.legs:
        strike, sign = quotes.strike[leg.strike], 1 if leg.call else -1
        bid, ask = (quotes.call_bid, quotes.call_ask) if leg.call else (quotes.put_bid, quotes.put_ask)
        premium = (ask if leg.ratio > 0 else bid)[leg.strike]
        total += leg.ratio * (np.maximum(sign * (SETTLED - strike), 0) / unit - premium)
    if quotes.inverse:
        return total + found.forward * forward * (1 / forward - 1 / SETTLED)
    return total + found.forward * (SETTLED - forward)


def every(quotes: Chain) -> Iterator[Structure]:
    yield from parity(quotes, FORWARD, FORWARD)
    yield from verticals(quotes)
    yield from butterflies(quotes)
    yield from boxes(quotes)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.002, 0.02, 0.1]), st.booleans())
def test_structure_nets_at_least_its_edge_at_any_settlement_price(seed: int, noise: float, inverse: bool) -> None:
    quotes = chain(seed, noise, inverse=inverse)
    for found in every(quotes):
        assert found.edge > 0
        netted = settled(found, quotes, FORWARD)
        scale = 1e-9 * FORWARD if not inverse else 1e-9
        low = netted[SETTLED > 1e-3] if inverse else netted
        assert low.min() >= found.edge - scale
        if found.kind in {"conversion", "reversal", "box"}:
            assert low.max() == pytest.approx(found.edge, abs=scale)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_every_pair_and_triple_that_brute_force_finds_is_found(seed: int, inverse: bool) -> None:
    quotes = chain(seed, 0.02, inverse=inverse)
    found = {(each.kind, tuple((leg.strike, leg.call, leg.ratio > 0) for leg in each.legs)) for each in every(quotes)}
    expected = set()
    for call in (True, False):
        bid, ask = (quotes.call_bid, quotes.call_ask) if call else (quotes.put_bid, quotes.put_ask)
        unit = SETTLED[SETTLED > 1e-3] if inverse else np.ones(len(SETTLED[SETTLED > 1e-3]))
        pay = [np.maximum((1 if call else -1) * (SETTLED[SETTLED > 1e-3] - k), 0) / unit for k in STRIKES]
        for i, j in combinations(range(len(STRIKES)), 2):
            if (pay[i] - pay[j]).min() - ask[i] + bid[j] > 1e-12 and (call or not inverse):
                expected.add(("vertical", ((i, call, True), (j, call, False))))
            if (pay[j] - pay[i]).min() - ask[j] + bid[i] > 1e-12:
                expected.add(("vertical", ((i, call, False), (j, call, True))))
        for i, j, k in combinations(range(len(STRIKES)), 3):
            share = (STRIKES[k] - STRIKES[j]) / (STRIKES[k] - STRIKES[i])
            if bid[j] - share * ask[i] - (1 - share) * ask[k] > 1e-12:
                expected.add(("butterfly", ((i, call, True), (j, call, False), (k, call, True))))
    assert {each for each in found if each[0] in {"vertical", "butterfly"}} == expected


@pytest.mark.parametrize("inverse", [True, False])
def test_undisturbed_quotes_hold_no_arbitrage(inverse: bool) -> None:
    assert [each for each in every(chain(1, 0.0, inverse=inverse, spread=1e-6)) if each.edge > 1e-12] == []
