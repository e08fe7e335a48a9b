"""Domain objects as JSON and back, for the scan item, the workflow's input and the result items.

Only what we ourselves have written is read here; callers' input is checked in `api/requests.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import EnumType
from typing import TYPE_CHECKING, Any, get_args, get_origin

from opportunities.domain import (
    Fees,
    Filters,
    Investor,
    Json,
    Opportunity,
    RiskTolerance,
    Scan,
)

if TYPE_CHECKING:
    from opportunities import responses

_ORDERED = {"quantity", "size"}


def filters_to_json(filters: Filters) -> dict[str, Json]:
    """Only what was asked for, so that the item stays small."""
    default = Filters()
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(filters).items()
        if value != getattr(default, name)
    }


def filters_from_json(data: Mapping[str, Any]) -> Filters:
    """Each value as its field's annotation has it: lists become tuples, and names members of their enumeration."""
    kinds = {one.name: one.type for one in fields(Filters)}
    return Filters(**{name: _restored(kinds[name], value) for name, value in data.items() if name in kinds})


def _restored(kind: Any, value: Any) -> Any:  # noqa: ANN401 - the annotation of any field, and its value
    if get_origin(kind) is tuple:
        return tuple(get_args(kind)[0](one) for one in value)
    return next((one(value) for one in get_args(kind) if isinstance(one, EnumType)), value)


def investor_to_json(investor: Investor) -> "responses.Profile":
    return {
        "capital_usd": investor.capital_usd,
        "risk_tolerance": investor.risk_tolerance,
        "holdings": dict(investor.holdings),
        "fees": {
            exchange: {one.name: stated.get(one.name) for one in fields(Fees)}
            for exchange, stated in investor.fees.items()
        },
        "allowed_exchanges": list(investor.allowed_exchanges),
        "allowed_assets": list(investor.allowed_assets),
        "version": investor.version,
    }


def investor_from_json(data: "responses.Profile") -> Investor:
    return Investor(
        capital_usd=data["capital_usd"],
        risk_tolerance=RiskTolerance(data["risk_tolerance"]),
        holdings=dict(data["holdings"]),
        fees={
            exchange: {name: fee for name, fee in stated.items() if fee is not None}
            for exchange, stated in data["fees"].items()
        },
        allowed_exchanges=tuple(data["allowed_exchanges"]),
        allowed_assets=tuple(data["allowed_assets"]),
        version=data["version"],
    )


def opportunity_to_json(opportunity: Opportunity) -> dict[str, Any]:
    """As results hold it: a leg names its exchange where that is not the opportunity's; numbers are `_rounded`."""
    document = asdict(opportunity)
    for leg in document["metadata"]["legs"]:
        if leg.get("exchange") == opportunity.exchange:
            del leg["exchange"]
    return {key: _rounded(key, value) for key, value in document.items()}


def _rounded(key: str, value: Json) -> Json:
    """Floats to seven significant digits, more would say nothing; what an order is for to ten, to keep whole lots."""
    if isinstance(value, float):
        return float(f"{value:.{10 if key in _ORDERED else 7}g}")
    if isinstance(value, dict):
        return {name: _rounded(name, each) for name, each in value.items()}
    return [_rounded(key, each) for each in value] if isinstance(value, list) else value


def execution_input(scan: Scan, investor: Investor, window: int) -> dict[str, Any]:
    """The workflow's input: made only from what is stored, so that a repeated start is the same start."""
    return {
        "user_id": scan.user_id,
        "scan_id": scan.scan_id,
        "deadline": scan.deadline,
        "expires_at": scan.expires_at,
        "window": window,
        "strategies": list(scan.strategies),
        "snapshot": scan.filters.snapshot,
        "filters": filters_to_json(scan.filters),
        "investor": investor_to_json(investor),
    }


@dataclass(frozen=True)
class StrategyTask:
    """What the workflow asks of one strategy Lambda."""

    user_id: str
    scan_id: str
    deadline: int
    expires_at: int
    snapshot_key: str
    filters: Filters
    investor: Investor


def task_from_json(event: Mapping[str, Any]) -> StrategyTask:
    return StrategyTask(
        user_id=event["user_id"],
        scan_id=event["scan_id"],
        deadline=event["deadline"],
        expires_at=event["expires_at"],
        snapshot_key=event["snapshot_key"],
        filters=filters_from_json(event["filters"]),
        investor=investor_from_json(event["investor"]),
    )


def timestamp(epoch_seconds: float) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
