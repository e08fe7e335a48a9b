import json
from dataclasses import asdict, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import yule_walker

from opportunities.domain import Fees, Investor, Opportunity
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.strategies import load
from opportunities.strategies.funding_arbitrage import break_even_periods
from tests.support.markets import CAPTURED_AT, HOUR, books, funding, market, perpetuals, picked, scaled, walks

find = load("funding_arbitrage")

INVESTOR = Investor(capital_usd=50_000.0)
RICH, POOR = 3e-4, 0.0


def planted(means: tuple[float, ...] = (RICH, POOR, POOR), seed: int = 1, **changes: object) -> MarketSnapshot:
    """A market whose first contract pays 3 basis points every 8 hours, and the others nothing on average."""
    snapshot = market({"1h": walks(seed, len(means), 260, 0.004)})
    spot = snapshot.spot
    assert spot is not None
    history = funding(seed, np.array(means))
    return replace(
        snapshot,
        spot=replace(spot, books=books(spot, seed)),
        perpetuals=perpetuals(spot, history, **changes),  # type: ignore[arg-type]
    )


def best(snapshot: MarketSnapshot, investor: Investor = INVESTOR) -> Opportunity:
    return find(snapshot, investor).opportunities[0]


def test_a_contract_that_pays_well_is_found_among_contracts_that_do_not() -> None:
    findings = find(planted(), INVESTOR)
    assert [found.symbol for found in findings.opportunities] == ["A0/USDT:USDT"]
    assert findings.examined == 3


def test_break_even_is_exact_arithmetic() -> None:
    cost, rate = Fraction(30, 10_000), Fraction(1089, 10_000_000)
    assert break_even_periods(float(cost), float(rate)) == pytest.approx(float(cost / rate), rel=1e-12)
    assert break_even_periods(float(cost), float(rate)) == pytest.approx(27.5, abs=0.06)


def test_its_money_adds_up_by_hand() -> None:
    snapshot = planted()
    spot, contracts = snapshot.spot, snapshot.perpetuals
    assert spot is not None
    assert contracts is not None
    assert spot.books is not None
    found = best(snapshot)
    size = found.metadata["size"]

    def walk(prices: np.ndarray, sizes: np.ndarray) -> float:
        left, paid = size, 0.0
        for price, volume in zip(prices, sizes, strict=True):
            taken = min(left, volume)
            paid, left = paid + taken * price, left - taken
        return paid

    volatility = np.std(np.diff(np.log(walks(1, 3, 260, 0.004)[0, -169:])), ddof=1) * np.sqrt(24)
    bid, ask = contracts.bid[0], contracts.ask[0]
    short = size * bid / (1 + volatility * np.sqrt(size * bid / 50e6))
    cover = size * ask * (1 + volatility * np.sqrt(size * ask / 50e6))
    bought = walk(spot.books.ask_price[0], spot.books.ask_size[0])
    sold = walk(spot.books.bid_price[0], spot.books.bid_size[0])
    fees = 0.001 * (bought + sold) + 0.0005 * (short + cover)
    costs = bought - sold + cover - short + fees
    rates = contracts.funding_history[0]
    phi = yule_walker(rates, order=1, method="mle", result_object=False)[0][0]
    expected = sum(rates.mean() + (contracts.funding_rate[0] - rates.mean()) * phi**k for k in range(90))
    margin = short * max(1 / 3, 0.01 + 3 * volatility * np.sqrt(7))

    assert found.metadata["fees_usd"] == pytest.approx(fees, rel=1e-9)
    assert found.metadata["costs_usd"] == pytest.approx(costs, rel=1e-9)
    assert found.metadata["funding"]["expected_sum"] == pytest.approx(expected, rel=1e-9)
    assert found.profit_potential_usd == pytest.approx(expected * short - costs, rel=1e-9)
    assert found.required_capital_usd == pytest.approx(bought * 1.001 + margin + short * 0.0005, rel=1e-9)
    assert found.metadata["liquidation_price"] == pytest.approx((margin + short) / size / 1.0105, rel=1e-9)
    assert found.metadata["funding"]["break_even_periods"] == pytest.approx(costs / short / expected * 90, rel=1e-9)
    assert found.required_capital_usd <= 1.01 * 0.2 * INVESTOR.capital_usd


def test_the_planned_loss_of_leaving_at_once_bounds_the_size() -> None:
    snapshot = planted((2e-3,))
    spot, contracts = snapshot.spot, snapshot.perpetuals
    assert spot is not None
    assert contracts is not None
    bare = replace(snapshot, spot=replace(spot, books=None))
    found = best(bare, replace(INVESTOR, fees={"venue": {"spot_taker": 0.03, "perpetual_taker": 0.01}}))
    spreads = (spot.ask[0] - spot.bid[0] + contracts.ask[0] - contracts.bid[0]) / spot.ask[0]
    assert found.metadata["size"] * spot.ask[0] == pytest.approx(500 / (0.08 + spreads), rel=1e-9)


def test_the_interval_of_the_contract_is_used() -> None:
    eight, one = best(planted()), best(planted(hours=1.0))
    assert (eight.metadata["funding"]["periods"], one.metadata["funding"]["periods"]) == (90, 720)
    assert one.profit_potential_usd > 7 * eight.profit_potential_usd


def test_payments_made_at_an_earlier_interval_do_not_count() -> None:
    snapshot = planted()
    contracts = snapshot.perpetuals
    assert contracts is not None
    times = contracts.funding_time.copy()
    times[:, :-120] -= 4 * HOUR
    moved = replace(snapshot, perpetuals=replace(contracts, funding_time=times))
    assert best(moved).evidence.n == 120
    times[:, :-80] -= 4 * HOUR
    with pytest.raises(Unsuitable, match="90 recent funding payments"):
        find(replace(snapshot, perpetuals=replace(contracts, funding_time=times)), INVESTOR)


def test_a_perpetual_below_spot_is_charged_with_closing_the_gap_and_a_premium_is_not_credited() -> None:
    par, above, below = (best(planted(basis=basis)) for basis in (0.0, 1e-3, -1e-3))
    assert above.metadata["costs_usd"] == pytest.approx(par.metadata["costs_usd"], rel=1e-2)
    assert below.metadata["costs_usd"] - par.metadata["costs_usd"] == pytest.approx(
        1e-3 * below.metadata["notional_usd"], rel=1e-2
    )


def test_a_high_current_rate_alone_is_not_taken_for_the_next_thirty_days() -> None:
    snapshot = planted((POOR, POOR))
    contracts = snapshot.perpetuals
    assert contracts is not None
    spike = replace(snapshot, perpetuals=replace(contracts, funding_rate=np.array([5e-4, 0.0])))
    assert find(spike, INVESTOR).opportunities == ()


def test_negative_funding_is_left_alone() -> None:
    assert find(planted((-RICH, -RICH)), INVESTOR).opportunities == ()


def test_funding_without_a_mean_is_not_found_and_break_even_at_most_once_in_twenty() -> None:
    found, examined = {0.0: 0, 1.0: 0}, 0
    reference = best(planted((RICH,)))
    cost = reference.metadata["costs_usd"] / reference.metadata["notional_usd"]
    for seed in range(20):
        for share in found:
            means = (share * cost / 90,) * 25
            found[share] += len(find(planted(means, seed), INVESTOR).opportunities)
        examined += 25
    assert found[0.0] == 0
    assert found[1.0] <= stats.binom.ppf(0.999, examined, 0.05)


def test_every_clearly_paying_contract_is_found() -> None:
    findings = [find(planted((RICH,) * 10, seed), INVESTOR) for seed in range(20)]
    assert sum(len(each.opportunities) for each in findings) == 200


def test_the_order_of_symbols_and_contracts_changes_nothing() -> None:
    assert find(picked(planted(), [2, 0, 1]), INVESTOR) == find(planted(), INVESTOR)


def test_another_asset_changes_no_opportunity() -> None:
    snapshot = planted((RICH, RICH))
    assert best(picked(snapshot, [0])) in find(snapshot, INVESTOR).opportunities


def test_prices_in_pieces_give_the_same_money() -> None:
    found, pieces = best(planted()), best(scaled(planted(), 1000.0))
    assert pieces.profit_potential_usd == pytest.approx(found.profit_potential_usd, rel=1e-9)
    assert pieces.confidence_score == pytest.approx(found.confidence_score, rel=1e-9)


def test_the_spot_market_of_the_same_exchange_hedges_even_if_another_is_cheaper() -> None:
    spot = market({"1h": np.repeat(walks(1, 1, 260), 3, axis=0)}).spot
    assert spot is not None
    twins = replace(
        spot,
        symbols=("A0/USDT",) * 3,
        exchanges=("other", "venue", "third"),
        bid=spot.bid * [0.99, 1, 0.98],
        ask=spot.ask * [0.99, 1, 0.98],
    )
    fees = {name: Fees(0.001, 0.0005) for name in ("venue", "other", "third", "far")}
    contracts = perpetuals(spot, funding(1, np.array([RICH])), basis=0.0, exchanges=("venue",))
    snapshot = MarketSnapshot(CAPTURED_AT, "test", fees, spot=twins, perpetuals=contracts)
    assert best(snapshot).metadata["legs"][0]["exchange"] == "venue"
    elsewhere = replace(snapshot, perpetuals=replace(contracts, exchanges=("far",)))
    assert best(elsewhere).metadata["legs"][0]["exchange"] == "third"


def test_a_coin_that_only_shares_the_name_is_no_hedge() -> None:
    with pytest.raises(Unsuitable, match="spot market of the same base"):
        find(planted(basis=0.2), INVESTOR)


@pytest.mark.parametrize(
    ("snapshot", "reason"),
    [
        (replace(planted(), perpetuals=None), "no perpetuals: the snapshot has none"),
        (replace(planted(), perpetuals=None, missing={"perpetuals": "the venue is down"}), "the venue is down"),
        (replace(planted(), spot=None), "no spot market"),
        (replace(planted(), captured_at=CAPTURED_AT + 24 * HOUR), "recent"),
        (planted(volume_24h_usd=np.full(3, np.nan)), "volume"),
        (planted(funding_history=np.full((3, 300), 1e-4)), "that vary"),
        (planted(funding_history=np.full((3, 300), np.nan)), "90"),
        (planted(funding_rate=np.full(3, np.nan)), "no perpetual"),
        (planted(symbols=("A0/USD:A0", "A1/BTC:BTC", "B/USDT:USDT")), "same base"),
        (replace(planted(), fees={}), "no fees are known for venue"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(snapshot: MarketSnapshot, reason: str) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(snapshot, INVESTOR)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    mean=st.floats(-1e-3, 1e-2),
    listed=st.integers(1, 299),
    hours=st.sampled_from([1, 4, 8]),
)
def test_bad_series_never_reach_an_answer(seed: int, mean: float, listed: int, hours: int) -> None:
    history = funding(seed, np.full(4, mean))
    history[1, :listed] = np.nan
    history[2] = mean
    snapshot = planted((mean,) * 4, seed, hours=float(hours))
    spot, contracts = snapshot.spot, snapshot.perpetuals
    assert spot is not None
    assert contracts is not None
    bad = replace(
        snapshot,
        spot=replace(spot, bid=np.append(spot.bid[:3], np.nan)),
        perpetuals=replace(contracts, funding_history=history),
    )
    for found in find(bad, INVESTOR).opportunities:
        assert len(json.dumps(asdict(found), allow_nan=False)) < 1900
        assert 0 <= found.confidence_score <= 1
        assert found.profit_potential_usd > 0
        assert found.symbol in {"A0/USDT:USDT", "A1/USDT:USDT"}


def coin_margined(snapshot: MarketSnapshot) -> MarketSnapshot:
    """The same market with its first contract margined in the coin."""
    contracts = snapshot.perpetuals
    assert contracts is not None
    inverse = np.zeros(len(contracts.symbols), dtype=np.int64)
    inverse[0] = 1
    return replace(
        snapshot, perpetuals=replace(contracts, symbols=("A0/USD:A0", *contracts.symbols[1:]), inverse=inverse)
    )


def test_a_contract_margined_in_coin_is_hedged_by_the_coin_itself_and_needs_no_more_margin() -> None:
    linear, inverse = best(planted()), best(coin_margined(planted()))
    assert inverse.symbol == "A0/USD:A0"
    assert [leg["symbol"] for leg in inverse.metadata["legs"]] == ["A0/USDT", "A0/USD:A0"]
    assert inverse.metadata["liquidation_price"] is None
    bought, sold = inverse.metadata["legs"]
    assert inverse.required_capital_usd == pytest.approx(
        bought["quantity"] * bought["price"] * 1.001 + sold["quantity"] * sold["price"] * 0.0005, rel=1e-9
    )
    assert inverse.required_capital_usd / inverse.metadata["notional_usd"] < 1.01
    assert linear.required_capital_usd / linear.metadata["notional_usd"] > 1.3
    assert inverse.metadata["funding"]["expected_sum"] == linear.metadata["funding"]["expected_sum"]


@given(moves=st.lists(st.floats(-0.2, 0.25), min_size=1, max_size=90), seed=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_coins_and_an_inverse_short_of_their_worth_keep_it_on_every_path(moves: list[float], seed: int) -> None:
    """Booked in coins: payments sold as they come, the rest sold where the contract is closed."""
    rng = np.random.default_rng(seed)
    rates = rng.normal(3e-4, 1e-4, len(moves))
    snapshot = coin_margined(planted())
    found = best(snapshot)
    bought, sold = found.metadata["legs"]
    usd, coins = sold["quantity"] * sold["price"], bought["quantity"]
    price, paid = sold["price"], 0.0
    for move, rate in zip(moves, rates, strict=True):
        price *= 1 + move
        paid += rate * usd / price * price  # in coins of this moment, sold at once
    left = coins + usd * (1 / price - 1 / sold["price"])
    assert left * price + paid == pytest.approx(usd * (1 + rates.sum()), rel=1e-9)


def test_leaving_an_inverse_contract_at_once_loses_what_the_coins_say() -> None:
    snapshot = coin_margined(planted())
    spot, contracts = snapshot.spot, snapshot.perpetuals
    assert spot is not None
    assert contracts is not None
    bare = replace(snapshot, spot=replace(spot, books=None))
    found = best(bare, replace(INVESTOR, fees={"venue": {"spot_taker": 0.0, "perpetual_taker": 0.0}}))
    size, volatility = (
        found.metadata["size"],
        np.std(np.diff(np.log(walks(1, 3, 260, 0.004)[0, -169:])), ddof=1) * 24**0.5,
    )

    def moved(quote: float, volume: float, side: int) -> float:
        return float(quote * (1 + volatility * np.sqrt(size * quote / volume)) ** side)

    entry, leave = moved(contracts.bid[0], 50e6, -1), moved(contracts.ask[0], 50e6, 1)
    buy, sell = (moved(quote, spot.volume_24h_usd[0], side) for quote, side in ((spot.ask[0], 1), (spot.bid[0], -1)))
    coins = size + size * entry * (1 / leave - 1 / entry)
    assert found.metadata["costs_usd"] == pytest.approx(size * buy - coins * sell, rel=1e-8)
    assert found.profit_potential_usd == pytest.approx(
        found.metadata["funding"]["expected_sum"] * size * entry - found.metadata["costs_usd"], rel=1e-9
    )
