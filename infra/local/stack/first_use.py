"""What `up` does with the API once it stands: stores the demo investor, and warms every Lambda."""

import time
from http import HTTPStatus

from infra.local.stack.api import Caller
from infra.local.stack.errors import StackError
from infra.local.stack.places import EMULATOR_LOG
from opportunities.domain import Json

_DEMO: dict[str, Json] = {
    "capital_usd": 50_000,
    "risk_tolerance": "medium",
    "holdings": {"BTC": 1, "ETH": 8, "SOL": 150},
}
_WARM_UP_SECONDS = 90


def store_investor(caller: Caller) -> None:
    """Gives the first scan holdings to judge."""
    answer = caller.call("PUT", "/opportunities/profile", _DEMO)
    if answer.status != HTTPStatus.OK:
        message = (
            f"The API did not store the demo investor (it answered {answer.status}: {answer.text[:300]}): "
            "mend the profile Lambda, then run `make up` again."
        )
        raise StackError(message, EMULATOR_LOG)


def warm_up(caller: Caller) -> None:
    """Runs one scan, so that nobody waits while MiniStack unpacks each Lambda's own copy of the layers.

    How the scan ends says nothing here: a broken strategy is for the next scan to show.
    """
    scan_id = caller.call("POST", "/opportunities/discover", {"force_refresh": True}).field("scan_id")
    until = time.monotonic() + _WARM_UP_SECONDS
    while time.monotonic() < until:
        if caller.call("GET", f"/opportunities/status/{scan_id}").field("status") != "scanning":
            break
        time.sleep(0.2)
    caller.call("GET", f"/opportunities/results/{scan_id}")
    caller.call("GET", "/opportunities/profile")
    caller.call("GET", "/opportunities/strategies")
