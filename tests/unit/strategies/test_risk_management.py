import json
from dataclasses import asdict, replace

import empyrical
import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from opportunities.domain import Investor, Opportunity, RiskLevel, RiskTolerance
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.strategies import load
from tests.support.markets import CAPTURED_AT, HOUR, books, market, picked, scaled, walks

find = load("risk_management")

HELD = {"A0": 400.0, "A1": 300.0, "A2": 200.0}


def hourly(seed: int = 1, symbols: int = 4, volatility: float = 0.01) -> MarketSnapshot:
    common = walks(seed, 1, 1000, volatility) / 100
    return market({"1h": common * walks(seed + 1, symbols, 1000, volatility)})


def investor(**changes: object) -> Investor:
    return replace(Investor(capital_usd=20_000.0, holdings=HELD), **changes)  # type: ignore[arg-type]


def values(snapshot: MarketSnapshot) -> np.ndarray:
    assert snapshot.spot is not None
    return snapshot.spot.bid[:3] * np.array(list(HELD.values()))


def day_pnl(snapshot: MarketSnapshot, held: np.ndarray, step: int = 24, timeframe: str = "1h") -> np.ndarray:
    assert snapshot.spot is not None
    close = snapshot.spot.candles[timeframe].close[:3]
    return held @ (close[:, step:] / close[:, :-step] - 1)


def of_kind(snapshot: MarketSnapshot, kind: str, who: Investor | None = None) -> Opportunity:
    return next(found for found in find(snapshot, who or investor()).opportunities if found.opportunity_type == kind)


def after_sales(snapshot: MarketSnapshot, found: Opportunity) -> np.ndarray:
    assert snapshot.spot is not None
    left = values(snapshot)
    for leg in found.metadata["legs"]:
        row = snapshot.spot.symbols.index(leg["symbol"])
        left[row] -= leg["quantity"] * snapshot.spot.bid[row]
    return left


def test_the_measures_equal_empyricals() -> None:
    snapshot = hourly()
    measures = of_kind(snapshot, "reduce_tail_risk").metadata["portfolio"]
    pnl = day_pnl(snapshot, values(snapshot))
    assert snapshot.spot is not None
    path = np.array(list(HELD.values())) @ snapshot.spot.candles["1h"].close[:3, 999::-24][:, ::-1]
    shares = values(snapshot) / values(snapshot).sum()
    assert measures["equity_usd"] == pytest.approx(20_000 + values(snapshot).sum(), rel=1e-9)
    assert measures["var_usd"] == pytest.approx(-empyrical.value_at_risk(pnl, 0.05), rel=1e-9)
    assert measures["cvar_usd"] == pytest.approx(-empyrical.conditional_value_at_risk(pnl, 0.05), rel=1e-9)
    assert measures["max_drawdown"] == pytest.approx(-empyrical.max_drawdown(np.diff(path) / path[:-1]), rel=1e-9)
    assert measures["herfindahl"] == pytest.approx(float((shares**2).sum()), rel=1e-9)
    assert measures["returns"] == "24h, each hour"


def test_the_sales_bring_the_tail_risk_to_its_limit_and_no_further() -> None:
    snapshot = hourly()
    found = of_kind(snapshot, "reduce_tail_risk")
    limit = 0.03 * found.metadata["portfolio"]["equity_usd"]
    left = -empyrical.conditional_value_at_risk(day_pnl(snapshot, after_sales(snapshot, found)), 0.05)
    assert left == pytest.approx(limit, rel=1e-6)
    assert found.metadata["breach"]["before"] > 0.03


def test_the_profit_is_the_tail_loss_avoided_less_the_cost_of_selling() -> None:
    snapshot = hourly()
    for kind in ("reduce_tail_risk", "reduce_concentration"):
        found = of_kind(snapshot, kind)
        before, after = (
            -empyrical.conditional_value_at_risk(day_pnl(snapshot, held), 0.05)
            for held in (values(snapshot), after_sales(snapshot, found))
        )
        costs = found.metadata["fees_usd"] + found.metadata["slippage_usd"]
        assert found.risk_reduction_usd == pytest.approx(before - after - costs, rel=1e-6)
        assert found.metadata["fees_usd"] == pytest.approx(0.001 * found.metadata["notional_usd"], rel=1e-9)
        assert found.risk_level is RiskLevel.LOW


def test_the_holding_that_adds_most_to_the_tail_is_sold_first() -> None:
    snapshot = hourly()
    found = of_kind(snapshot, "reduce_tail_risk")
    held = values(snapshot)
    pnl = day_pnl(snapshot, held)
    marginal = []
    for asset in range(3):
        more = held.copy()
        more[asset] += 1.0
        marginal.append(
            empyrical.conditional_value_at_risk(pnl, 0.05)
            - empyrical.conditional_value_at_risk(day_pnl(snapshot, more), 0.05)
        )
    assert found.metadata["legs"][0]["symbol"] == f"A{int(np.argmax(marginal))}/USDT"


def test_next_holding_is_sold_if_one_is_not_enough() -> None:
    found = of_kind(hourly(volatility=0.02), "reduce_tail_risk", investor(risk_tolerance=RiskTolerance.LOW))
    assert len(found.metadata["legs"]) > 1
    assert found.metadata["breach"]["after"] == pytest.approx(0.015, rel=1e-6)


def test_a_holding_that_is_too_large_is_cut_to_its_limit() -> None:
    snapshot = hourly()
    found = of_kind(snapshot, "reduce_concentration")
    equity = 20_000 + values(snapshot).sum()
    assert after_sales(snapshot, found).max() == pytest.approx(0.25 * equity, rel=1e-9)
    assert found.metadata["breach"]["before"] == pytest.approx(values(snapshot).max() / equity, rel=1e-9)


def test_within_all_limits_there_is_nothing_to_do() -> None:
    calm = hourly(volatility=0.001)
    findings = find(calm, investor(capital_usd=1e6))
    assert findings.opportunities == ()
    assert findings.examined == 3


def test_a_year_of_days_is_preferred_to_overlapping_hours() -> None:
    close = walks(3, 4, 300, 0.05)
    snapshot = market({"1d": close, "1h": walks(1, 4, 1000)})
    measures = of_kind(snapshot, "reduce_tail_risk").metadata["portfolio"]
    assert snapshot.spot is not None
    held = snapshot.spot.bid[:3] * np.array(list(HELD.values()))
    pnl = day_pnl(snapshot, held, step=1, timeframe="1d")
    assert measures["returns"] == "daily"
    assert measures["cvar_usd"] == pytest.approx(-empyrical.conditional_value_at_risk(pnl, 0.05), rel=1e-9)
    assert measures["kupiec"]["days"] == 299 - 20


def test_holdings_that_cannot_be_judged_are_named() -> None:
    snapshot = hourly()
    assert snapshot.spot is not None
    close = snapshot.spot.candles["1h"].close.copy()
    close[2, :400] = np.nan
    bars = {"1h": replace(snapshot.spot.candles["1h"], close=close)}
    young = replace(snapshot, spot=replace(snapshot.spot, candles=bars))
    found = of_kind(young, "reduce_concentration", investor(holdings={**HELD, "GONE": 5.0}))
    assert found.metadata["portfolio"]["unpriced"] == ["GONE"]
    assert found.metadata["portfolio"]["unmodelled"] == ["A2"]
    equity = 20_000 + values(snapshot).sum()
    assert found.metadata["portfolio"]["equity_usd"] == pytest.approx(equity, rel=1e-9)
    more = {**HELD, "A2": HELD["A2"] + 0.3 * equity / snapshot.spot.bid[2]}
    for each in find(young, investor(holdings=more)).opportunities:
        assert "A2/USDT" not in {leg["symbol"] for leg in each.metadata["legs"]}


def test_stablecoins_count_as_cash() -> None:
    rich = investor(capital_usd=0.0, holdings={**HELD, "USDT": 20_000.0})
    assert find(hourly(), rich).opportunities == find(hourly(), investor()).opportunities


def test_a_holding_is_valued_where_it_trades_most() -> None:
    snapshot = hourly(symbols=2)
    assert snapshot.spot is not None
    twins = replace(snapshot.spot, symbols=("A0/USDT", "A0/USDC"), volume_24h_usd=np.array([1e6, 9e6]))
    found = find(replace(snapshot, spot=twins), investor(holdings={"A0": 900.0})).opportunities
    assert {each.symbol for each in found} == {"A0/USDC"}


def test_the_book_is_walked_for_the_sale() -> None:
    snapshot = hourly()
    assert snapshot.spot is not None
    deep = books(snapshot.spot, 1)
    deep = replace(deep, bid_size=deep.bid_size * 30)
    found = of_kind(replace(snapshot, spot=replace(snapshot.spot, books=deep)), "reduce_concentration")
    size, left, got = found.metadata["size"], found.metadata["size"], 0.0
    row = snapshot.spot.symbols.index(found.symbol)
    for price, volume in zip(deep.bid_price[row], deep.bid_size[row], strict=True):
        taken = min(left, volume)
        got, left = got + taken * price, left - taken
    assert left == 0
    assert found.exit_price == pytest.approx(got / size, rel=1e-9)
    assert found.metadata["quotes"] == {"slippage": "book"}


def test_the_order_of_symbols_changes_nothing() -> None:
    assert find(picked(hourly(), [2, 3, 0, 1]), investor()) == find(hourly(), investor())


def test_an_asset_that_is_not_held_changes_nothing() -> None:
    assert find(picked(hourly(), [0, 1, 2]), investor()) == find(hourly(), investor())


def test_prices_in_pieces_give_the_same_money() -> None:
    found = of_kind(hourly(), "reduce_tail_risk")
    pieces = of_kind(
        scaled(hourly(), 0.01),
        "reduce_tail_risk",
        investor(holdings={asset: quantity * 100 for asset, quantity in HELD.items()}),
    )
    assert pieces.risk_reduction_usd == pytest.approx(found.risk_reduction_usd, rel=1e-9)
    assert pieces.confidence_score == pytest.approx(found.confidence_score, rel=1e-9)


def test_the_statistic_equals_statsmodels_hac_t_of_the_tail_loss_avoided() -> None:
    snapshot = hourly()
    found = of_kind(snapshot, "reduce_concentration")

    def tail(held: np.ndarray) -> np.ndarray:
        losses = -day_pnl(snapshot, held)
        k = int(0.05 * (len(losses) - 1)) + 1
        threshold = np.partition(losses, -k)[-k]
        return threshold + np.where(losses > threshold, losses - threshold, 0) * len(losses) / k

    costs = found.metadata["fees_usd"] + found.metadata["slippage_usd"]
    avoided = tail(values(snapshot)) - tail(after_sales(snapshot, found)) - costs
    fit = sm.OLS(avoided, np.ones(len(avoided))).fit(cov_type="HAC", cov_kwds={"maxlags": 46, "use_correction": True})
    assert found.evidence.value == pytest.approx(fit.tvalues[0], rel=1e-6)
    assert found.evidence.n == 1000 - 24


@pytest.mark.parametrize(
    ("snapshot", "who", "reason"),
    [
        (hourly(), investor(holdings={}), "no holdings are stored"),
        (hourly(), investor(holdings={"A0": 0.0}), "no holdings are stored"),
        (hourly(), investor(holdings={"USDT": 5.0}), "all holdings are cash"),
        (hourly(), investor(holdings={"GONE": 1.0, "ALSO": 1.0}), "none of the holdings: ALSO, GONE"),
        (replace(hourly(), spot=None), investor(), "no spot market"),
        (market({"1h": walks(1, 3, 719)}), investor(), "720 closed candles"),
        (market({"4h": walks(1, 3, 719)}), investor(), "no fresh 1h candles"),
        (replace(hourly(), captured_at=CAPTURED_AT + 3 * HOUR), investor(), "no fresh 1h candles"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(
    snapshot: MarketSnapshot, who: Investor, reason: str
) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(snapshot, who)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    listed=st.integers(0, 999),
    quantities=st.lists(st.floats(1e-9, 1e6), min_size=4, max_size=4),
    tolerance=st.sampled_from(RiskTolerance),
)
def test_bad_series_never_reach_an_answer(
    seed: int, listed: int, quantities: list[float], tolerance: RiskTolerance
) -> None:
    close = walks(seed, 4, 1000)
    close[1, :listed] = np.nan
    close[2] = 3.0
    snapshot = market({"1h": close}, volume_24h_usd=np.array([1e6, 1e6, 1e6, 0.0]))
    held = {f"A{i}": quantity for i, quantity in enumerate(quantities)}
    for found in find(snapshot, investor(holdings=held, risk_tolerance=tolerance)).opportunities:
        assert len(json.dumps(asdict(found), allow_nan=False)) < 2200
        assert 0 <= found.confidence_score <= 1
        assert found.risk_reduction_usd > 0
        assert {leg["symbol"] for leg in found.metadata["legs"]} <= {"A0/USDT", "A1/USDT"}
