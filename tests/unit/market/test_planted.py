"""The market of the local stack's demo: lively, with one opportunity of each kind planted, and saying so."""

from functools import cache

import numpy as np
import pytest

from opportunities import strategies
from opportunities.domain import Investor
from opportunities.market.archive.file import load, save
from opportunities.market.planted.demo import kinds, plant_of, planted_market
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot

NOW = 1_795_291_500
# The local stack's demo user.
INVESTOR = Investor(capital_usd=50_000, holdings={"BTC": 1.0, "ETH": 8.0, "SOL": 150.0})


@cache
def market(seed: int) -> MarketSnapshot:
    return planted_market(seed, NOW + seed * 11 * 86_400)


def test_every_strategy_has_a_planted_kind() -> None:
    assert kinds() == strategies.names()


def test_the_same_arguments_make_the_same_bytes() -> None:
    assert save(planted_market(7, NOW + 77 * 86_400)) == save(market(7))


def test_planted_market_says_which_kinds_were_planted() -> None:
    assert market(7).source == "simulated"
    assert "planted on purpose" in market(7).assumptions["planted"]
    assert all(kind in market(7).assumptions["planted"] for kind in kinds())
    assert "planted" not in simulated(7, NOW).assumptions


def test_planted_market_can_be_saved_like_any_other() -> None:
    data = save(market(7))
    assert len(data) < 12e6
    assert load(data).assumptions == market(7).assumptions


@pytest.mark.parametrize("name", strategies.names())
def test_every_strategy_finds_something_in_it(name: str) -> None:
    assert strategies.load(name)(market(7), INVESTOR).opportunities


@pytest.mark.parametrize("kind", kinds())
def test_a_fair_market_is_left_as_it_was_by_whoever_plants_into_it(kind: str) -> None:
    fair = simulated(5, NOW, fair=True)
    before = save(fair)
    planted, opportunity = plant_of(kind)(fair, 5, 1.0)
    assert save(fair) == before
    assert save(planted) != before
    assert planted.captured_at == fair.captured_at
    assert opportunity.profit_usd is None or np.isfinite(opportunity.profit_usd)


@pytest.mark.parametrize("seed", range(10, 16))
def test_other_seeds_can_be_planted_too(seed: int) -> None:
    assert market(seed).futures is not None
