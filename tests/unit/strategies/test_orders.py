"""Every order of every strategy is one that its exchange takes, whatever the order rules: whole lots, and large enough.

A snapshot states no least quantity; one lot is the least that there is.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opportunities import strategies
from opportunities.domain import Investor
from opportunities.errors import Unsuitable
from opportunities.market.planted.demo import plant_of
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot, Rules
from tests.benchmarks.strategies_report import investor_of
from tests.support.orders import listing_of

MOMENT = 1_795_291_200
_LEAST_USD = 10.0
_STEPS = np.array([1.0, 2.0, 5.0])
_MINIMUMS = np.array([np.nan, 0.0, 5.0, 20.0, 100.0, 400.0])
# Minimums are measured at the best quote, which the price that an order gets may lie a little below.
_SLIPPAGE = 0.01


@cache
def planted(name: str, seed: int) -> tuple[MarketSnapshot, Investor]:
    market, _ = plant_of(name)(simulated(seed, MOMENT, fair=True), seed, 1.0)
    return market, investor_of(name, market)


def rules(rng: np.random.Generator, prices: Any, inverse: Any, dearest_lot_usd: float) -> Rules:
    """Lots of 1, 2 or 5 times a power of ten, worth a cent to `dearest_lot_usd`; of inverse contracts they are USD."""
    worth = 10 ** rng.uniform(-2, np.log10(dearest_lot_usd), len(prices))
    units = np.where(inverse == 1, worth, worth / prices)
    step = rng.choice(_STEPS, len(prices)) * 10.0 ** np.floor(np.log10(units / 5))
    contract = rng.choice([1.0, 10.0, 0.1], len(prices))
    tick = 10.0 ** np.floor(np.log10(prices) - rng.integers(3, 6, len(prices)))
    return Rules(contract, tick, step / contract, rng.choice(_MINIMUMS, len(prices)))


def with_rules(market: MarketSnapshot, seed: int, dearest_lot_usd: float) -> MarketSnapshot:
    rng = np.random.default_rng(seed)
    sections: dict[str, Any] = {}
    for name in ("spot", "perpetuals", "futures", "options"):
        section = getattr(market, name)
        if section is not None:
            coins = name == "options"
            prices = np.nan_to_num(section.forward if coins else section.bid, nan=1.0)
            inverse = np.zeros(len(prices)) if coins or name == "spot" else section.inverse
            made = rules(rng, np.maximum(prices, 1e-12), inverse, dearest_lot_usd)
            sections[name] = replace(section, rules=made)
    return replace(market, **sections)


def found(name: str, market: MarketSnapshot, investor: Investor) -> tuple[Any, ...]:
    try:
        return strategies.load(name)(market, investor).opportunities
    except Unsuitable:
        return ()


@pytest.mark.parametrize("name", strategies.names())
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), place=st.sampled_from([3, 4]), dearest=st.sampled_from([0.1, 5.0, 50.0, 500.0]))
def test_every_order_is_a_whole_number_of_lots_and_large_enough(
    name: str, seed: int, place: int, dearest: float
) -> None:
    market, investor = planted(name, place)
    market = with_rules(market, seed, dearest)
    for one in found(name, market, investor):
        for leg in one.metadata["legs"]:
            listing = listing_of(market, leg["symbol"], leg.get("exchange", one.exchange))
            lots = listing.amount(leg) / listing.lot
            assert lots >= 1 - 1e-6, leg
            assert lots == pytest.approx(round(lots), abs=1e-4 + 1e-11 * lots), leg
            least = max(_LEAST_USD, np.nan_to_num(listing.minimum_usd))
            assert listing.worth_usd(leg) >= least * (1 - _SLIPPAGE), leg


@pytest.mark.parametrize("name", strategies.names())
def test_fine_lots_keep_what_is_planted(name: str) -> None:
    """Else the property above could hold of nothing."""
    market, investor = planted(name, 3)
    assert any(found(name, with_rules(market, seed, 0.1), investor) for seed in range(3))
