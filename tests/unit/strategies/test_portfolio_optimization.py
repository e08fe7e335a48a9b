import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from opportunities.domain import Investor, Opportunity, RiskTolerance
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import portfolio
from opportunities.strategies import load
from tests.support.markets import CAPTURED_AT, HOUR, market, picked, scaled, walks

find = load("portfolio_optimization")


def holdings(seed: int = 1, coins: int = 5) -> MarketSnapshot:
    """Coins of one factor; A0 is four times as volatile as the others."""
    logs = np.log(walks(seed, 1, 1000, 0.003)) + np.log(walks(seed + 1, coins, 1000, 0.004))
    logs[0] = 4 * (logs[0] - logs[0, -1]) + np.log(100)
    return market({"1h": np.exp(logs)})


def held(snapshot: MarketSnapshot, **changes: object) -> Investor:
    """The same worth of the first four coins."""
    assert snapshot.spot is not None
    amounts = {f"A{i}": 10_000 / float(snapshot.spot.bid[i]) for i in range(4)}
    return replace(Investor(holdings=amounts), **changes)  # type: ignore[arg-type]


def of_kind(snapshot: MarketSnapshot, kind: str, who: Investor | None = None) -> Opportunity:
    found = find(snapshot, who or held(snapshot)).opportunities
    return next(each for each in found if each.opportunity_type == kind)


def returns_of(snapshot: MarketSnapshot) -> np.ndarray:
    assert snapshot.spot is not None
    close = snapshot.spot.candles["1h"].close[:4]
    return close[:, 1:] / close[:, :-1] - 1


def random_covariance(seed: int, assets: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    own = rng.standard_normal((assets, 60)) * np.geomspace(0.5, 3, assets)[:, None]
    return np.cov(own + rng.standard_normal(60))


@pytest.mark.parametrize("seed", range(8))
def test_the_shrinkage_is_ledoit_and_wolfs_observation_by_observation(seed: int) -> None:
    returns = np.random.default_rng(seed).standard_t(5, (6, 40)) * np.arange(1, 7)[:, None]
    centred = returns - returns.mean(axis=1, keepdims=True)
    n, assets = 40, 6
    sample = sum(np.outer(x, x) for x in centred.T) / n
    mean = np.trace(sample) / assets
    d2 = np.linalg.norm(sample - mean * np.eye(assets)) ** 2 / assets
    b2 = sum(np.linalg.norm(np.outer(x, x) - sample) ** 2 / assets for x in centred.T) / n**2
    share = min(b2, d2) / d2
    found, shrunk = portfolio.shrunk_covariance(returns)
    assert shrunk == pytest.approx(share, rel=1e-9)
    assert found == pytest.approx(share * mean * np.eye(assets) + (1 - share) * sample, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), assets=st.integers(2, 25))
def test_minimum_variance_meets_its_optimality_conditions(seed: int, assets: int) -> None:
    covariance = random_covariance(seed, assets)
    weights = portfolio.minimum_variance(covariance)
    gradient = covariance @ weights
    assert weights.sum() == pytest.approx(1, rel=1e-12)
    assert (weights >= 0).all()
    variance = float(weights @ gradient)
    assert gradient[weights > 0] == pytest.approx(variance, rel=1e-8)
    assert (gradient[weights == 0] >= variance * (1 - 1e-8)).all()


@pytest.mark.parametrize("seed", range(4))
def test_minimum_variance_and_risk_parity_equal_scipys(seed: int) -> None:
    covariance = random_covariance(seed, 8)
    equal = np.full(8, 1 / 8)
    total = {"type": "eq", "fun": lambda w: w.sum() - 1}
    least = optimize.minimize(
        lambda w: w @ covariance @ w,
        equal,
        jac=lambda w: 2 * covariance @ w,
        bounds=[(0, 1)] * 8,
        constraints=total,
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    ).x
    assert portfolio.minimum_variance(covariance) == pytest.approx(least, abs=1e-5)
    parity = portfolio.risk_parity(covariance)
    contributions = parity * (covariance @ parity)
    assert contributions == pytest.approx(contributions.mean(), rel=1e-9)
    root = optimize.root(lambda x: covariance @ x - 1 / x, 1 / np.sqrt(np.diag(covariance)), tol=1e-13).x
    assert parity == pytest.approx(root / root.sum(), rel=1e-8)


def test_the_riskiest_coin_is_sold() -> None:
    for kind in ("minimum_variance", "risk_parity"):
        found = of_kind(holdings(), kind)
        assert found.symbol == "A0/USDT"
        before, after = found.metadata["weights"]["A0"]
        assert after < before == pytest.approx(0.25, rel=1e-6)


def test_its_money_adds_up_by_hand() -> None:
    snapshot = holdings()
    who = held(snapshot)
    assert snapshot.spot is not None
    for kind in ("minimum_variance", "risk_parity"):
        found = of_kind(snapshot, kind)
        values, cash, fees = np.full(4, 10_000.0), 0.0, 0.0
        for leg in found.metadata["legs"]:
            row, usd = snapshot.spot.symbols.index(leg["symbol"]), leg["quantity"] * leg["price"]
            sign = 1 if leg["side"] == "buy" else -1
            values[row] += sign * leg["quantity"] * snapshot.spot.bid[row]
            cash -= sign * usd + 0.001 * usd
            fees += 0.001 * usd
        assert abs(cash) < 2
        assert found.metadata["fees_usd"] == pytest.approx(fees, rel=1e-8)
        assert found.metadata["costs_usd"] == pytest.approx(40_000 - values.sum() - cash, rel=1e-5)
        covariance = portfolio.shrunk_covariance(returns_of(snapshot))[0] * 24
        now = np.array([who.holdings[f"A{i}"] * snapshot.spot.bid[i] for i in range(4)]) / 40_000
        saved = 40_000 * 4 / 2 * 30 * (now @ covariance @ now - values @ covariance @ values / 40_000**2)
        assert found.risk_reduction_usd == pytest.approx(saved - found.metadata["costs_usd"], rel=1e-6)


def test_its_statistic_equals_statsmodels_on_hours_it_was_not_fitted_to() -> None:
    snapshot = holdings()
    found = of_kind(snapshot, "minimum_variance")
    returns = returns_of(snapshot)
    target = portfolio.minimum_variance(portfolio.shrunk_covariance(returns[:, :666])[0])
    now, then = np.full(4, 0.25) @ returns[:, 666:], target @ returns[:, 666:]
    saved = 24 * ((now - now.mean()) ** 2 - (then - then.mean()) ** 2) - found.metadata["costs_usd"] / (40_000 * 60)
    fit = sm.OLS(saved, np.ones(333)).fit(cov_type="HAC", cov_kwds={"maxlags": 5, "use_correction": True})
    assert found.evidence.value == pytest.approx(fit.tvalues[0], rel=1e-6)
    assert found.evidence.n == 333


def test_the_timid_save_more() -> None:
    snapshot = holdings()
    saved = [
        of_kind(snapshot, "risk_parity", held(snapshot, risk_tolerance=each)).risk_reduction_usd
        for each in (RiskTolerance.HIGH, RiskTolerance.MEDIUM, RiskTolerance.LOW)
    ]
    assert saved == sorted(saved)
    assert saved[0] < saved[2]


def test_equal_weights_of_coins_that_are_alike_stay_as_they_are() -> None:
    found = 0
    for seed in range(40):
        logs = np.log(walks(seed, 1, 1000, 0.004)) + np.log(walks(seed + 999, 4, 1000, 0.004))
        snapshot = market({"1h": np.exp(logs)})
        found += len(find(snapshot, held(snapshot)).opportunities)
    assert found <= 3


def test_costs_beyond_the_saving_leave_nothing() -> None:
    snapshot = holdings()
    assert (
        find(snapshot, held(snapshot, fees={"venue": {"spot_taker": 0.5, "perpetual_taker": 0.5}})).opportunities == ()
    )
    tiny = Investor(holdings={f"A{i}": 0.01 for i in range(4)})
    assert find(snapshot, tiny).opportunities == ()


def test_holdings_without_past_are_left_alone_and_named() -> None:
    snapshot = holdings()
    assert snapshot.spot is not None
    bars = snapshot.spot.candles["1h"]
    close = bars.close.copy()
    close[3, :-480] = np.nan
    young = replace(snapshot, spot=replace(snapshot.spot, candles={"1h": replace(bars, close=close)}))
    who = held(snapshot)
    found = of_kind(young, "minimum_variance", replace(who, holdings={**who.holdings, "GONE": 1.0}))
    assert found.metadata["left_alone"] == ["A3", "GONE"]
    assert {leg["symbol"] for leg in found.metadata["legs"]} <= {"A0/USDT", "A1/USDT", "A2/USDT"}


def test_order_other_coins_and_units_change_nothing() -> None:
    snapshot = holdings()
    expected = of_kind(snapshot, "minimum_variance", held(snapshot))
    assert of_kind(picked(snapshot, [3, 1, 4, 0, 2]), "minimum_variance", held(snapshot)) == expected
    assert of_kind(picked(snapshot, [0, 1, 2, 3]), "minimum_variance", held(snapshot)) == expected
    pieces = scaled(snapshot, 1 / 64)
    found = of_kind(pieces, "minimum_variance", held(pieces))
    assert found.risk_reduction_usd == pytest.approx(expected.risk_reduction_usd, rel=1e-6)


@pytest.mark.parametrize(
    ("snapshot", "who", "reason"),
    [
        (holdings(), Investor(), "no holdings are stored"),
        (holdings(), Investor(holdings={"USDT": 5.0}), "all holdings are cash"),
        (holdings(), Investor(holdings={"A0": 5.0}), "fewer than two holdings"),
        (holdings(), Investor(holdings={"GONE": 5.0}), "none of the holdings"),
        (replace(holdings(), spot=None), held(holdings()), "no spot market"),
        (market({"1h": walks(1, 4, 700)}), held(holdings()), "720 closed candles"),
        (market({"1d": walks(1, 4, 300)}), held(holdings()), "no fresh 1h candles"),
        (replace(holdings(), captured_at=CAPTURED_AT + 3 * HOUR), held(holdings()), "no fresh 1h candles"),
        (market({"1h": np.vstack([walks(1, 1, 900), np.full((3, 900), 5.0)])}), held(holdings()), "fewer than two"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(
    snapshot: MarketSnapshot, who: Investor, reason: str
) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(snapshot, who)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    late=st.integers(1, 999),
    amounts=st.lists(st.floats(1e-9, 1e6), min_size=5, max_size=5),
)
def test_bad_series_never_reach_an_answer(seed: int, late: int, amounts: list[float]) -> None:
    close = walks(seed, 5, 1000) * np.array([1, 1e-6, 1e3, 1, 1])[:, None]
    close[3, :late] = np.nan
    close[4] = 3.0
    snapshot = market({"1h": close}, volume_24h_usd=np.array([1e7, 1e7, 1e7, 1e7, 0.0]))
    who = Investor(holdings={f"A{i}": amount for i, amount in enumerate(amounts)})
    for found in find(snapshot, who).opportunities:
        assert len(json.dumps(asdict(found), allow_nan=False)) < 2200
        assert 0 <= found.confidence_score <= 1
        assert found.risk_reduction_usd > 0
        assert "A4/USDT" not in {leg["symbol"] for leg in found.metadata["legs"]}
