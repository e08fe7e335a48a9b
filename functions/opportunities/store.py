"""The only module that calls DynamoDB: which item is written under which condition, and how it is read.

Every read is strongly consistent. Every write after the first is conditional: UpdateItem is an upsert and would
bring back a scan that has expired.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from opportunities import items
from opportunities.domain import Investor, Outcome, Scan, ScanState
from opportunities.errors import Unavailable
from opportunities.items import Item, StoredResult

# What passes by itself; botocore has already retried these.
_TRANSIENT = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
}
_RUNNING = "attribute_exists(pk) AND #state IN (:initiated, :scanning) AND deadline > :now"
_RUNNING_VALUES = {":initiated": {"S": "initiated"}, ":scanning": {"S": "scanning"}}


@dataclass(frozen=True)
class Store:
    """The table's operations. Raises `Unavailable` when DynamoDB does not answer; programming errors crash."""

    client: Any
    table: str

    # ------------------------------------------------------------------------------------------------- scans
    def put_scan(self, scan: Scan) -> Scan | None:
        """Writes the placeholder unless the scan exists; the existing one comes back in the same round trip."""
        try:
            self._call(
                "put_item",
                Item=items.scan_to_item(scan),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except _ConditionFailed as failed:
            return items.scan_from_item(failed.item)
        return None

    def scan(self, user_id: str, scan_id: str) -> Scan | None:
        """The scan as last written, in exactly one strongly consistent GetItem."""
        item = self._get(items.scan_key(user_id, scan_id))
        return items.scan_from_item(item) if item else None

    def fail_scan(self, user_id: str, scan_id: str, reason: str, now: float) -> bool:
        """Ends a running scan as failed; False if it had ended already."""
        try:
            self._call(
                "update_item",
                Key=items.scan_key(user_id, scan_id),
                UpdateExpression="SET #state = :failed, reason = :reason, updated_at = :now",
                ConditionExpression=_RUNNING,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    **_RUNNING_VALUES,
                    ":failed": {"S": ScanState.FAILED},
                    ":reason": {"S": reason},
                    ":now": items.number(now),
                },
            )
        except _ConditionFailed:
            return False
        return True

    def record_outcome(self, user_id: str, scan_id: str, strategy: str, outcome: Outcome, now: float) -> Outcome | None:
        """Sets the strategy's attribute once and returns the outcome that stands: this one or an earlier one.

        None when the scan has ended, expired or passed its deadline without this strategy.
        """
        try:
            self._call(
                "update_item",
                Key=items.scan_key(user_id, scan_id),
                UpdateExpression="SET #strategy = :outcome, updated_at = :now",
                ConditionExpression=f"{_RUNNING} AND attribute_not_exists(#strategy)",
                ExpressionAttributeNames={"#state": "state", "#strategy": strategy},
                ExpressionAttributeValues={
                    **_RUNNING_VALUES,
                    ":outcome": items.outcome_to_attribute(outcome),
                    ":now": items.number(now),
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except _ConditionFailed as failed:
            standing = failed.item.get(strategy)
            return items.outcome_from_attribute(standing) if standing else None
        return outcome

    # ----------------------------------------------------------------------------------------------- results
    def put_result(self, user_id: str, scan_id: str, result: StoredResult, expires_at: int) -> None:
        """Writes the opportunities of one strategy, once: a repeated delivery changes nothing."""
        try:
            self._call(
                "put_item",
                Item=items.result_to_item(user_id, scan_id, result, expires_at),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except _ConditionFailed:
            return

    def results(self, user_id: str, scan_id: str) -> list[StoredResult]:
        """What the strategies of a scan have found so far, by strategy name."""
        found: list[Item] = []
        start: dict[str, Item] = {}
        while True:
            page = self._call(
                "query",
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": items.result_key(user_id, scan_id)},
                ConsistentRead=True,
                **start,
            )
            found += page["Items"]
            if not page.get("LastEvaluatedKey"):
                return [items.result_from_item(item) for item in found]
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    # ---------------------------------------------------------------------------------------------- investors
    def investor(self, user_id: str) -> Investor | None:
        item = self._get(items.profile_key(user_id))
        return items.investor_from_item(item) if item else None

    def put_investor(self, user_id: str, investor: Investor) -> Investor:
        """Replaces the investor and counts the version up; returns what is stored now."""
        answer = self._call(
            "update_item",
            Key=items.profile_key(user_id),
            UpdateExpression="SET investor = :investor ADD version :one",
            ExpressionAttributeValues={
                ":investor": {"S": items.investor_to_text(investor)},
                ":one": items.number(1),
            },
            ReturnValues="ALL_NEW",
        )
        return items.investor_from_item(answer["Attributes"])

    # ------------------------------------------------------------------------------------------------ requests
    def _get(self, key: Item) -> Item | None:
        item: Item | None = self._call("get_item", Key=key, ConsistentRead=True).get("Item")
        return item

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore's own
        try:
            answer: dict[str, Any] = getattr(self.client, operation)(TableName=self.table, **arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ConditionalCheckFailedException":
                existing: Item = error.response.get("Item", {})  # type: ignore[assignment] # the stubs do not know it
                raise _ConditionFailed(existing) from error
            if code in _TRANSIENT:
                raise Unavailable("The database is busy; try again in a moment.") from error
            raise
        except BotoCoreError as error:
            raise Unavailable("The database does not answer; try again in a moment.") from error
        return answer


class _ConditionFailed(Exception):
    def __init__(self, item: Item) -> None:
        self.item = item
        super().__init__("the condition of a write did not hold")
