"""How domain objects look as DynamoDB items: keys, attributes and back. `store.py` reads and writes them.

pk and sk stand in every item; the scan item has one attribute per finished strategy, named after it.

scan      pk USER#<user_id>            sk SCAN#<scan_id>
result    pk RESULT#<user>#<scan_id>   sk <strategy>       opportunities, compressed
investor  pk USER#<user_id>            sk PROFILE
rate      pk USER#<user_id>            sk RATE#<minute>    requests of one minute

A scan that its owner has deleted leaves its key, `state` "deleted" and `expires_at`, so that no late request or
strategy brings it back. The index `by-creation` orders a user's scans by `created_at`, which nothing else carries.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opportunities import serialization
from opportunities.aws.dynamodb import Item
from opportunities.domain import (
    Best,
    Investor,
    Json,
    Outcome,
    OutcomeStatus,
    Scan,
    ScanState,
)

# Every other attribute of a scan item is the outcome of the strategy it is named after.
SCAN_ATTRIBUTES = frozenset(
    {
        "pk", "sk", "state", "strategies", "created_at", "updated_at", "deadline", "expires_at",
        "investor_version", "filters", "snapshot_key", "execution", "reason", "request", "taken_over",
    }
)  # fmt: skip
REASON_LENGTH = 96
BY_CREATION = "by-creation"
DELETED = "deleted"


@dataclass(frozen=True)
class StoredResult:
    """What one strategy found in one scan: at most `services.strategy.MOST` opportunities, best first."""

    strategy: str
    opportunities: Sequence[Mapping[str, Any]]
    truncated: int
    examined: int
    market: Mapping[str, Json]
    investor: Mapping[str, Any]


def number(value: float) -> dict[str, str]:
    """DynamoDB holds 38 decimal digits; repr of a float needs 17 and reads back as the same float."""
    return {"N": repr(value)}


def user_key(user_id: str) -> dict[str, str]:
    """The partition that holds a user's scans, his investor and his rates."""
    return {"S": f"USER#{user_id}"}


def scan_key(user_id: str, scan_id: str) -> Item:
    return {"pk": user_key(user_id), "sk": {"S": f"SCAN#{scan_id}"}}


def scan_id_of(key: Item) -> str:
    return str(key["sk"]["S"]).removeprefix("SCAN#")


def scan_to_item(scan: Scan) -> Item:
    return {
        **scan_key(scan.user_id, scan.scan_id),
        "state": {"S": scan.state},
        "strategies": {"L": [{"S": name} for name in scan.strategies]},
        "created_at": number(scan.created_at),
        "updated_at": number(scan.updated_at),
        "deadline": number(scan.deadline),
        "expires_at": number(scan.expires_at),
        "investor_version": number(scan.investor_version),
        "filters": {"S": json.dumps(serialization.filters_to_json(scan.filters), separators=(",", ":"))},
        **({"request": {"S": scan.request}} if scan.request else {}),
    }


def deleted_scan(user_id: str, scan_id: str, expires_at: int) -> Item:
    """What stays of a scan that its owner has deleted."""
    return {**scan_key(user_id, scan_id), "state": {"S": DELETED}, "expires_at": number(expires_at)}


def is_deleted(item: Item) -> bool:
    return bool(item["state"]["S"] == DELETED)


def scan_from_item(item: Item) -> Scan:
    reason = item.get("reason", {}).get("S")
    return Scan(
        user_id=item["pk"]["S"].removeprefix("USER#"),
        scan_id=scan_id_of(item),
        state=ScanState(item["state"]["S"]),
        strategies=tuple(name["S"] for name in item["strategies"]["L"]),
        created_at=float(item["created_at"]["N"]),
        updated_at=float(item["updated_at"]["N"]),
        deadline=int(item["deadline"]["N"]),
        expires_at=int(item["expires_at"]["N"]),
        investor_version=int(item["investor_version"]["N"]),
        filters=serialization.filters_from_json(json.loads(item["filters"]["S"])),
        snapshot_key=item.get("snapshot_key", {}).get("S"),
        reason=reason or None,
        request=item.get("request", {}).get("S"),
        outcomes={
            name: outcome_from_attribute(attribute) for name, attribute in item.items() if name not in SCAN_ATTRIBUTES
        },
    )


def outcome_to_attribute(outcome: Outcome) -> dict[str, Any]:
    fields: Item = {"status": {"S": outcome.status}}
    if outcome.status is OutcomeStatus.COMPLETE:
        fields["opportunities"] = number(outcome.opportunities)
    if outcome.duration_ms:
        fields["duration_ms"] = number(outcome.duration_ms)
    if outcome.reason:
        fields["reason"] = {"S": _cut(outcome.reason)}
    if outcome.best:
        # A list, not a map: four attribute names in each of fourteen outcomes would cost 800 bytes.
        fields["best"] = {
            "L": [
                {"S": outcome.best.symbol},
                {"S": outcome.best.opportunity_type},
                {"NULL": True}
                if outcome.best.profit_potential_usd is None
                else number(round(outcome.best.profit_potential_usd, 2)),
                number(round(outcome.best.confidence_score, 4)),
            ]
        }
    return {"M": fields}


def _cut(reason: str) -> str:
    return reason if len(reason) <= REASON_LENGTH else reason[: REASON_LENGTH - 1] + "…"


def outcome_from_attribute(attribute: Mapping[str, Any]) -> Outcome:
    fields = attribute["M"]
    best = None
    if "best" in fields:
        symbol, opportunity_type, profit, confidence = fields["best"]["L"]
        profit_usd = float(profit["N"]) if "N" in profit else None
        best = Best(symbol["S"], opportunity_type["S"], profit_usd, float(confidence["N"]))
    return Outcome(
        status=OutcomeStatus(fields["status"]["S"]),
        opportunities=int(fields.get("opportunities", {}).get("N", 0)),
        duration_ms=int(fields.get("duration_ms", {}).get("N", 0)),
        reason=fields.get("reason", {}).get("S"),
        best=best,
    )


def result_key(user_id: str, scan_id: str) -> dict[str, str]:
    """The partition that holds the results of one scan."""
    return {"S": f"RESULT#{user_id}#{scan_id}"}


def rate_key(user_id: str, minute: int) -> Item:
    return {"pk": user_key(user_id), "sk": {"S": f"RATE#{minute}"}}


def profile_key(user_id: str) -> Item:
    return {"pk": user_key(user_id), "sk": {"S": "PROFILE"}}


def result_to_item(user_id: str, scan_id: str, result: StoredResult, expires_at: int) -> Item:
    body = {"opportunities": result.opportunities, "market": result.market, "investor": result.investor}
    return {
        "pk": result_key(user_id, scan_id),
        "sk": {"S": result.strategy},
        "body": {"B": zlib.compress(json.dumps(body, allow_nan=False, separators=(",", ":")).encode())},
        "truncated": number(result.truncated),
        "examined": number(result.examined),
        "expires_at": number(expires_at),
    }


def result_from_item(item: Item) -> StoredResult:
    body = json.loads(zlib.decompress(item["body"]["B"]))
    return StoredResult(
        strategy=item["sk"]["S"],
        opportunities=body["opportunities"],
        truncated=int(item["truncated"]["N"]),
        examined=int(item["examined"]["N"]),
        market=body["market"],
        investor=body["investor"],
    )


def investor_to_text(investor: Investor) -> str:
    """The investor as the attribute `investor` holds him; his version has an attribute of its own, to be counted up."""
    return json.dumps(serialization.investor_to_json(investor) | {"version": None}, separators=(",", ":"))


def investor_from_item(item: Item) -> Investor:
    return serialization.investor_from_json(json.loads(item["investor"]["S"]) | {"version": int(item["version"]["N"])})
