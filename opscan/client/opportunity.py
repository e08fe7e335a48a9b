"""One opportunity as the API tells it: what to do, what it may earn and lose, and the numbers behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opportunities.domain import Json
from opscan.client.values import items, mapping, number, text

PROFIT = "profit"
RISK_REDUCTION = "risk_reduction"


@dataclass(frozen=True)
class Evidence:
    """The statistic that the confidence is a function of; `p_value` is None where it has none."""

    statistic: str
    value: float | None
    n: int
    p_value: float | None

    @classmethod
    def of(cls, value: Json) -> "Evidence":
        body = mapping(value)
        sample = number(body.get("n"))
        return cls(
            text(body.get("statistic")), number(body.get("value")), int(sample or 0), number(body.get("p_value"))
        )


@dataclass(frozen=True)
class Stop:
    """Where the trade is given up: at a `price`, or where the statistic of this `name` is at `level`, or after `hours`.

    What does not apply is None, and `name` is empty.
    """

    price: float | None = None
    name: str = ""
    level: float | None = None
    hours: float | None = None

    @classmethod
    def of(cls, value: Json) -> "Stop | None":
        """As the API writes it: a price, {"z": 4.5, "hours": 12}, or null where there is none."""
        if isinstance(value, dict):
            levels = [(text(name), number(each)) for name, each in value.items() if name != "hours"]
            name, level = next((one for one in levels if one[1] is not None), ("", None))
            hours = number(value.get("hours"))
            return None if level is None and hours is None else cls(name=name, level=level, hours=hours)
        price = number(value)
        return None if price is None else cls(price=price)


@dataclass(frozen=True)
class Leg:
    """One order. `side` is "buy" or "sell"; `quantity` is in units that the strategy's description names."""

    side: str
    symbol: str
    exchange: str
    quantity: float | None
    price: float | None

    @classmethod
    def of(cls, value: Json, exchange: str) -> "Leg":
        body = mapping(value)
        return cls(
            text(body.get("side")),
            text(body.get("symbol")),
            text(body.get("exchange")) or exchange,
            number(body.get("quantity")),
            number(body.get("price")),
        )


@dataclass(frozen=True)
class Opportunity:
    """One proposed action. Names and units are the API's; None where it gave no number.

    `action` says what to do in one sentence. `purpose` is "profit" or "risk_reduction": the first has
    `profit_potential_usd`, the second `risk_reduction_usd`, which is no profit. `max_loss_usd` is the worst that the
    legs can lose; where `unlimited_loss`, there is no such number. `repeats` is the rank of a better opportunity on
    the same instruments and sides. `document` is all of it.
    """

    action: str
    purpose: str
    symbol: str
    exchange: str
    strategy_id: str
    strategy_name: str
    opportunity_type: str
    legs: tuple[Leg, ...]
    entry_price: float | None
    exit_price: float | None
    stop: Stop | None
    profit_potential_usd: float | None
    risk_reduction_usd: float | None
    max_loss_usd: float | None
    unlimited_loss: bool
    expected_value_usd: float | None
    fees_usd: float | None
    slippage_usd: float | None
    confidence_score: float | None
    evidence: Evidence
    risk_level: str
    required_capital_usd: float | None
    horizon_hours: float | None
    estimated_timeframe: str
    asset_tier: str
    score: float | None
    rank: int
    repeats: int | None
    document: Mapping[str, Json] = field(repr=False)

    @classmethod
    def of(cls, value: Json) -> "Opportunity":
        body = mapping(value)
        behind = mapping(body.get("metadata"))
        exchange = text(body.get("exchange"))
        return cls(
            action=text(body.get("action")),
            purpose=text(body.get("purpose")) or PROFIT,
            symbol=text(body.get("symbol")),
            exchange=exchange,
            strategy_id=text(body.get("strategy_id")),
            strategy_name=text(body.get("strategy_name")),
            opportunity_type=text(body.get("opportunity_type")),
            legs=tuple(Leg.of(leg, exchange) for leg in items(behind.get("legs"))),
            entry_price=number(body.get("entry_price")),
            exit_price=number(body.get("exit_price")),
            stop=Stop.of(behind.get("stop")),
            profit_potential_usd=number(body.get("profit_potential_usd")),
            risk_reduction_usd=number(body.get("risk_reduction_usd")),
            max_loss_usd=number(body.get("max_loss_usd")),
            unlimited_loss="max_loss_usd" in body and body["max_loss_usd"] is None,
            expected_value_usd=number(behind.get("expected_value_usd")),
            fees_usd=number(behind.get("fees_usd")),
            slippage_usd=number(behind.get("slippage_usd")),
            confidence_score=number(body.get("confidence_score")),
            evidence=Evidence.of(body.get("evidence")),
            risk_level=text(body.get("risk_level")),
            required_capital_usd=number(body.get("required_capital_usd")),
            horizon_hours=number(body.get("horizon_hours")),
            estimated_timeframe=text(body.get("estimated_timeframe")),
            asset_tier=text(body.get("asset_tier")),
            score=number(body.get("score")),
            rank=int(number(body.get("rank")) or 0),
            repeats=int(number(body.get("repeats")) or 0) or None,
            document=body,
        )
