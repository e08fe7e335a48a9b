"""What a workflow and its strategies write, done directly: where no machine that runs it is looked at, or wanted.

The UpdateItems are read from the shipped definition, so that their conditions are those that are deployed.
"""

import time
from dataclasses import dataclass
from typing import Any

from opportunities import serialization
from opportunities.api import examples
from opportunities.aws import items
from opportunities.aws.dynamodb import ConditionFailed, Table
from opportunities.aws.items import StoredResult
from opportunities.aws.store import Store
from opportunities.domain import Outcome, OutcomeStatus, ScanState
from tests.support.builders import opportunity
from tests.support.template import definition

_RECORD_FAILURE = ("RunStrategies", "ItemProcessor", "RecordFailure")


@dataclass(frozen=True)
class WorkflowSteps:
    """Each says whether its condition held; where it did not, the workflow goes on without having changed anything."""

    table: Table

    def begin(self, user_id: str, scan_id: str, snapshot_key: str, execution: str) -> bool:
        values = {":snapshot_key": {"S": snapshot_key}, ":execution": {"S": execution}}
        return self._update(_state("BeginScanning"), user_id, scan_id, values)

    def record_failure(self, user_id: str, scan_id: str, strategy: str, reason: str) -> bool:
        outcome = {"M": {"status": {"S": "failed"}, "reason": {"S": reason}}}
        return self._update(
            _state(*_RECORD_FAILURE), user_id, scan_id, {":outcome": outcome}, names={"#strategy": strategy}
        )

    def end(self, user_id: str, scan_id: str, state: ScanState, reason: str = "") -> bool:
        return self._update(_state("EndScan"), user_id, scan_id, {":state": {"S": state}, ":reason": {"S": reason}})

    def _update(
        self,
        arguments: dict[str, Any],
        user_id: str,
        scan_id: str,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
    ) -> bool:
        """The state's own expressions and constants; what it computes in JSONata comes from `values` and `names`."""
        try:
            self.table.call(
                "update_item",
                Key=items.scan_key(user_id, scan_id),
                UpdateExpression=arguments["UpdateExpression"],
                ConditionExpression=arguments["ConditionExpression"],
                ExpressionAttributeNames=arguments["ExpressionAttributeNames"] | (names or {}),
                ExpressionAttributeValues=arguments["ExpressionAttributeValues"]
                | values
                | {":now": items.number(round(time.time(), 3))},
            )
        except ConditionFailed:
            return False
        return True


def deliver(store: Store, user_id: str, scan_id: str, strategy: str, outcome: Outcome, *, expires_at: int) -> None:
    """What one strategy's Lambda writes, result first, outcome last: one opportunity as often as the outcome says."""
    if outcome.status is OutcomeStatus.COMPLETE:
        found = serialization.opportunity_to_json(opportunity(strategy_id=strategy)) | {"score": 0.25}
        result = StoredResult(strategy, [found] * outcome.opportunities, 0, 50, examples.MARKET, examples.INVESTOR)
        store.put_result(user_id, scan_id, result, expires_at, time.time())
    store.record_outcome(user_id, scan_id, strategy, outcome, time.time())


def _state(name: str, *path: str) -> dict[str, Any]:
    """The arguments of one state; `path` leads through the Map that holds it."""
    state: dict[str, Any] = definition()["States"][name]
    for step in path:
        state = state[step] if step in state else state["States"][step]
    arguments: dict[str, Any] = state["Arguments"]
    return arguments
