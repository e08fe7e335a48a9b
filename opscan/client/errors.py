"""What can go wrong, by what the caller can do about it.

ApiError
├── InvalidRequest     the request breaks a rule, `fields` says which: correct it
├── Unauthorized       the token is not accepted: take a fresh one
├── NotFound           no such scan for this token: it is wrong, deleted, expired or someone else's
├── Conflict           the scan is not in a state for this: look at its status
├── TooManyRequests    the caller has asked too often, also after waiting as told: go on later
├── Unavailable        the service does not answer now, also after trying again: go on later
├── Unreachable        nobody answered at this address: check it, and the network
│   └── RequestTimeout   the answer took too long; a TimeoutError too
├── UnexpectedAnswer   somebody answered, but not this API: check the address
├── ScanFailed         the scan ended as failed or cancelled, `status` says why: start a new one
└── ScanTimeout        the scan runs longer than the caller waits, `status` says how far it is; a TimeoutError too
"""

import json
from collections.abc import Mapping

from opportunities.domain import Json
from opscan.client.exchange import NoResponse, Response
from opscan.client.scans import Status
from opscan.client.values import mapping, text


class ApiError(Exception):
    """Base of everything that a call of the API may end with.

    `problem` is the document that the API sent (RFC 9457), empty where it sent none; `status_code` is that of HTTP,
    None where nobody answered.
    """

    def __init__(self, what: str, *, problem: Mapping[str, Json] | None = None, status_code: int | None = None) -> None:
        self.problem: Mapping[str, Json] = problem or {}
        self.status_code = status_code
        super().__init__(what)

    @property
    def detail(self) -> str:
        """What the API said of it, empty where it said nothing."""
        said = (text(self.problem.get(name)) for name in ("detail", "message", "title"))
        return next(filter(None, said), "")


class InvalidRequest(ApiError):
    """The request breaks a rule."""

    @property
    def fields(self) -> Mapping[str, str]:
        """What is wrong, by field."""
        return {text(name): text(what) for name, what in mapping(self.problem.get("errors")).items()}


class Unauthorized(ApiError):
    """The token is not accepted."""


class NotFound(ApiError):
    """There is no such scan for this token."""


class Conflict(ApiError):
    """The scan is not in a state for what was asked."""


class TooManyRequests(ApiError):
    """The caller has asked too often."""


class Unavailable(ApiError):
    """The service does not answer now, or fails inside."""


class Unreachable(ApiError):
    """Nobody answered."""


class RequestTimeout(Unreachable, TimeoutError):
    """The answer to one request took too long."""


class UnexpectedAnswer(ApiError):
    """Whoever answered is not this API."""


class ScanFailed(ApiError):
    """The scan ended as failed or cancelled; `status` is its last one."""

    def __init__(self, status: Status) -> None:
        self.status = status
        super().__init__(status.message or f"The scan ended as {status.state}.")


class ScanTimeout(ApiError, TimeoutError):
    """The scan has not ended in time, and goes on; `status` is how far it was."""

    def __init__(self, status: Status, seconds: float) -> None:
        self.status = status
        super().__init__(f"The scan is not done after {seconds:g} s; it goes on.")


_KINDS: Mapping[int, type[ApiError]] = {
    **dict.fromkeys((400, 413, 415, 422), InvalidRequest),
    **dict.fromkeys((401, 403), Unauthorized),
    409: Conflict,
    429: TooManyRequests,
}


def error_of(response: Response, *, about_scan: bool) -> ApiError:
    """The error that `response`, which is no success, stands for; `about_scan` where the request named a scan."""
    status, problem = response.status, _problem(response)
    kind = _KINDS.get(status, Unavailable if status >= 500 else UnexpectedAnswer)
    if status == 404 and about_scan and ("detail" in problem or problem.get("status") == "not_found"):
        kind = NotFound
    error = kind("", problem=problem, status_code=status)
    error.args = (error.detail or f"{response.url} answers {status}.",)
    return error


def unreachable(answer: NoResponse, url: str) -> Unreachable:
    """The error of an attempt that nobody answered."""
    reason = text(answer.reason)
    if answer.timed_out:
        return RequestTimeout(f"{url} took too long to answer ({reason}).")
    return Unreachable(f"{url} cannot be reached ({reason}).")


def _problem(response: Response) -> Mapping[str, Json]:
    try:
        body: Json = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return mapping(body)
