from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import OLS

from opportunities.domain import Investor, Opportunity, RiskTolerance
from opportunities.errors import Unsuitable
from opportunities.market.planted import futures_trade as planting
from opportunities.market.snapshot import Futures, MarketSnapshot, Perpetuals
from opportunities.maths import indicators
from opportunities.strategies import load
from opportunities.trading.margin import liquidation_price
from tests.support.derivatives import AT, SEEDS, cut, fair, in_pieces, permuted, planted, rows, sound, without_rules

find = load("futures_trade")

INVESTOR = Investor()
DIRECTION, BASIS, CALENDAR = 0, 1, 2


def perpetuals_of(market: MarketSnapshot) -> Perpetuals:
    assert market.perpetuals is not None
    return market.perpetuals


def futures_of(market: MarketSnapshot) -> Futures:
    assert market.futures is not None
    return market.futures


def found_in(market: MarketSnapshot, symbol: str, investor: Investor = INVESTOR) -> Opportunity:
    return next(each for each in find(market, investor).opportunities if each.symbol == symbol)


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_opportunity_is_found_with_its_profit(seed: int) -> None:
    market, what = planted(planting, seed)
    found = found_in(market, what.symbol)
    if what.profit_usd is not None:
        assert found.profit_potential_usd == pytest.approx(what.profit_usd, rel=1e-9)


def test_a_fair_market_has_no_carry_and_at_most_one_trend_in_a_hundred_contracts() -> None:
    findings = [find(fair(seed), INVESTOR) for seed in SEEDS]
    found = [each for finding in findings for each in finding.opportunities]
    assert {each.opportunity_type for each in found} <= {"futures_direction"}
    assert len(found) <= stats.binom.ppf(0.99, sum(finding.examined for finding in findings), 0.01)


@pytest.mark.parametrize("tolerance", list(RiskTolerance))
def test_the_liquidation_price_is_where_the_margin_is_gone_and_lies_beyond_the_stop(tolerance: RiskTolerance) -> None:
    sides = set()
    for seed in (0, 3, 6, 9):
        market, what = planted(planting, seed)
        found = found_in(market, what.symbol, Investor(risk_tolerance=tolerance))
        side = 1 if found.metadata["side"] == "long" else -1
        sides.add(side)
        size, liquidated, stop = (found.metadata[name] for name in ("size", "liquidation_price", "stop"))
        entry = found.entry_price
        assert entry is not None
        left = found.metadata["margin_usd"] + side * size * (liquidated - entry)
        assert left == pytest.approx(size * liquidated * (0.01 + market.fees[found.exchange].perpetual_taker), rel=1e-6)
        assert side * (stop - (liquidated + 0.05 * (entry - liquidated))) > 0
        assert found.metadata["leverage"] <= {"low": 2, "medium": 3, "high": 5}[tolerance] * (1 + 1e-9)
    assert sides == {1, -1}


@pytest.mark.parametrize(
    ("side", "by_hand"), [(1, 100 * (1 - 0.2) / (1 - 0.0105)), (-1, 100 * (1 + 0.2) / (1 + 0.0105))]
)
def test_the_liquidation_price_is_freqtrades(side: int, by_hand: float) -> None:
    assert liquidation_price(100.0, 0.2, 0.0005, side) == pytest.approx(by_hand, rel=1e-12)


def test_the_money_of_a_trend_adds_up_by_hand() -> None:
    market, what = planted(planting, DIRECTION)
    found = found_in(market, what.symbol)
    contracts = perpetuals_of(market)
    assert contracts.books is not None
    side = 1 if found.metadata["side"] == "long" else -1
    row = next(
        row
        for row, listing in enumerate(zip(contracts.symbols, contracts.exchanges, strict=True))
        if listing == (found.symbol, found.exchange)
    )
    size, fee = found.metadata["size"], market.fees[found.exchange].perpetual_taker

    def walk(prices: np.ndarray, sizes: np.ndarray) -> float:
        left, paid = size, 0.0
        for price, volume in zip(prices, sizes, strict=True):
            taken = min(left, volume)
            paid, left = paid + taken * price, left - taken
        return paid / size

    buy = walk(contracts.books.ask_price[row], contracts.books.ask_size[row])
    sell = walk(contracts.books.bid_price[row], contracts.books.bid_size[row])
    entry, leave = (buy, sell / contracts.bid[row]) if side > 0 else (sell, buy / contracts.ask[row])
    series = contracts.symbols.index(found.symbol)
    bars = contracts.candles["4h"]
    atr = indicators.atr(bars.high[series : series + 1], bars.low[series : series + 1], bars.close[series : series + 1])
    target, stop = entry + side * 4 * atr[0, -1], entry - side * 2 * atr[0, -1]
    fees = fee * size * (entry + target * leave)
    funding = side * found.metadata["funding"]["sum_of_rates"] * size * entry
    assert found.entry_price == pytest.approx(entry, rel=1e-9)
    assert found.exit_price == pytest.approx(target, rel=1e-9)
    assert found.metadata["stop"] == pytest.approx(stop, rel=1e-9)
    assert found.metadata["fees_usd"] == pytest.approx(fees, rel=1e-9)
    assert found.profit_potential_usd == pytest.approx(
        side * size * (target * leave - entry) - fees - funding, rel=1e-6
    )
    returns = np.diff(np.log(bars.close[series, -169:]))
    regression = OLS(returns, np.ones(168)).fit(cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": True})
    assert found.evidence.value == pytest.approx(abs(float(regression.tvalues[0])), rel=1e-6)
    assert found.evidence.n == 168


def test_funding_that_must_be_paid_lowers_the_profit_of_a_long_and_raises_that_of_a_short() -> None:
    profits = {}
    for seed in (0, 3, 6, 9):
        market, what = planted(planting, seed)
        contracts = perpetuals_of(market)
        dear = replace(
            contracts,
            funding_rate=np.full(len(contracts.symbols), 1e-3),
            funding_history=np.full_like(contracts.funding_history, 1e-3),
        )
        before, after = (found_in(each, what.symbol) for each in (market, replace(market, perpetuals=dear)))
        profits[before.metadata["side"]] = after.profit_potential_usd - before.profit_potential_usd
        assert after.metadata["funding"]["sum_of_rates"] == pytest.approx(1e-3 * after.metadata["funding"]["payments"])
    assert profits["long"] < 0 < profits["short"]


def test_a_basis_is_net_of_everything_by_hand() -> None:
    market, what = planted(planting, BASIS)
    found = found_in(market, what.symbol)
    assert found.opportunity_type in {"futures_basis", "futures_calendar"}
    bought, sold = found.metadata["legs"]
    gain = (sold["price"] - bought["price"]) * found.metadata["size"]
    costs = sum(found.metadata[name] for name in ("fees_usd", "financing_usd"))
    assert 0 < found.profit_potential_usd <= gain - costs
    assert found.metadata["days"] >= 14


@pytest.mark.parametrize("rich", [1.001, 1.02])
def test_a_dear_future_of_few_days_is_not_judged(rich: float) -> None:
    market = fair(0)
    futures = futures_of(market)
    near = np.flatnonzero(futures.expiry - market.captured_at < 14 * 86_400)
    assert len(near)
    factor = np.where(np.isin(np.arange(len(futures.symbols)), near), rich, 1.0)
    dear = replace(futures, bid=futures.bid * factor, ask=futures.ask * factor, mark=futures.mark * factor)
    names = {futures.symbols[row] for row in near}
    assert names.isdisjoint(each.symbol for each in find(replace(market, futures=dear), INVESTOR).opportunities)


def test_a_future_below_spot_is_left_alone() -> None:
    market = fair(0)
    futures = futures_of(market)
    low = replace(futures, bid=futures.bid * 0.97, ask=futures.ask * 0.97, mark=futures.mark * 0.97)
    found = find(replace(market, futures=low), INVESTOR).opportunities
    assert {each.opportunity_type for each in found} <= {"futures_direction"}


def test_a_coin_that_only_shares_the_name_carries_nothing() -> None:
    market, what = planted(planting, BASIS)
    futures = futures_of(market)
    other = replace(market, futures=replace(futures, index=futures.index * 1.2))
    assert what.symbol not in {each.symbol for each in find(other, INVESTOR).opportunities}


@pytest.mark.parametrize("seed", [BASIS, CALENDAR])
def test_no_contract_is_traded_twice(seed: int) -> None:
    market, _ = planted(planting, seed)
    found = [each for each in find(market, INVESTOR).opportunities if each.opportunity_type != "futures_direction"]
    legs = [(leg["exchange"], leg["symbol"]) for each in found for leg in each.metadata["legs"]]
    assert len(legs) == len(set(legs))


def test_a_contract_on_two_exchanges_is_one_trend() -> None:
    market, what = planted(planting, DIRECTION)
    assert [each.symbol for each in find(market, INVESTOR).opportunities].count(what.symbol) == 1


@pytest.mark.parametrize("seed", [DIRECTION, BASIS, CALENDAR])
def test_the_order_of_contracts_changes_nothing(seed: int) -> None:
    market, _ = planted(planting, seed)
    contracts = perpetuals_of(market)
    rng = np.random.default_rng(1)
    mixed = permuted(market, "futures", rng.permutation(len(futures_of(market).symbols)).tolist())
    listed = len(contracts.candles["4h"].close)
    order = rng.permutation(listed)
    bars = {
        name: replace(
            each, **{field: getattr(each, field)[order] for field in ("open", "high", "low", "close", "volume")}
        )
        for name, each in contracts.candles.items()
    }
    beyond = list(range(listed, len(contracts.symbols)))
    moved = replace(rows(contracts, [*order.tolist(), *beyond]), candles=bars)
    assert find(replace(mixed, perpetuals=moved), INVESTOR) == find(market, INVESTOR)


@pytest.mark.parametrize("seed", [BASIS, CALENDAR])
def test_futures_on_other_coins_change_nothing(seed: int) -> None:
    market, what = planted(planting, seed)
    base = what.symbol.partition("/")[0]
    own = [row for row, symbol in enumerate(futures_of(market).symbols) if symbol.startswith(f"{base}/")]
    alone = find(permuted(market, "futures", own), INVESTOR).opportunities
    assert [each for each in alone if each.symbol.startswith(f"{base}/")] == [
        each for each in find(market, INVESTOR).opportunities if each.symbol.startswith(f"{base}/")
    ]


def test_bars_that_close_later_change_nothing() -> None:
    market = fair(0)
    contracts = perpetuals_of(market)
    earlier = {name: cut({name: each}, market.captured_at - 86_400)[name] for name, each in contracts.candles.items()}
    past = replace(market, captured_at=market.captured_at - 86_400, futures=None)
    shorter = find(replace(past, perpetuals=replace(contracts, candles=earlier)), INVESTOR)
    spoiled = {
        name: replace(each, close=np.where(each.open_time + each.seconds > past.captured_at, 1e9, each.close))
        for name, each in contracts.candles.items()
    }
    again = {name: cut({name: each}, past.captured_at)[name] for name, each in spoiled.items()}
    assert find(replace(past, perpetuals=replace(contracts, candles=again)), INVESTOR) == shorter


@pytest.mark.parametrize("seed", [DIRECTION, BASIS, CALENDAR])
def test_coins_cut_into_pieces_give_the_same_money(seed: int) -> None:
    market = without_rules(planted(planting, seed)[0])
    found, pieces = find(market, INVESTOR).opportunities, find(in_pieces(market, 1024.0), INVESTOR).opportunities
    assert [each.profit_potential_usd for each in pieces] == pytest.approx(
        [each.profit_potential_usd for each in found], rel=1e-9
    )


def test_fees_decide() -> None:
    market, what = planted(planting, BASIS)
    dear = Investor(
        fees={
            "simulated": {"spot_taker": 0.05, "perpetual_taker": 0.05},
            "simulated2": {"spot_taker": 0.05, "perpetual_taker": 0.05},
        }
    )
    assert what.symbol not in {each.symbol for each in find(market, dear).opportunities}


def bare(**changes: object) -> MarketSnapshot:
    return replace(fair(0), **({"futures": None} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("market", "reason"),
    [
        (bare(perpetuals=None), "no linear perpetual has quotes"),
        (bare(perpetuals=replace(perpetuals_of(fair(0)), candles={})), "candles of 4h or 1h"),
        (bare(captured_at=AT + 86_400 * 3), "fresh"),
        (bare(fees={}), "no fees are known"),
        (bare(perpetuals=None, spot=None, futures=futures_of(fair(0))), "spot market of its base"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(market: MarketSnapshot, reason: str) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(market, INVESTOR)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_hostile_series_and_quotes_never_reach_an_answer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market, _ = planted(planting, seed % 3)
    contracts, futures = perpetuals_of(market), futures_of(market)
    bars = {}
    for name, each in contracts.candles.items():
        columns = {field: getattr(each, field).copy() for field in ("open", "high", "low", "close")}
        for column in columns.values():
            column[0] = 100.0
            column[1, : int(rng.integers(1, column.shape[1]))] = np.nan
        bars[name] = replace(each, **columns)

    def holes(column: np.ndarray) -> np.ndarray:
        return np.where(rng.random(len(column)) < 0.2, rng.choice([np.nan, 0.0, np.inf]), column)

    quoted = {name: holes(getattr(contracts, name)) for name in ("bid", "ask", "volume_24h_usd", "funding_rate")}
    dated = {name: holes(getattr(futures, name)) for name in ("bid", "ask", "volume_24h_usd", "index")}
    sound(
        find(
            replace(
                market,
                perpetuals=replace(contracts, candles=bars, **quoted),
                futures=replace(futures, **dated),
            ),
            INVESTOR,
        )
    )
