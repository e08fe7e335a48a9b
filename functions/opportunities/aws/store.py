"""Keeps scans, results and investors in DynamoDB, and says under which condition each item is written.

Every read is strongly consistent. Every write after the first is conditional: UpdateItem is an upsert and would
bring back a scan that has expired.
"""

from dataclasses import dataclass

from opportunities.aws import items
from opportunities.aws.dynamodb import ConditionFailed, Item, Table
from opportunities.aws.items import StoredResult
from opportunities.domain import Investor, Outcome, Scan, ScanState
from opportunities.errors import ScanDeleted

_RUNNING = "attribute_exists(pk) AND #state IN (:initiated, :scanning) AND deadline > :now"
_RUNNING_VALUES = {":initiated": {"S": "initiated"}, ":scanning": {"S": "scanning"}}
_NOBODY_ELSES = f"{_RUNNING} AND attribute_not_exists(taken_over)"
# A deleted one too: botocore sends again what it got no answer to.
_ENDED = "attribute_exists(pk) AND (#state IN (:complete, :failed, :cancelled, :deleted) OR deadline <= :now)"
# TTL deletes late; what has expired does not exist.
_ABSENT = "attribute_not_exists(pk) OR expires_at <= :now"


@dataclass(frozen=True)
class Position:
    """A place in the list of one user's scans, newest first: just after this scan."""

    created_at: float
    scan_id: str


@dataclass(frozen=True)
class Store:
    """What the service does with its table. Raises `Unavailable` when DynamoDB does not answer."""

    table: Table

    # ------------------------------------------------------------------------------------------------- scans
    def put_scan(self, scan: Scan) -> Scan | None:
        """Writes the placeholder unless the scan exists; the existing one comes back in the same round trip.

        Raises `ScanDeleted` for an id that its owner has deleted.
        """
        try:
            self.table.call(
                "put_item",
                Item=items.scan_to_item(scan),
                ConditionExpression=_ABSENT,
                ExpressionAttributeValues={":now": items.number(scan.created_at)},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as failed:
            return _scan(failed.item)
        return None

    def scan(self, user_id: str, scan_id: str) -> Scan | None:
        """The scan as last written, in exactly one strongly consistent GetItem. Raises `ScanDeleted`."""
        item = self.table.get(items.scan_key(user_id, scan_id))
        return _scan(item) if item else None

    def list_scans(
        self, user_id: str, since: float, until: float, *, limit: int, after: Position | None
    ) -> tuple[list[Scan], Position | None]:
        """Up to `limit` of the user's scans, newest first, and where the next page begins, None at the end.

        `limit` is at most 100. Those created from `since` to `until`; `after` must lie between the two.
        """
        start: dict[str, Item] = {}
        if after:
            place = {**items.scan_key(user_id, after.scan_id), "created_at": items.number(after.created_at)}
            start = {"ExclusiveStartKey": place}
        page = self.table.call(
            "query",
            IndexName=items.BY_CREATION,
            KeyConditionExpression="pk = :pk AND created_at BETWEEN :since AND :until",
            ExpressionAttributeValues={
                ":pk": items.user_key(user_id),
                ":since": items.number(since),
                ":until": items.number(until),
            },
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
            **start,
        )
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in page["Items"]]
        by_id = {items.scan_id_of(item): item for item in self.table.get_all(keys)}
        # One that was deleted between the two reads is missing from the second.
        found = [by_id[scan_id] for scan_id in map(items.scan_id_of, keys) if scan_id in by_id]
        more = page.get("LastEvaluatedKey")
        return (
            [items.scan_from_item(item) for item in found if not items.is_deleted(item)],
            Position(float(more["created_at"]["N"]), items.scan_id_of(more)) if more else None,
        )

    def fail_scan(self, user_id: str, scan_id: str, reason: str, now: float) -> bool:
        """Ends a running scan as failed; False if it had ended already."""
        ended, _ = self._end(user_id, scan_id, ScanState.FAILED, reason, now)
        return ended

    def take_over(self, user_id: str, scan_id: str, now: float) -> bool:
        """Notes that another request than the scan's first is about to start it; False if it has begun or ended."""
        try:
            self.table.call(
                "update_item",
                Key=items.scan_key(user_id, scan_id),
                UpdateExpression="SET taken_over = :true",
                ConditionExpression="#state = :initiated AND deadline > :now",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":true": {"BOOL": True},
                    ":initiated": {"S": "initiated"},
                    ":now": items.number(now),
                },
            )
        except ConditionFailed:
            return False
        return True

    def fail_unstarted(self, user_id: str, scan_id: str, reason: str, now: float) -> bool:
        """Ends as failed a scan that could not be started, unless another request has taken over; whether it failed.

        Raises `ScanDeleted`.
        """
        _, scan = self._end(user_id, scan_id, ScanState.FAILED, reason, now, condition=_NOBODY_ELSES)
        return scan is not None and scan.state is ScanState.FAILED

    def cancel_scan(self, user_id: str, scan_id: str, now: float) -> Scan | None:
        """Ends a running scan as cancelled: the scan as it stands now, however it ended. Raises `ScanDeleted`."""
        _, scan = self._end(user_id, scan_id, ScanState.CANCELLED, "", now)
        return scan

    def delete_scan(self, scan: Scan, now: float) -> bool:
        """Forgets a scan that has ended, all but its id, so that nothing late brings it back; False if it runs."""
        try:
            self.table.call(
                "put_item",
                Item=items.deleted_scan(scan.user_id, scan.scan_id, scan.expires_at),
                ConditionExpression=_ENDED,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":complete": {"S": "complete"},
                    ":failed": {"S": "failed"},
                    ":cancelled": {"S": "cancelled"},
                    ":deleted": {"S": items.DELETED},
                    ":now": items.number(now),
                },
            )
        except ConditionFailed:
            return False
        return True

    def record_outcome(self, user_id: str, scan_id: str, strategy: str, outcome: Outcome, now: float) -> Outcome | None:
        """Sets the strategy's attribute once and returns the outcome that stands: this one or an earlier one.

        None when the scan has ended, expired or passed its deadline without this strategy.
        """
        try:
            self.table.call(
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
        except ConditionFailed as failed:
            standing = failed.item.get(strategy)
            return items.outcome_from_attribute(standing) if standing else None
        return outcome

    def _end(
        self, user_id: str, scan_id: str, state: ScanState, reason: str, now: float, *, condition: str = _RUNNING
    ) -> tuple[bool, Scan | None]:
        try:
            answer = self.table.call(
                "update_item",
                Key=items.scan_key(user_id, scan_id),
                UpdateExpression="SET #state = :state, reason = :reason, updated_at = :now",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    **_RUNNING_VALUES,
                    ":state": {"S": state},
                    ":reason": {"S": reason},
                    ":now": items.number(now),
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as failed:
            return False, _scan(failed.item) if failed.item else None
        return True, items.scan_from_item(answer["Attributes"])

    # ----------------------------------------------------------------------------------------------- results
    def put_result(self, user_id: str, scan_id: str, result: StoredResult, expires_at: int, now: float) -> None:
        """Writes the opportunities of one strategy, once: a repeated delivery changes nothing."""
        try:
            self.table.call(
                "put_item",
                Item=items.result_to_item(user_id, scan_id, result, expires_at),
                ConditionExpression=_ABSENT,
                ExpressionAttributeValues={":now": items.number(now)},
            )
        except ConditionFailed:
            return

    def results(self, user_id: str, scan_id: str) -> list[StoredResult]:
        """What the strategies of a scan have written so far, by strategy name."""
        return [items.result_from_item(item) for item in self._result_items(user_id, scan_id)]

    def delete_results(self, user_id: str, scan_id: str) -> bool:
        """Deletes what the strategies of a scan have written; False if there was nothing."""
        found = self._result_items(user_id, scan_id, ProjectionExpression="pk, sk")
        self.table.delete_all([{"pk": item["pk"], "sk": item["sk"]} for item in found])
        return bool(found)

    def _result_items(self, user_id: str, scan_id: str, **arguments: str) -> list[Item]:
        found: list[Item] = []
        start: dict[str, Item] = {}
        while True:
            page = self.table.call(
                "query",
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": items.result_key(user_id, scan_id)},
                ConsistentRead=True,
                **arguments,
                **start,
            )
            found += page["Items"]
            if not page.get("LastEvaluatedKey"):
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    # ---------------------------------------------------------------------------------------------- investors
    def investor(self, user_id: str) -> Investor | None:
        item = self.table.get(items.profile_key(user_id))
        return items.investor_from_item(item) if item else None

    def put_investor(self, user_id: str, investor: Investor) -> Investor:
        """Replaces the investor and counts the version up; returns what is stored now."""
        answer = self.table.call(
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

    # -------------------------------------------------------------------------------------------------- rates
    def count_request(self, user_id: str, minute: int, most: int) -> bool:
        """Counts one request of the user's minute; False if it has had `most` already."""
        try:
            self.table.call(
                "update_item",
                Key=items.rate_key(user_id, minute),
                UpdateExpression="SET expires_at = :expires_at ADD #count :one",
                ConditionExpression="attribute_not_exists(#count) OR #count < :most",
                ExpressionAttributeNames={"#count": "count"},
                ExpressionAttributeValues={
                    ":expires_at": items.number(60 * (minute + 2)),
                    ":one": items.number(1),
                    ":most": items.number(most),
                },
            )
        except ConditionFailed:
            return False
        return True


def _scan(item: Item) -> Scan:
    if items.is_deleted(item):
        raise ScanDeleted("This scan was deleted.")
    return items.scan_from_item(item)
