"""Calls DynamoDB, alone: every read of an item is consistent, and every error becomes one of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from opportunities.errors import Unavailable

type Item = dict[str, dict[str, Any]]

# What passes by itself; botocore has already retried these.
_TRANSIENT = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
}


_BUSY = "The database is busy; try again in a moment."
_MOST_PER_WRITE = 25


class ConditionFailed(Exception):
    """The condition of a write did not hold; `item` is what is there, if it was asked for."""

    def __init__(self, item: Item) -> None:
        self.item = item
        super().__init__("the condition of a write did not hold")


@dataclass(frozen=True)
class Table:
    """Calls DynamoDB. Raises `ConditionFailed`, `Unavailable` when it does not answer; programming errors crash."""

    client: Any
    name: str

    def get(self, key: Item) -> Item | None:
        item: Item | None = self.call("get_item", Key=key, ConsistentRead=True).get("Item")
        return item

    def get_all(self, keys: Sequence[Item]) -> list[Item]:
        """The items of at most 100 keys, in no order; what does not exist is left out."""
        if not keys:
            return []
        answer = self._send("batch_get_item", RequestItems={self.name: {"Keys": keys, "ConsistentRead": True}})
        if answer.get("UnprocessedKeys"):
            raise Unavailable(_BUSY)
        items: list[Item] = answer["Responses"][self.name]
        return items

    def delete_all(self, keys: Sequence[Item]) -> None:
        """Deletes the items of any number of keys, whether they exist or not."""
        for some in batched(keys, _MOST_PER_WRITE, strict=False):
            requests = [{"DeleteRequest": {"Key": key}} for key in some]
            if self._send("batch_write_item", RequestItems={self.name: requests}).get("UnprocessedItems"):
                raise Unavailable(_BUSY)

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore's own
        return self._send(operation, TableName=self.name, **arguments)

    def _send(self, operation: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore's own
        try:
            answer: dict[str, Any] = getattr(self.client, operation)(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ConditionalCheckFailedException":
                existing: Item = error.response.get("Item", {})  # type: ignore[assignment] # the stubs do not know it
                raise ConditionFailed(existing) from error
            if code in _TRANSIENT:
                raise Unavailable(_BUSY) from error
            raise
        except BotoCoreError as error:
            raise Unavailable("The database does not answer; try again in a moment.") from error
        return answer
