"""What must hold of every strategy alike."""

import json
import math
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from opportunities import strategies, wire
from opportunities.domain import Investor
from opportunities.errors import Unsuitable
from opportunities.market.planting.demo import planted_market
from opportunities.market.snapshot import MarketSnapshot
from opportunities.selection import ranked

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
def test_it_finds_what_was_planted_and_says_why_in_finite_numbers(name: str, market: MarketSnapshot) -> None:
    found = strategies.load(name)(market, INVESTOR).opportunities
    assert found
    for one in found:
        document = wire.opportunity_to_json(one)
        assert all(map(math.isfinite, numbers(document)))
        assert len(json.dumps(document, allow_nan=False)) < 2_500
        assert (one.strategy_id, one.opportunity_type in strategies.describe(name).opportunity_types) == (name, True)
        assert 0 <= one.confidence_score <= 1
        assert one.required_capital_usd > 0
        assert one.metadata["legs"]
        assert {"confidence", "expected_value_usd", "fees_usd", "slippage_usd"} <= set(one.metadata)


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
def test_of_a_market_without_information_it_makes_nothing(
    name: str, value: float, names: set[str] | None, market: MarketSnapshot
) -> None:
    sections = {key: ruined(getattr(market, key), value, names) for key in ("spot", "perpetuals", "futures", "options")}
    try:
        found = strategies.load(name)(replace(market, **sections), INVESTOR).opportunities
    except Unsuitable as refusal:
        assert str(refusal)  # noqa: PT017 - a refusal is one of two right answers
    else:
        assert all(map(math.isfinite, numbers([wire.opportunity_to_json(one) for one in found])))
        assert not found


@pytest.mark.parametrize("section", ["spot", "perpetuals", "options", "futures"])
@pytest.mark.parametrize("name", strategies.names())
def test_without_a_section_it_refuses_with_a_reason_or_does_without(
    name: str, section: str, market: MarketSnapshot
) -> None:
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
