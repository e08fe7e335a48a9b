"""`make load` against APIs that do not work: what nobody gets done, and who dies on the way, is found."""

import itertools
import time
from collections.abc import Callable

import httpx
import pytest

from tests.load.visitor import Visitor, visit_all

type Api = Callable[[httpx.Request], httpx.Response]

_SECONDS = 0.3
LATER = {"Retry-After": "0"}


class Healthy:
    """Every scan is complete at its second poll; each nth discover is one too many."""

    def __init__(self, one_too_many: int = 3) -> None:
        self._one_too_many = one_too_many
        self._asked = itertools.count(1)
        self._polls: dict[str, int] = {}
        self._deleted: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        operation, _, scan_id = request.url.path.removeprefix("/opportunities/").partition("/")
        match request.method, operation:
            case "POST", "discover":
                number = next(self._asked)
                if number % self._one_too_many == 0:
                    return httpx.Response(429, headers=LATER)
                self._polls[f"scan-{number}"] = 0
                return httpx.Response(202, json={"scan_id": f"scan-{number}"})
            case "GET", "status":
                return self._status(scan_id)
            case "DELETE", "scans":
                self._deleted.add(scan_id)
                return httpx.Response(204)
            case "GET", "scans":
                return httpx.Response(
                    200, json={"scans": [{"scan_id": one} for one in list(self._polls)]}
                )  # at once: others add
        return httpx.Response(200, json={})

    def _status(self, scan_id: str) -> httpx.Response:
        if scan_id in self._deleted:
            return httpx.Response(404)
        self._polls[scan_id] += 1
        state = "complete" if self._polls[scan_id] > 1 else "scanning"
        return httpx.Response(200, headers=LATER, json={"status": state, "message": "So it is."})


def findings(api: Api) -> set[str]:
    """The kinds of what two callers find, one of whom does not wait."""
    http = httpx.Client(base_url="http://load.test", transport=httpx.MockTransport(api))
    until = time.monotonic() + _SECONDS
    found = visit_all([Visitor(http, until), Visitor(http, until, waits=False)])
    return {finding.partition(":")[0] for finding in found}


def instead(operation: str, broken: Api) -> Api:
    """An API that works but for one operation."""
    healthy = Healthy()

    def answer(request: httpx.Request) -> httpx.Response:
        return (broken if operation in request.url.path else healthy)(request)

    return answer


def refuses(_: httpx.Request) -> httpx.Response:
    return httpx.Response(503, headers=LATER)


def times_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("nothing came", request=request)


def fails(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers=LATER, json={"status": "failed", "message": "No market."})


def tells_no_time(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"status": "scanning"})


def test_an_api_that_works_has_no_findings() -> None:
    assert findings(Healthy()) == set()


@pytest.mark.parametrize(
    ("api", "found"),
    [
        (instead("/discover", refuses), {"never answered", "no scan", "nothing complete", "no limit met"}),
        (instead("/discover", lambda _: httpx.Response(500)), {"discover", "never answered", "nothing complete"}),
        (instead("/status/", fails), {"failed", "nothing complete"}),
        (instead("/status/", tells_no_time), {"caller died", "no scan", "nothing complete"}),
        (instead("/results/", refuses), {"never answered"}),
        (times_out, {"caller died", "no scan", "nothing complete", "no limit met"}),
        (Healthy(one_too_many=10**9), {"no limit met"}),
    ],
)
def test_an_api_that_does_not_work_is_found_out(api: Api, found: set[str]) -> None:
    assert found <= findings(api)
