"""What to do, in one short sentence made of the orders."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities.domain import AssetTier, Evidence, Leg, Proposal, Purpose, RiskLevel, Timeframe
from opportunities.trading.legs import action
from opportunities.trading.proposals import opportunity

BUY = Leg("buy", "BTC/USDT", "kraken", 0.5, 60_000.0)
SHORT = Leg("sell", "IMX/USDT:USDT", "kraken", 120.0, 1.5)
PROPOSAL = Proposal(
    opportunity_type="spot_momentum",
    symbol="BTC/USDT",
    exchange="kraken",
    purpose=Purpose.PROFIT,
    benefit_usd=41.25,
    evidence=Evidence("t of mean log return", 2.0, 168, 0.01),
    max_loss_usd=60.0,
    required_capital_usd=2_000.0,
    horizon_hours=121.67 * 24,
    entry_price=60_000.0,
    exit_price=61_500.0,
    asset_tier=AssetTier.INSTITUTIONAL,
    legs=(BUY,),
    stop=59_000.0,
    metadata={"expected_value_usd": 5.0},
)


@pytest.mark.parametrize(
    ("legs", "said"),
    [
        ((BUY,), "buy 0.5 BTC/USDT"),
        ((SHORT, BUY), "sell 120 IMX/USDT:USDT, buy 0.5 BTC/USDT"),
        ((SHORT, BUY, BUY), "sell 120 IMX/USDT:USDT, buy 0.5 BTC/USDT and 1 more"),
        ((SHORT, BUY, BUY, BUY), "sell 120 IMX/USDT:USDT, buy 0.5 BTC/USDT and 2 more"),
        ((BUY, replace(BUY, side="sell", exchange="okx")), "buy 0.5 BTC/USDT, sell 0.5 BTC/USDT on okx"),
        ((replace(BUY, quantity=1e-7),), "buy 0.0000001 BTC/USDT"),
        ((replace(BUY, quantity=725_700_000.0),), "buy 725700000 BTC/USDT"),
        ((replace(BUY, quantity=0.30000000000000004),), "buy 0.3 BTC/USDT"),
    ],
)
def test_the_action_names_two_orders_side_first_with_their_size(legs: tuple[Leg, ...], said: str) -> None:
    assert action(replace(PROPOSAL, legs=legs)) == said


def test_a_sale_of_own_coins_says_so_and_a_short_does_not() -> None:
    sale = replace(BUY, side="sell", quantity=1.2)
    lowers = replace(PROPOSAL, purpose=Purpose.RISK_REDUCTION)
    assert action(replace(lowers, legs=(sale,))) == "sell 1.2 BTC you hold"
    assert action(replace(lowers, legs=(sale, BUY))) == "sell 1.2 BTC you hold, buy 0.5 BTC/USDT"
    assert action(replace(lowers, legs=(SHORT,))) == "sell 120 IMX/USDT:USDT"
    assert action(replace(PROPOSAL, legs=(sale,))) == "sell 1.2 BTC/USDT"


def test_the_action_of_a_maker_is_to_quote_both_sides_and_to_hold_an_inventory() -> None:
    quotes = replace(PROPOSAL, legs=(BUY, replace(BUY, side="sell")), metadata={"initial_inventory": 2.5})
    assert action(quotes) == "quote 0.5 BTC/USDT on both sides, holding 2.5"


@given(st.floats(1e-12, 1e12))
def test_the_quantity_is_readable_and_near_what_is_ordered(quantity: float) -> None:
    said = action(replace(PROPOSAL, legs=(replace(BUY, quantity=quantity),))).split()[1]
    assert "e" not in said.lower()
    assert float(said) == pytest.approx(quantity, rel=1e-6)


def test_an_opportunity_says_who_found_it_when_and_what_follows_from_its_numbers() -> None:
    one = opportunity(PROPOSAL, strategy_id="momentum", strategy_name="Momentum", discovered_at=7)
    assert (one.strategy_id, one.strategy_name, one.discovered_at) == ("momentum", "Momentum", 7)
    assert (one.profit_potential_usd, one.risk_reduction_usd) == (41.25, None)
    assert (one.risk_level, one.estimated_timeframe) == (RiskLevel.MEDIUM, Timeframe.DAYS_180)
    assert one.confidence_score == pytest.approx(0.889, abs=1e-3)
    assert one.action == "buy 0.5 BTC/USDT"
    assert one.metadata == {
        "expected_value_usd": 5.0,
        "stop": 59_000.0,
        "legs": [{"side": "buy", "symbol": "BTC/USDT", "exchange": "kraken", "quantity": 0.5, "price": 60_000.0}],
    }


def test_risk_reduction_has_no_profit_and_an_unbounded_loss_is_very_high() -> None:
    lowers = replace(PROPOSAL, purpose=Purpose.RISK_REDUCTION, max_loss_usd=None)
    one = opportunity(lowers, strategy_id="hedge", strategy_name="Hedge", discovered_at=7)
    assert (one.profit_potential_usd, one.risk_reduction_usd) == (None, 41.25)
    assert (one.max_loss_usd, one.risk_level) == (None, RiskLevel.VERY_HIGH)


def test_profit_fixed_at_entry_is_believed_as_far_as_its_edge_is_net() -> None:
    fixed = replace(PROPOSAL, evidence=Evidence("net edge over edge before costs", 0.67, 2))
    assert opportunity(fixed, strategy_id="a", strategy_name="A", discovered_at=7).confidence_score == 0.67
