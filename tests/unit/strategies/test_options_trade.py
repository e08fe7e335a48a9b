from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from opportunities.domain import Fees, Investor, Opportunity
from opportunities.errors import Unsuitable
from opportunities.market.planted import options_trade as planting
from opportunities.market.snapshot import MarketSnapshot, Options
from opportunities.maths import black76, inference
from opportunities.strategies import load
from tests.support.derivatives import AT, SEEDS, cut, fair, in_pieces, permuted, planted, rows, sound, without_rules

find = load("options_trade")

INVESTOR = Investor(capital_usd=100_000.0)
CONVERSION, SELL_VOLATILITY, BUY_VOLATILITY = 0, 3, 4


def options_of(market: MarketSnapshot) -> Options:
    assert market.options is not None
    return market.options


def best(market: MarketSnapshot, investor: Investor = INVESTOR) -> Opportunity:
    return find(market, investor).opportunities[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_opportunity_is_found_with_its_profit(seed: int) -> None:
    market, what = planted(planting, seed)
    found = [each for each in find(market, planting.INVESTOR).opportunities if each.symbol == what.symbol]
    assert found
    if what.profit_usd is not None:
        assert found[0].profit_potential_usd == pytest.approx(what.profit_usd, rel=1e-6)


def test_a_fair_market_has_no_arbitrage_and_hardly_a_mispriced_volatility() -> None:
    found = [each for seed in SEEDS for each in find(fair(seed), INVESTOR).opportunities]
    assert {each.opportunity_type for each in found} <= {"sell_volatility", "buy_volatility"}
    assert len(found) <= stats.binom.ppf(0.999, 2 * len(SEEDS), 0.02)
    assert find(fair(0), INVESTOR).examined == len(options_of(fair(0)).symbols)


def test_the_money_of_a_conversion_adds_up_by_hand() -> None:
    market, what = planted(planting, CONVERSION)
    found = next(each for each in find(market, INVESTOR).opportunities if each.opportunity_type == "conversion")
    assert found.symbol == what.symbol
    options, futures = options_of(market), market.futures
    assert futures is not None
    sold, bought, hedge = found.metadata["legs"]
    call, put = (options.symbols.index(leg["symbol"]) for leg in (sold, bought))
    future = futures.symbols.index(hedge["symbol"])
    strike, forward, index = options.strike[call], options.forward[call], options.index[call]
    ask = futures.ask[future]
    size = found.metadata["size"]
    assert (sold["side"], bought["side"], hedge["side"]) == ("sell", "buy", "buy")
    assert (sold["price"], bought["price"]) == pytest.approx((options.bid[call], options.ask[put]), rel=1e-9)
    fee = sum(min(0.0003, 0.125 * premium) for premium in (options.bid[call], options.ask[put]))
    fee += min(0.0003, 0.125 * abs(1 - strike / forward)) + 2 * 0.0005 * strike / ask
    middle = min(
        (row for row, symbol in enumerate(options.symbols) if symbol.startswith(what.symbol)),
        key=lambda row: abs(options.strike[row] - forward),
    )
    coins = size * strike / ask
    daily = options.mark_iv[middle] / np.sqrt(365)
    slippage = coins * ask * daily * np.sqrt(coins * ask / futures.volume_24h_usd[future])
    paid = max(options.ask[put] - options.bid[call], 0) * size * index
    financing = 0.05 * (options.expiry[call] - market.captured_at) / (365 * 86_400) * paid
    edge = options.bid[call] - options.ask[put] - (1 - strike / ask)
    assert found.metadata["fees_usd"] == pytest.approx(size * fee * index, rel=1e-9)
    assert found.profit_potential_usd == pytest.approx(size * (edge - fee) * index - slippage - financing, rel=1e-9)
    assert found.required_capital_usd <= 0.2 * INVESTOR.capital_usd * (1 + 1e-9)
    costs = size * fee * index + slippage + financing
    assert found.confidence_score == pytest.approx(1 - costs / (found.profit_potential_usd + costs), rel=1e-9)


def test_a_sold_straddle_is_its_premium_less_what_realised_volatility_makes_it_worth() -> None:
    market, what = planted(planting, SELL_VOLATILITY)
    found = next(each for each in find(market, INVESTOR).opportunities if each.opportunity_type == "sell_volatility")
    assert found.symbol == what.symbol
    options = options_of(market)
    call, put = (options.symbols.index(leg["symbol"]) for leg in found.metadata["legs"])
    spot = market.spot
    assert spot is not None
    returns = np.diff(np.log(spot.candles["1h"].close[spot.symbols.index(f"{what.symbol[:3]}/USDT")]))[-2160:]
    realised = np.sqrt(np.mean(returns**2) * 365 * 24)
    forward, strike = options.forward[call], options.strike[call]
    years = (options.expiry[call] - market.captured_at) / (365 * 86_400)
    d1 = np.log(forward / strike) / (realised * np.sqrt(years)) + realised * np.sqrt(years) / 2
    d2 = d1 - realised * np.sqrt(years)
    worth = forward * (2 * stats.norm.cdf(d1) - 1) - strike * (2 * stats.norm.cdf(d2) - 1)
    premium = (options.bid[call] + options.bid[put]) * forward
    fees = sum(min(0.0003, 0.125 * each) for each in (options.bid[call], options.bid[put])) * forward
    size = found.metadata["size"]
    assert found.metadata["realised_volatility"] == pytest.approx(realised, rel=1e-9)
    assert found.profit_potential_usd == pytest.approx(
        size * (premium - worth - fees) - found.metadata["hedging_usd"], rel=1e-6
    )
    quoted = black76.price(forward, strike, found.metadata["implied_volatility"], years, np.array([True, False]))
    assert quoted.sum() == pytest.approx(premium, rel=1e-9)
    z = found.evidence.value
    assert found.confidence_score == pytest.approx(inference.confidence(stats.norm.sf(z)), rel=1e-6)


def test_hedging_costs_what_the_average_turnover_of_simulated_straddles_costs() -> None:
    rng = np.random.default_rng(3)
    days, volatility, forward = 30, 0.6, 100.0
    paths = forward * np.exp(
        np.cumsum(rng.normal(-(volatility**2) / 730, volatility / np.sqrt(365), (20_000, days)), axis=1)
    )
    left = np.arange(days - 1, -1, -1) / 365
    deltas = np.array(
        [black76.delta(paths[:, i], paths[:, 0], volatility, left[i], True) * 2 - 1 for i in range(days - 1)]
    )
    turnover = np.abs(np.diff(deltas, axis=0)).sum(axis=0).mean()
    formula = 2 / np.pi * (1 / np.sqrt(np.arange(1, days + 1))).sum()
    assert turnover <= formula <= 2 * turnover


def test_marks_are_never_traded() -> None:
    market, _ = planted(planting, CONVERSION)
    moved = replace(market, options=replace(options_of(market), mark=options_of(market).mark * 5))
    assert find(moved, INVESTOR) == find(market, INVESTOR)


def test_unquoted_future_is_used_at_its_forward_price_a_little_worse() -> None:
    market, what = planted(planting, CONVERSION)
    bare = replace(market, futures=None)
    found = next(each for each in find(bare, INVESTOR).opportunities if each.opportunity_type == "conversion")
    hedge = next(leg for leg in found.metadata["legs"] if leg["symbol"] == what.symbol)
    assert hedge["price"] == pytest.approx(found.metadata["forward"] * 1.0005, rel=1e-9)
    assert "no quotes" in found.metadata["hedge"]


def test_no_quote_is_used_twice() -> None:
    market, _ = planted(planting, CONVERSION)
    arbitrages = [each for each in find(market, INVESTOR).opportunities if "volatility" not in each.opportunity_type]
    quotes = [
        (leg["symbol"], leg["side"])
        for each in arbitrages
        for leg in each.metadata["legs"]
        if leg["symbol"][-1] in "CP"
    ]
    assert len(quotes) == len(set(quotes))


def test_the_order_of_options_and_futures_changes_nothing() -> None:
    market, _ = planted(planting, CONVERSION)
    assert market.futures is not None
    rng = np.random.default_rng(1)
    mixed = permuted(market, "options", rng.permutation(len(options_of(market).symbols)).tolist())
    mixed = permuted(mixed, "futures", rng.permutation(len(market.futures.symbols)).tolist())
    assert find(mixed, INVESTOR) == find(market, INVESTOR)


@pytest.mark.parametrize("seed", [CONVERSION, SELL_VOLATILITY])
def test_options_on_another_coin_change_nothing(seed: int) -> None:
    market, what = planted(planting, seed)
    own = [row for row, symbol in enumerate(options_of(market).symbols) if symbol[:3] == what.symbol[:3]]
    alone = find(permuted(market, "options", own), INVESTOR).opportunities
    assert alone == tuple(each for each in find(market, INVESTOR).opportunities if each.symbol[:3] == what.symbol[:3])


def test_bars_that_close_later_change_nothing() -> None:
    market, _ = planted(planting, SELL_VOLATILITY)
    later = planted(planting, SELL_VOLATILITY)[0].spot
    assert later is not None
    assert market.spot is not None
    shorter = cut(dict(later.candles), market.captured_at)
    assert find(replace(market, spot=replace(market.spot, candles=shorter)), INVESTOR) == find(market, INVESTOR)


@pytest.mark.parametrize("seed", [CONVERSION, 2, SELL_VOLATILITY, BUY_VOLATILITY])
def test_coins_cut_into_pieces_give_the_same_money(seed: int) -> None:
    market = without_rules(planted(planting, seed)[0])
    found, pieces = find(market, INVESTOR).opportunities, find(in_pieces(market, 1024.0), INVESTOR).opportunities
    assert [each.profit_potential_usd for each in pieces] == pytest.approx(
        [each.profit_potential_usd for each in found], rel=1e-9
    )


def test_linear_options_obey_the_same_parity_in_dollars() -> None:
    market, what = planted(planting, CONVERSION)
    options = options_of(market)
    own = [row for row, symbol in enumerate(options.symbols) if symbol.startswith(what.symbol)]
    chain = rows(options, own)
    dollars = {name: getattr(chain, name) * chain.forward for name in ("bid", "ask", "mark")}
    linear = replace(chain, inverse=np.zeros(len(own), np.int64), **dollars)
    futures = market.futures
    assert futures is not None
    assert futures.rules is not None
    lots = np.full(len(futures.symbols), 0.001)
    sized = replace(futures.rules, contract_size=np.ones_like(lots), lot=lots)
    futures = replace(futures, inverse=np.zeros_like(futures.inverse), rules=sized)
    market = replace(market, options=linear, futures=futures)
    found = next(each for each in find(market, INVESTOR).opportunities if each.opportunity_type == "conversion")
    assert market.futures is not None
    ask = market.futures.ask[market.futures.symbols.index(what.symbol)]
    sold, bought = (linear.symbols.index(leg["symbol"]) for leg in found.metadata["legs"][:2])
    edge = linear.bid[sold] - linear.ask[bought] - ask + linear.strike[sold]
    assert found.metadata["edge_before_fees"] == pytest.approx(edge, rel=1e-9)
    sound(find(market, INVESTOR))


@pytest.mark.parametrize("fees", [Fees(0.001, 0.0005, option_taker=0.01), Fees(0.0, 0.0, option_taker=0.0)])
def test_the_investors_own_fees_decide(fees: Fees) -> None:
    market, _ = planted(planting, CONVERSION)
    found = find(market, replace(INVESTOR, fees={"simulated": asdict(fees)})).opportunities
    arbitrages = [each for each in found if "volatility" not in each.opportunity_type]
    assert bool(arbitrages) == (fees.option_taker == 0)
    sound(find(market, replace(INVESTOR, fees={"simulated": asdict(fees)})))


def test_investor_with_too_little_for_a_lot_is_offered_none() -> None:
    market, _ = planted(planting, CONVERSION)
    options = options_of(market)
    assert options.rules is not None
    coarse = replace(options, rules=replace(options.rules, lot=options.rules.lot * 1e6))
    assert find(replace(market, options=coarse), INVESTOR).opportunities == ()


def reduced(**changes: object) -> MarketSnapshot:
    return replace(fair(0), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("market", "reason"),
    [
        (reduced(options=None), "no options: the snapshot has none"),
        (reduced(options=None, missing={"options": "the venue is down"}), "the venue is down"),
        (reduced(captured_at=AT + 10**9), "time to expiry"),
        (reduced(options=replace(options_of(fair(0)), forward=options_of(fair(0)).forward * np.nan)), "forward price"),
        (reduced(fees={}), "no fees are known"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(market: MarketSnapshot, reason: str) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(market, INVESTOR)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_hostile_quotes_never_reach_an_answer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market, _ = planted(planting, CONVERSION)
    options = options_of(market)
    broken = {}
    for name in ("bid", "ask", "bid_size", "ask_size", "mark_iv", "volume_24h_usd", "forward", "index"):
        column = getattr(options, name).copy()
        column[rng.random(len(column)) < 0.15] = rng.choice([np.nan, 0.0, np.inf if "size" not in name else np.nan])
        broken[name] = column
    assert market.spot is not None
    candles = {name: replace(each, close=each.close.copy()) for name, each in market.spot.candles.items()}
    candles["1h"].close[0, : int(rng.integers(1, 400))] = np.nan
    candles["1h"].close[1] = 100.0
    hostile = replace(market, options=replace(options, **broken), spot=replace(market.spot, candles=candles))
    sound(find(hostile, INVESTOR))
