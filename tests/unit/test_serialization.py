"""Domain objects through JSON: what comes back is what was sent, and what is sent is what is written here."""

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities import serialization
from opportunities.domain import (
    AssetTier,
    Fees,
    Filters,
    Investor,
    RiskLevel,
    RiskTolerance,
    Timeframe,
)
from opportunities.serialization import StrategyTask
from tests.support.builders import SCAN_ID, USER, opportunity, scan

NAMES = st.text(max_size=5)
NUMBERS = st.floats(0, 1e12)
# Optional fields of each kind, so that none may stand in for another.
FILTERS = st.builds(
    Filters,
    *[st.lists(kind, max_size=3).map(tuple) for kind in (
        NAMES, NAMES, st.sampled_from(AssetTier), NAMES, st.sampled_from(Timeframe),
    )],
    st.none() | st.sampled_from(RiskLevel),
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    st.booleans(),
    st.none() | NAMES,
)  # fmt: skip
FEES = st.dictionaries(st.sampled_from([one.name for one in fields(Fees)]), st.floats(-0.01, 1))
INVESTORS = st.builds(
    Investor,
    NUMBERS,
    st.sampled_from(RiskTolerance),
    st.dictionaries(NAMES, NUMBERS, max_size=3),
    st.dictionaries(NAMES, FEES, max_size=2),
    st.lists(NAMES, max_size=3).map(tuple),
    st.lists(NAMES, max_size=3).map(tuple),
    st.integers(0, 10**9),
)


def sent(value: Any) -> Any:
    return json.loads(json.dumps(value))


@given(FILTERS)
def test_filters_come_back_as_they_were_sent(filters: Filters) -> None:
    back = serialization.filters_from_json(sent(serialization.filters_to_json(filters)))
    assert back == filters
    kinds = [type(one) for one in (*back.asset_tiers, *back.preferred_timeframes)]
    assert kinds == [AssetTier] * len(filters.asset_tiers) + [Timeframe] * len(filters.preferred_timeframes)
    assert back.filter_by_risk_level is None or isinstance(back.filter_by_risk_level, RiskLevel)


@given(FILTERS)
def test_only_what_was_asked_for_is_sent(filters: Filters) -> None:
    asked = {name for name, value in vars(filters).items() if value != vars(Filters())[name]}
    assert serialization.filters_to_json(filters).keys() == asked


@given(INVESTORS)
def test_an_investor_comes_back_as_sent(investor: Investor) -> None:
    back = serialization.investor_from_json(sent(serialization.investor_to_json(investor)))
    assert back == investor
    assert isinstance(back.risk_tolerance, RiskTolerance)


def test_the_workflow_is_told_all_that_it_needs_and_each_strategy_reads_it() -> None:
    filters, investor = Filters(symbols=("BTC",), snapshot="april"), Investor(capital_usd=7.0, version=4)
    document = serialization.execution_input(scan(filters=filters, strategies=("a", "b")), investor, 28)
    assert document["filters"] == {"symbols": ["BTC"], "snapshot": "april"}  # which answers show as it is
    assert sent(document) == {
        "user_id": USER,
        "scan_id": SCAN_ID,
        "deadline": scan().deadline,
        "expires_at": scan().expires_at,
        "window": 28,
        "strategies": ["a", "b"],
        "snapshot": "april",
        "filters": {"symbols": ["BTC"], "snapshot": "april"},
        "investor": {
            "capital_usd": 7.0,
            "risk_tolerance": "medium",
            "holdings": {},
            "fees": {},
            "allowed_exchanges": [],
            "allowed_assets": [],
            "version": 4,
        },
    }
    assert serialization.task_from_json(sent(document) | {"snapshot_key": "pinned/april"}) == StrategyTask(
        USER, SCAN_ID, scan().deadline, scan().expires_at, "pinned/april", filters, investor
    )


def test_a_leg_names_its_exchange_where_that_is_another() -> None:
    legs = [
        {"side": "buy", "symbol": "BTC/USDT", "exchange": "simulated"},
        {"side": "sell", "symbol": "BTC/USDT", "exchange": "elsewhere"},
        {"side": "sell", "symbol": "ETH/USDT"},
    ]
    document = sent(serialization.opportunity_to_json(opportunity(metadata={"legs": legs})))
    assert document["metadata"]["legs"] == [{"side": "buy", "symbol": "BTC/USDT"}, legs[1], legs[2]]
    assert document["exchange"] == "simulated"


@pytest.mark.parametrize(
    ("name", "kept"), [("quantity", 12345.67891), ("size", 12345.67891), ("z_score", 12345.68), ("notional", 12345.68)]
)
def test_orders_keep_ten_digits_and_all_else_seven(name: str, kept: float) -> None:
    number = 12345.678912345
    metadata = {name: number, "legs": [{name: number}], "all": {name: [number, 3, "text", None, True]}}
    document = serialization.opportunity_to_json(opportunity(entry_price=number, metadata=metadata))
    assert document["entry_price"] == 12345.68
    assert document["metadata"] == {
        name: kept,
        "legs": [{name: kept}],
        "all": {name: [kept, 3, "text", None, True]},
    }
