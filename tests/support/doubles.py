"""Stand-ins that make a fault show which a faithful emulator hides."""

import copy
import time
from typing import Any

from botocore.exceptions import ClientError

type Item = dict[str, dict[str, Any]]


class Recorder:
    """Passes every call on to a client and keeps (operation, arguments, answer), the refused ones included."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:
        if operation.startswith("_"):  # whoever prints this asks for more than operations
            raise AttributeError(operation)

        def call(**arguments: Any) -> Any:
            try:
                answer = getattr(self._client, operation)(**arguments)
            except ClientError as error:
                self.calls.append((operation, arguments, dict(error.response)))
                raise
            self.calls.append((operation, arguments, answer))
            return answer

        return call

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _, _ in self.calls]


class StaleReads:
    """A DynamoDB client whose reads without `ConsistentRead=True` show each item as it was before its last write.

    moto and the local emulators never serve a stale read, so code that forgets the flag passes on them.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._before: dict[tuple[str, str], Item | None] = {}

    def put_item(self, **arguments: Any) -> Any:
        item = arguments["Item"]
        return self._write("put_item", {"pk": item["pk"], "sk": item["sk"]}, arguments)

    def update_item(self, **arguments: Any) -> Any:
        return self._write("update_item", arguments["Key"], arguments)

    def get_item(self, **arguments: Any) -> Any:
        key = (arguments["Key"]["pk"]["S"], arguments["Key"]["sk"]["S"])
        if arguments.get("ConsistentRead") or key not in self._before:
            return self._client.get_item(**arguments)
        before = self._before[key]
        return {"Item": before} if before else {}

    def query(self, **arguments: Any) -> Any:
        answer = self._client.query(**arguments)
        if not arguments.get("ConsistentRead"):
            keys = [(item["pk"]["S"], item["sk"]["S"]) for item in answer["Items"]]
            seen = [self._before.get(key, item) for key, item in zip(keys, answer["Items"], strict=True)]
            answer["Items"] = [item for item in seen if item]
        return answer

    def batch_get_item(self, **arguments: Any) -> Any:
        assert all(one.get("ConsistentRead") for one in arguments["RequestItems"].values())
        return self._client.batch_get_item(**arguments)

    def batch_write_item(self, **arguments: Any) -> Any:
        return self._client.batch_write_item(**arguments)

    def _write(self, operation: str, key: Item, arguments: dict[str, Any]) -> Any:
        before = self._client.get_item(TableName=arguments["TableName"], Key=key, ConsistentRead=True).get("Item")
        answer = getattr(self._client, operation)(**arguments)
        self._before[key["pk"]["S"], key["sk"]["S"]] = copy.deepcopy(before)
        return answer


class LaggingReads:
    """A DynamoDB client whose GetItem without `ConsistentRead=True` does not see what was written just now.

    As `StaleReads`, for any number of processes: it goes by the time that the item itself says it was written.
    """

    LAG_SECONDS = 0.05

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def get_item(self, **arguments: Any) -> Any:
        answer = self._client.get_item(**arguments)
        written = answer.get("Item", {}).get("updated_at", {"N": "0"})["N"]
        if not arguments.get("ConsistentRead") and float(written) > time.time() - self.LAG_SECONDS:
            return {}
        return answer
