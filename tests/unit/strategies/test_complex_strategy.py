from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opportunities.domain import Investor, Opportunity
from opportunities.errors import Unsuitable
from opportunities.market.planted import complex_strategy as planting
from opportunities.market.snapshot import Books, MarketSnapshot, Spot
from opportunities.strategies import load
from tests.support.derivatives import AT, SEEDS, fair, in_pieces, permuted, planted, rows, sound, without, without_rules

find = load("complex_strategy")

INVESTOR = Investor()
TRIANGULAR, CROSS_EXCHANGE, CARRY, BOX = range(4)


def spot_of(market: MarketSnapshot) -> Spot:
    assert market.spot is not None
    return market.spot


def found_in(market: MarketSnapshot, symbol: str, investor: Investor = INVESTOR) -> Opportunity:
    return next(each for each in find(market, investor).opportunities if each.symbol == symbol)


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_opportunity_is_found_with_its_profit(seed: int) -> None:
    market, what = planted(planting, seed)
    assert what.profit_usd is not None
    found = found_in(market, what.symbol, planting.INVESTOR)
    assert found.profit_potential_usd == pytest.approx(what.profit_usd, rel=0.01)


def test_a_fair_market_has_none() -> None:
    for seed in SEEDS:
        assert find(fair(seed), INVESTOR).opportunities == ()
        assert find(fair(seed), replace(INVESTOR, capital_usd=1e8)).opportunities == ()


@pytest.mark.parametrize("seed", [TRIANGULAR, CROSS_EXCHANGE, 4, 5, 8, 9])
def test_a_cycle_put_through_the_books_by_hand_ends_with_the_profit(seed: int) -> None:
    market, what = planted(planting, seed)
    found, spot = found_in(market, what.symbol), spot_of(market)
    assert spot.books is not None
    held: dict[tuple[str, str], float] = {}
    fees = 0.0
    for leg in found.metadata["legs"]:
        row = next(
            row
            for row, listing in enumerate(zip(spot.symbols, spot.exchanges, strict=True))
            if listing == (leg["symbol"], leg["exchange"])
        )
        base, quote = leg["symbol"].split("/")
        side, fee = ("ask", 1) if leg["side"] == "buy" else ("bid", -1)
        left, money = leg["quantity"], 0.0
        levels = zip(getattr(spot.books, f"{side}_price")[row], getattr(spot.books, f"{side}_size")[row], strict=True)
        for price, size in levels:
            taken = min(left, size)
            left, money = left - taken, money + taken * price
        assert left <= 1e-9 * leg["quantity"]
        assert leg["price"] == pytest.approx(money / leg["quantity"], rel=1e-9)
        rate = market.fees[leg["exchange"]].spot_taker
        where = "both" if found.opportunity_type == "cross_exchange" else leg["exchange"]
        held[where, base] = held.get((where, base), 0.0) + (leg["quantity"] if side == "ask" else -leg["quantity"])
        held[where, quote] = held.get((where, quote), 0.0) - fee * money * (1 + fee * rate)
        fees += rate * money * (1.0 if quote == "USDT" else spot.last[spot.symbols.index(f"{quote}/USDT")])
    profit = sum(amount for (_, asset), amount in held.items() if asset == "USDT")
    assert all(amount >= -1e-9 for (_, asset), amount in held.items() if asset != "USDT")
    assert found.profit_potential_usd == pytest.approx(profit, rel=1e-6)
    assert found.metadata["fees_usd"] == pytest.approx(fees, rel=0.02)
    assert found.required_capital_usd <= 0.2 * INVESTOR.capital_usd * (1 + 1e-9)


def test_an_arbitrage_between_exchanges_says_what_it_needs_there() -> None:
    market, what = planted(planting, CROSS_EXCHANGE)
    found = found_in(market, what.symbol)
    assert found.opportunity_type == "cross_exchange"
    assert "transfers" in found.metadata["transfer_risk"]
    assert found.required_capital_usd == pytest.approx(
        2 * found.metadata["notional_usd"] * (1 + market.fees[found.exchange].spot_taker), rel=1e-9
    )


def shifted(market: MarketSnapshot, row: int, factor: float) -> MarketSnapshot:
    spot = spot_of(market)
    assert spot.books is not None
    factors = np.where(np.arange(len(spot.symbols)) == row, factor, 1.0)
    books = replace(
        spot.books,
        bid_price=spot.books.bid_price * factors[:, None],
        ask_price=spot.books.ask_price * factors[:, None],
    )
    return replace(market, spot=replace(spot, bid=spot.bid * factors, ask=spot.ask * factors, books=books))


@pytest.mark.parametrize("symbol", ["SOL/USDT", "ETH/BTC"])
@pytest.mark.parametrize(("factor", "found"), [(1.02, True), (1.5, False), (110.0, False)])
def test_prices_too_far_apart_are_not_taken_for_the_same_coin(symbol: str, factor: float, found: bool) -> None:
    spot = spot_of(fair(0))
    row = max(row for row, each in enumerate(spot.symbols) if each == symbol)
    assert bool(find(shifted(fair(0), row, factor), INVESTOR).opportunities) == found


@pytest.mark.parametrize("seed", range(4))
def test_no_quote_is_used_by_two_opportunities(seed: int) -> None:
    market, _ = planted(planting, seed)
    legs = [
        (leg.get("exchange"), leg["symbol"])
        for each in find(market, planting.INVESTOR).opportunities
        for leg in each.metadata["legs"]
    ]
    assert len(legs) == len(set(legs))


def test_a_box_pays_the_same_number_of_coins_whatever_the_settlement_price() -> None:
    market, what = planted(planting, BOX)
    found = found_in(market, what.symbol, planting.INVESTOR)
    options = market.options
    assert options is not None
    settled = np.geomspace(1_000, 1_000_000, 61)
    coins, credit = np.zeros(61), 0.0
    for leg in found.metadata["legs"]:
        row = options.symbols.index(leg["symbol"])
        units = leg["quantity"] * (1 if leg["side"] == "buy" else -1)
        sign = 1 if options.call[row] else -1
        coins += units * np.maximum(sign * (settled - options.strike[row]), 0) / settled
        credit -= units * leg["price"]
    assert np.ptp(coins) == pytest.approx(0, abs=1e-7 * found.metadata["size"])
    index = options.index[options.symbols.index(found.metadata["legs"][0]["symbol"])]
    net = (coins[0] + credit) * index - found.metadata["fees_usd"] - found.metadata["financing_usd"]
    assert found.profit_potential_usd == pytest.approx(net, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_listings_changes_nothing(seed: int) -> None:
    market, _ = planted(planting, seed)
    spot = spot_of(market)
    rng = np.random.default_rng(1)
    with_candles = len(spot.candles["1h"].close)
    beyond = (with_candles + rng.permutation(len(spot.symbols) - with_candles)).tolist()
    mixed = replace(market, spot=rows(spot, [*range(with_candles), *beyond]))
    assert market.options is not None
    assert market.futures is not None
    mixed = permuted(mixed, "options", rng.permutation(len(market.options.symbols)).tolist())
    mixed = permuted(mixed, "futures", rng.permutation(len(market.futures.symbols)).tolist())
    assert find(mixed, INVESTOR) == find(market, INVESTOR)


def test_another_coin_changes_no_opportunity() -> None:
    market, what = planted(planting, CROSS_EXCHANGE)
    other = "LTC" if not what.symbol.startswith("LTC") else "BCH"
    spot = spot_of(market)
    last = max(row for row, symbol in enumerate(spot.symbols) if symbol == f"{other}/USDT")
    less = replace(market, spot=rows(spot, [row for row in range(len(spot.symbols)) if row != last]))
    assert found_in(less, what.symbol) == found_in(market, what.symbol)


@pytest.mark.parametrize("seed", range(4))
def test_coins_cut_into_pieces_give_the_same_money(seed: int) -> None:
    market = without_rules(planted(planting, seed)[0])
    found, pieces = find(market, INVESTOR).opportunities, find(in_pieces(market, 1024.0), INVESTOR).opportunities
    assert [each.profit_potential_usd for each in pieces] == pytest.approx(
        [each.profit_potential_usd for each in found], rel=1e-9
    )


def test_listing_without_a_book_is_one_level_worse_than_its_quote() -> None:
    market, what = planted(planting, CROSS_EXCHANGE)
    spot = spot_of(market)
    quoted = replace(market, spot=replace(spot, books=None))
    found = found_in(quoted, what.symbol)
    for leg in found.metadata["legs"]:
        row = next(
            row
            for row, listing in enumerate(zip(spot.symbols, spot.exchanges, strict=True))
            if listing == (leg["symbol"], leg["exchange"])
        )
        assert leg["price"] > spot.ask[row] if leg["side"] == "buy" else leg["price"] < spot.bid[row]


def test_fees_decide() -> None:
    market, _ = planted(planting, TRIANGULAR)
    dear = {"spot_taker": 0.05, "perpetual_taker": 0.05}
    assert find(market, Investor(fees={"simulated": dear, "simulated2": dear})).opportunities == ()


def plain(**changes: object) -> MarketSnapshot:
    spot = spot_of(fair(0))
    alone = rows(spot, [row for row, name in enumerate(spot.exchanges) if name == "simulated"])
    crosses = [symbol for symbol in spot.symbols if not symbol.endswith("/USDT")]
    nothing = {"spot": without(alone, *crosses), "futures": None, "options": None}
    return replace(fair(0), **(nothing | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("market", "reason"),
    [
        (plain(), "no pair is on two exchanges"),
        (plain(spot=None), "no arbitrage of several legs could exist"),
        (plain(spot=None, options=fair(0).options, captured_at=AT + 10**9), "no option expiry"),
        (plain(fees={}), "no fees are known"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(market: MarketSnapshot, reason: str) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(market, INVESTOR)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
@example(595643)  # a best ask of nothing
def test_hostile_books_never_reach_an_answer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market, _ = planted(planting, seed % 4)
    spot = spot_of(market)
    assert spot.books is not None

    def holes(column: np.ndarray) -> np.ndarray:
        return np.where(rng.random(column.shape) < 0.1, rng.choice([np.nan, 0.0]), column)

    names = ("bid_price", "bid_size", "ask_price", "ask_size")
    books = Books(*(holes(getattr(spot.books, name)) for name in names))
    quotes = {name: holes(getattr(spot, name)) for name in ("bid", "ask", "volume_24h_usd")}
    sound(find(replace(market, spot=replace(spot, books=books, **quotes)), INVESTOR))
    sound(find(replace(market, spot=replace(spot, books=None, **quotes)), INVESTOR))
