"""The UpdateItems of the shipped workflow, done directly, where Step Functions itself is not what is looked at."""

import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from opportunities.aws import items
from opportunities.domain import ScanState
from tests.support.template import definition

_RECORD_FAILURE = ("RunStrategies", "ItemProcessor", "RecordFailure")


@dataclass(frozen=True)
class WorkflowSteps:
    """Each says whether its condition held; where it did not, the workflow goes on without having changed anything."""

    client: Any
    table: str

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
            self.client.update_item(
                TableName=self.table,
                Key=items.scan_key(user_id, scan_id),
                UpdateExpression=arguments["UpdateExpression"],
                ConditionExpression=arguments["ConditionExpression"],
                ExpressionAttributeNames=arguments["ExpressionAttributeNames"] | (names or {}),
                ExpressionAttributeValues=arguments["ExpressionAttributeValues"]
                | values
                | {":now": items.number(round(time.time(), 3))},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def _state(name: str, *path: str) -> dict[str, Any]:
    """The arguments of one state; `path` leads through the Map that holds it."""
    state: dict[str, Any] = definition()["States"][name]
    for step in path:
        state = state[step] if step in state else state["States"][step]
    arguments: dict[str, Any] = state["Arguments"]
    return arguments
