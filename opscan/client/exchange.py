"""Requests and answers as data: the library decides what to ask without touching a network or a clock.

A `Steps` generator yields the requests to send, gets their answers, and returns what came of them. The clients in
`opscan.client.blocking` and `opscan.client.asynchronous` drive it.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from opportunities.domain import Json


@dataclass(frozen=True)
class Request:
    """One request, to be sent `after` so many seconds; with `renew`, with a token that is asked for anew.

    `repeatable` says that sending it twice does no more than sending it once.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Json] | None = None
    repeatable: bool = True
    after: float = 0.0
    renew: bool = False


@dataclass(frozen=True)
class Response:
    """What came back; `headers` by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    @property
    def success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """How many seconds the API asks to wait, None where it does not say so in seconds."""
        try:
            seconds = float(self.headers.get("retry-after", ""))
        except ValueError:
            return None
        return max(0.0, seconds) if seconds < float("inf") else None


@dataclass(frozen=True)
class NoResponse:
    """Nothing came back. `sent` says that the request may have arrived all the same."""

    reason: str
    timed_out: bool = False
    sent: bool = False


type Answer = Response | NoResponse
type Steps[Result] = Generator[Request, Answer, Result]
