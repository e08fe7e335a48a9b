"""Faults in the calls of AWS: every call passes here, is counted, and one of them goes wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError


class Fault(StrEnum):
    """What happens to one call. What is called a repeat is done by botocore, beneath our code, after a lost answer."""

    DIE_BEFORE = "die before it"
    DIE_AFTER = "die after it"
    TIME_OUT = "time out with the effect done"
    REPEAT = "repeat it after its answer was lost"
    THROTTLE = "throttle it"
    OUTAGE = "throttle it and all that follow"


class Killed(BaseException):
    """The process is gone; nothing in it can catch this."""


class Faults:
    """Counts the calls of all clients and breaks the one it is told to. `tick` is called before each of them."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self.calls: list[str] = []
        self.effects: list[str] = []
        self._tick = tick
        self._armed: tuple[int, Fault] | None = None

    def client(self, service: str, client: Any) -> Any:
        return _Client(self, service, client)

    @contextmanager
    def armed(self, number: int, fault: Fault | None) -> Iterator[None]:
        """Call `number`, counted from 1 within this block, goes wrong; None lets all of them pass and records them."""
        self.calls, self.effects = [], []
        self._armed = (number, fault) if fault else None
        try:
            yield
        finally:
            self._armed = None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Calls within this block are somebody else's: neither counted nor broken."""
        armed, calls, effects = self._armed, self.calls, self.effects
        self._armed, self.calls, self.effects = None, [], []
        try:
            yield
        finally:
            self._armed, self.calls, self.effects = armed, calls, effects

    def pass_on(self, name: str, perform: Callable[[], Any]) -> Any:
        self._tick()
        self.calls.append(name)
        fault = self._due()
        match fault:
            case Fault.DIE_BEFORE:
                raise Killed
            case Fault.THROTTLE | Fault.OUTAGE:
                raise throttled(name)
        if fault is Fault.REPEAT:
            self._lose(perform)
        self.effects.append(name)
        answer = perform()
        match fault:
            case Fault.DIE_AFTER:
                raise Killed
            case Fault.TIME_OUT:
                raise ReadTimeoutError(endpoint_url=name)
        return answer

    def _due(self) -> Fault | None:
        if self._armed is None:
            return None
        number, fault = self._armed
        count = len(self.calls)
        return fault if count == number or (fault is Fault.OUTAGE and count > number) else None

    def _lose(self, perform: Callable[[], Any]) -> None:
        try:
            perform()
        except ClientError:
            # A refusal has no effect; it is refused again.
            return


class _Client:
    def __init__(self, faults: Faults, service: str, client: Any) -> None:
        self._faults, self._service, self._client = faults, service, client

    def __getattr__(self, operation: str) -> Any:
        method = getattr(self._client, operation)
        return lambda **arguments: self._faults.pass_on(f"{self._service}.{operation}", lambda: method(**arguments))


def throttled(operation: str) -> ClientError:
    answer: Any = {
        "Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return ClientError(answer, operation)
