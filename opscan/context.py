"""What the commands touch outside themselves: time, the network, the local stack. Tests bring their own.

Light on purpose: `opscan --help` imports this, so it leaves httpx and botocore alone until they are needed.
"""

# ruff: noqa: PLC0415 - the imports inside functions are the point
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from httpx import BaseTransport

# Called with one sentence, at once.
type Report = Callable[[str], None]
# Called with one sentence about a long step; entered when the step begins, left when it ends.
type Steps = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True)
class Clock:
    """The passing of time: `now` is monotonic, in seconds."""

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Target:
    """Which deployment to call, and as whom. `local` is the stack that `opscan up` starts."""

    url: str
    token: str
    local: bool

    def command(self, words: str) -> str:
        """What to type to ask the same deployment again; the token is never repeated."""
        return f"`opscan {words}`" if self.local else f"`opscan {words} --api-url {self.url}`"


class RunningStack(Protocol):
    """What the command line wants to know of a local stack that is up."""

    @property
    def api_url(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def bucket_name(self) -> str: ...
    @property
    def log_group_name(self) -> str: ...
    @property
    def is_current(self) -> bool: ...
    def client(self, service: str) -> Any: ...  # noqa: ANN401 - botocore makes its clients' methods at run time


class LocalStack(Protocol):
    """The local stack, as the package `infra.local.stack` offers it."""

    def up(self, report: Steps) -> RunningStack: ...
    def down(self, report: Steps) -> bool: ...
    def load(self) -> RunningStack | None: ...
    def make_user(self, stack: Any, name: str) -> str: ...  # noqa: ANN401 - the one that it has loaded itself


class Bucket(Protocol):
    """Where snapshots are kept."""

    def put_once(self, key: str, body: bytes) -> None: ...


def _local_stack() -> LocalStack:
    from infra.local import stack

    return stack


def _bucket_of(running: RunningStack) -> Bucket:
    from opportunities.aws.snapshots import SnapshotBucket

    return SnapshotBucket(running.client("s3"), running.bucket_name)


@dataclass(frozen=True)
class Context:
    """The real ones by default."""

    clock: Clock = field(default_factory=Clock)
    transport: "BaseTransport | None" = None
    stack: Callable[[], LocalStack] = _local_stack
    bucket: Callable[[RunningStack], Bucket] = _bucket_of
