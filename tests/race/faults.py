"""Services broken on purpose, to show that the race run notices: each wraps the DynamoDB client of every process."""

import math
import os
import threading
import time
from collections.abc import Callable
from typing import Any

PLACEHOLDER_DELAY_SECONDS = 0.05
MEMORY_SECONDS = 0.5
REQUESTS_BEFORE_DEATH = 20


class _Wrapped:
    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)


class EventualReads(_Wrapped):
    """Somebody has forgotten `ConsistentRead`."""

    def get_item(self, **arguments: Any) -> Any:
        return self._client.get_item(**arguments | {"ConsistentRead": False})


class LatePlaceholder(_Wrapped):
    """The id first, and what it stands for some time after the answer, in a background task."""

    def put_item(self, **arguments: Any) -> Any:
        if not arguments["Item"]["sk"]["S"].startswith("SCAN#"):
            return self._client.put_item(**arguments)
        threading.Timer(PLACEHOLDER_DELAY_SECONDS, self._client.put_item, kwargs=arguments).start()
        return {}


class UnconditionalUpdates(_Wrapped):
    """A late or repeated write changes what stands."""

    def update_item(self, **arguments: Any) -> Any:
        if condition := arguments.get("ConditionExpression"):
            # true of everything, and every name and value is still used
            arguments["ConditionExpression"] = f"({condition}) OR attribute_exists(pk) OR attribute_not_exists(pk)"
        return self._client.update_item(**arguments)


class OneProcessMemory(_Wrapped):
    """Each worker answers, for a while, with what it has read before."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._seen: dict[str, tuple[float, Any]] = {}

    def get_item(self, **arguments: Any) -> Any:
        key = arguments["Key"]["sk"]["S"]
        seen_at, answer = self._seen.get(key, (-math.inf, None))
        if not key.startswith("SCAN#") or seen_at + MEMORY_SECONDS < time.monotonic():
            answer = self._client.get_item(**arguments)
            self._seen[key] = (time.monotonic(), answer)
        return answer


class LostWrites(_Wrapped):
    """A strategy's outcome is acknowledged and not written."""

    def update_item(self, **arguments: Any) -> Any:
        if arguments.get("ExpressionAttributeNames", {}).get("#strategy") == "risk_management":
            return {}
        return self._client.update_item(**arguments)


class Errors(_Wrapped):
    """What nobody has thought of goes wrong, before discover has an id to give."""

    def update_item(self, **arguments: Any) -> Any:
        if _counts_a_request(arguments):
            raise RuntimeError("what nobody has thought of")
        return self._client.update_item(**arguments)


class DeadWorkers(_Wrapped):
    """Each worker ends without a word after some requests."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._left = REQUESTS_BEFORE_DEATH

    def update_item(self, **arguments: Any) -> Any:
        self._left -= _counts_a_request(arguments)
        if self._left < 0:
            os._exit(1)
        return self._client.update_item(**arguments)


def _counts_a_request(arguments: dict[str, Any]) -> bool:
    """The write that only discover makes, and so only a worker of the API."""
    key: str = arguments["Key"]["sk"]["S"]
    return key.startswith("RATE#")


FAULTS: dict[str, Callable[[Any], Any]] = {
    "eventual reads": EventualReads,
    "late placeholder": LatePlaceholder,
    "unconditional updates": UnconditionalUpdates,
    "one process' memory": OneProcessMemory,
    "lost writes": LostWrites,
    "errors": Errors,
    "dead workers": DeadWorkers,
}
