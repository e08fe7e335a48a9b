"""Every strategy beside an asset that has nothing to do with what it finds."""

from importlib import import_module

import pytest

from opportunities import strategies
from opportunities.domain import Opportunity
from opportunities.market.planted.demo import plant_of
from opportunities.market.simulated import simulated
from tests.benchmarks.strategies_report import investor_of
from tests.support.whole import without_asset

MOMENT = 1_795_291_200


def coins(found: Opportunity) -> set[str]:
    symbols = [found.symbol, *(leg["symbol"] for leg in found.metadata["legs"])]  # type: ignore[index, union-attr, call-overload]
    return {coin for symbol in symbols for coin in symbol.partition(":")[0].split("/")}


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("name", strategies.names())
def test_an_asset_more_changes_nothing_that_is_found_of_others(name: str, seed: int) -> None:
    """A strategy that judges each coin by all others says so in its docstring; it still finds what it found."""
    market, known = plant_of(name)(simulated(seed, MOMENT, fair=True), seed, 1.0)
    investor, find = investor_of(name, market), strategies.load(name)
    found = find(market, investor).opportunities
    assert market.spot is not None
    involved = {known.symbol.partition("/")[0], *investor.holdings, *(coin for one in found for coin in coins(one))}
    listed = [symbol.partition("/")[0] for symbol in market.spot.symbols]
    another = next(base for base in reversed(listed) if base not in involved)
    rest = find(without_asset(market, another), investor).opportunities
    assert known.symbol in {one.symbol for one in found}
    if "Cross-sectional" in (import_module(f"opportunities.strategies.{name}").__doc__ or ""):
        assert known.symbol in {one.symbol for one in rest}
    else:
        assert rest == found
