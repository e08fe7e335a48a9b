"""A request arrives as the filters and the fees that there are: it has no field that nobody reads."""

import json
from dataclasses import fields
from typing import Any

import pytest
from pydantic import ValidationError

from opportunities.api.requests import DiscoverRequest, ProfileBody, parse
from opportunities.domain import AssetTier, Fees, Filters, RiskLevel, Timeframe

ASKED: dict[str, tuple[Any, Any]] = {
    "strategy_ids": ("scalping_strategy", ("scalping_strategy",)),
    "symbols": (["eth", "btc"], ("BTC", "ETH")),
    "asset_tiers": (["micro"], (AssetTier.MICRO,)),
    "opportunity_type": (["scalping"], ("scalping",)),
    "preferred_timeframes": ("4h,1h", (Timeframe.HOUR, Timeframe.HOURS_4)),
    "filter_by_risk_level": (RiskLevel.HIGH, RiskLevel.HIGH),
    "min_profit_potential": (1.5, 1.5),
    "max_required_capital": (2.5, 2.5),
    "include_strategy_recommendations": (False, False),
    "snapshot": ("april-2024", "april-2024"),
}


def test_request_has_a_field_for_every_filter_and_one_that_is_none() -> None:
    assert DiscoverRequest.model_fields.keys() == {one.name for one in fields(Filters)} | {"force_refresh"}


@pytest.mark.parametrize("name", [one.name for one in fields(Filters)])
def test_filter_reads_what_was_asked_for_and_nothing_else(name: str) -> None:
    given, read = ASKED[name]
    assert parse(DiscoverRequest, json.dumps({name: given}).encode()).filters() == Filters(**{name: read})


def test_null_is_no_restriction() -> None:
    empty = dict.fromkeys([name for name in ASKED if name != "include_strategy_recommendations"])
    assert DiscoverRequest.model_validate(empty).filters() == Filters()


@pytest.mark.parametrize("name", [one.name for one in fields(Fees)])
def test_every_fee_can_be_stated_within_its_bounds(name: str) -> None:
    def stated(fee: float | None) -> Any:
        body = ProfileBody.model_validate({"capital_usd": 1.0, "fees": {"binance": {name: fee}}})
        return body.investor().fees["binance"]

    least, most = (0.0, 1.0) if name == "option_cap" else (-0.01, 0.1)
    assert [stated(least), stated(most), stated(None)] == [{name: least}, {name: most}, {}]
    for beyond in (least - 0.001, most + 0.001):
        with pytest.raises(ValidationError):
            stated(beyond)
