from dataclasses import replace

import numpy as np
import pytest

from opportunities import strategies
from opportunities.domain import Investor
from opportunities.errors import Unsuitable
from opportunities.market.archive.file import save
from opportunities.market.exchanges import on_exchanges
from opportunities.market.planted.demo import planted_market
from opportunities.market.snapshot import MarketSnapshot

INVESTOR = Investor(capital_usd=50_000.0, holdings={"BTC": 1.0, "ETH": 8.0, "SOL": 150.0})


@pytest.fixture(scope="module")
def market() -> MarketSnapshot:
    return planted_market(7, 1_795_291_200)


def test_market_with_all_exchanges_is_the_same(market: MarketSnapshot) -> None:
    assert save(on_exchanges(market, ("simulated", "simulated2"))) == save(market)


def test_every_row_is_the_one_of_its_listing(market: MarketSnapshot) -> None:
    assert market.spot is not None
    kept = on_exchanges(market, ("simulated2",)).spot
    assert kept is not None
    assert set(kept.exchanges) == {"simulated2"}
    for row, symbol in enumerate(kept.symbols):
        listings = zip(market.spot.symbols, market.spot.exchanges, strict=True)
        original = list(listings).index((symbol, "simulated2"))
        assert kept.bid[row] == market.spot.bid[original]
        assert kept.books is not None
        assert market.spot.books is not None
        np.testing.assert_array_equal(kept.books.ask_price[row], market.spot.books.ask_price[original])
    assert all(len(candles.close) == 0 for candles in kept.candles.values())


@pytest.mark.parametrize("name", strategies.names())
def test_no_strategy_trades_where_the_investor_may_not(name: str, market: MarketSnapshot) -> None:
    found = strategies.load(name)(on_exchanges(market, ("simulated",)), INVESTOR).opportunities
    assert {one.exchange for one in found} <= {"simulated"}
    # Legs without an exchange are on the opportunity's own.
    named = {leg.get("exchange", "simulated") for one in found for leg in one.metadata["legs"]}  # type: ignore[union-attr]
    assert named <= {"simulated"}


def test_a_section_that_no_allowed_exchange_has_says_so(market: MarketSnapshot) -> None:
    alone = on_exchanges(replace(market, missing={}), ("simulated2",))
    sections = {"spot": alone.spot, "perpetuals": alone.perpetuals, "futures": alone.futures, "options": alone.options}
    assert set(alone.missing) == {name for name, section in sections.items() if section is None} != set()


def test_a_market_without_any_allowed_exchange_is_refused_with_those_it_has(market: MarketSnapshot) -> None:
    with pytest.raises(Unsuitable, match="allows none of this market's exchanges: simulated, simulated2"):
        on_exchanges(market, ("kraken",))
