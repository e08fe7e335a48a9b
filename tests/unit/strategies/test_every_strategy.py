"""What must hold of every strategy alike."""

import json
import math
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from opportunities import serialization, strategies
from opportunities.domain import Investor, Purpose, Timeframe
from opportunities.errors import Unsuitable
from opportunities.market.planted.demo import planted_market
from opportunities.market.snapshot import MarketSnapshot
from opportunities.ranking import ranked, score

MOMENT = 1_795_291_200
INVESTOR = Investor(capital_usd=50_000.0, holdings={"BTC": 1.0, "ETH": 8.0, "SOL": 150.0})


@pytest.fixture(scope="module")
def market() -> MarketSnapshot:
    return planted_market(7, MOMENT)


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in numbers(each)]
    if isinstance(value, list | tuple):
        return [number for each in value for number in numbers(each)]
    return [float(value)] if isinstance(value, int | float) else []


@pytest.mark.parametrize("name", strategies.names())
def test_strategy_finds_what_was_planted_and_says_why_in_finite_numbers(name: str, market: MarketSnapshot) -> None:
    found = strategies.load(name)(market, INVESTOR).opportunities
    assert found
    for one in found:
        document = serialization.opportunity_to_json(one)
        assert all(map(math.isfinite, numbers(document)))
        assert (one.strategy_id, one.opportunity_type in strategies.describe(name).opportunity_types) == (name, True)
        assert 0 <= one.confidence_score <= 1
        assert one.required_capital_usd > 0
        assert one.metadata["legs"]
        assert {"expected_value_usd", "fees_usd", "slippage_usd", "stop"} <= set(one.metadata)
        assert one.action.split()[0] in ({"quote"} if name == "market_making" else {"buy", "sell"})
        assert one.evidence.n > 0
        assert one.evidence.p_value is None or 0 <= one.evidence.p_value <= 1
        assert one.estimated_timeframe is Timeframe.of(one.horizon_hours)
        lowers = name in {"hedge_position", "portfolio_optimization", "risk_management"}
        assert one.purpose is (Purpose.RISK_REDUCTION if lowers else Purpose.PROFIT)
        numbers_of_both = (one.profit_potential_usd, one.risk_reduction_usd)
        assert numbers_of_both[not lowers] is None
        assert numbers_of_both[lowers] is not None
        for leg in document["metadata"]["legs"]:
            assert {"exchange": "", **leg}.keys() == {"side", "symbol", "exchange", "quantity", "price"}


COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "DOT", "LINK", "AVAX")
WIDE = replace(INVESTOR, holdings=dict.fromkeys(COINS, 50.0))


@pytest.mark.parametrize("investor", [INVESTOR, WIDE], ids=["three holdings", "nine holdings"])
@pytest.mark.parametrize("name", strategies.names())
def test_findings_are_written_in_few_bytes(name: str, investor: Investor, market: MarketSnapshot) -> None:
    """1.6 KB with up to six orders; each more is an order and a weight of 130 bytes."""
    for one in strategies.load(name)(market, investor).opportunities:
        document = serialization.opportunity_to_json(one) | {"score": score(one)}
        more = max(0, len(document["metadata"]["legs"]) - 6)
        assert len(json.dumps(document, separators=(",", ":"))) <= 1_600 + 130 * more


@pytest.mark.parametrize("name", strategies.names())
def test_writing_it_loses_no_number(name: str, market: MarketSnapshot) -> None:
    for one in strategies.load(name)(market, INVESTOR).opportunities:
        written, exact = serialization.opportunity_to_json(one), asdict(one)
        assert written.keys() == exact.keys()
        assert numbers(written) == pytest.approx(numbers(exact), rel=1e-6)
        for leg, order in zip(written["metadata"]["legs"], exact["metadata"]["legs"], strict=True):
            assert {"exchange": one.exchange, **leg}.keys() == {"exchange": "", **order}.keys()
            assert leg.get("exchange", one.exchange) == order.get("exchange", one.exchange)
            assert leg["quantity"] == pytest.approx(order["quantity"], rel=1e-9)


@pytest.mark.parametrize("name", strategies.names())
def test_its_opportunities_can_be_ranked(name: str, market: MarketSnapshot) -> None:
    found = strategies.load(name)(market, INVESTOR).opportunities
    assert sorted(map(id, ranked(found))) == sorted(map(id, found))


TRADED = {"volume", "volume_24h_usd", "bid_size", "ask_size"}


def ruined(part: Any, value: float, names: set[str] | None = None) -> Any:
    """The same section with every float replaced by `value`, or those of these names."""
    changes: dict[str, Any] = {}
    for field in fields(part):
        old = getattr(part, field.name)
        if isinstance(old, np.ndarray) and old.dtype.kind == "f" and (names is None or field.name in names):
            changes[field.name] = np.full_like(old, value)
        elif is_dataclass(old):
            changes[field.name] = ruined(old, value, names)
        elif isinstance(old, dict):
            changes[field.name] = {key: ruined(each, value, names) for key, each in old.items()}
    return replace(part, **changes)


@pytest.mark.parametrize(
    ("value", "names"), [(math.nan, None), (1.0, None), (0.0, TRADED)], ids=["NaN", "flat", "nothing traded"]
)
@pytest.mark.parametrize("name", strategies.names())
def test_strategy_finds_nothing_in_a_market_without_information(
    name: str, value: float, names: set[str] | None, market: MarketSnapshot
) -> None:
    sections = {key: ruined(getattr(market, key), value, names) for key in ("spot", "perpetuals", "futures", "options")}
    try:
        found = strategies.load(name)(replace(market, **sections), INVESTOR).opportunities
    except Unsuitable as refusal:
        assert str(refusal)  # noqa: PT017 - a refusal is one of two right answers
    else:
        assert all(map(math.isfinite, numbers([serialization.opportunity_to_json(one) for one in found])))
        assert not found


@pytest.mark.parametrize("section", ["spot", "perpetuals", "options", "futures"])
@pytest.mark.parametrize("name", strategies.names())
def test_strategy_refuses_or_does_without_a_missing_section(name: str, section: str, market: MarketSnapshot) -> None:
    less = replace(market, **{section: None}, missing={section: "the exchange was closed"})
    try:
        strategies.load(name)(less, INVESTOR)
    except Unsuitable as refusal:
        assert "the exchange was closed" in str(refusal)  # noqa: PT017 - a refusal is one of two right answers


@pytest.mark.parametrize("name", strategies.names())
def test_a_contract_margined_in_coin_is_never_taken_for_a_linear_one(name: str, market: MarketSnapshot) -> None:
    contracts = market.perpetuals
    assert contracts is not None
    symbols = tuple(f"{symbol.partition('/')[0]}/USD:{symbol.partition('/')[0]}" for symbol in contracts.symbols)
    inverse = replace(contracts, symbols=symbols, inverse=np.ones(len(symbols), dtype=np.int64))
    coined, find = replace(market, perpetuals=inverse), strategies.load(name)
    if name in {"pairs_trading", "statistical_arbitrage", "hedge_position"}:
        with pytest.raises(Unsuitable, match="no linear perpetuals"):
            find(coined, INVESTOR)
        return
    found = find(coined, INVESTOR).opportunities
    traded = {leg["symbol"] for one in found for leg in one.metadata.get("legs", [])} & set(symbols)
    assert bool(traded) is (name == "funding_arbitrage")
