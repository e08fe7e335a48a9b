"""Every call of the API as the requests that it takes: long polls, pages, and what is made of the answers.

Nothing here sends or sleeps: what is to be sent is yielded (`opscan.client.exchange`).
"""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import inf

from opportunities.domain import Json
from opscan.client.asking import Asking, pause_between
from opscan.client.errors import ScanFailed, ScanTimeout, TooManyRequests, Unavailable, Unreachable
from opscan.client.exchange import Request, Steps
from opscan.client.investor import Catalogue, Profile
from opscan.client.requests import ListFields, ProfileFields, ScanFields
from opscan.client.results import Results
from opscan.client.scans import Receipt, ScanList, Status
from opscan.client.values import items, text

# The longest that the API holds an answer back (`Prefer: wait`).
LONGEST_POLL_SECONDS = 20
PAGE = 100


class Operations:
    """The calls of one API, as `asking` does it; `now` is a monotonic clock, in seconds."""

    def __init__(self, asking: Asking, now: Callable[[], float]) -> None:
        self._asking = asking
        self._now = now

    def discover(self, fields: ScanFields, *, idempotency_key: str | None, join: bool) -> Steps[Receipt]:
        """Starts a scan. Without a key it gets one of its own, so that asking again starts no second one; to `join`
        is to send none: the API then has one scan for all identical requests of a window."""
        key = idempotency_key or ("" if join else str(uuid.uuid4()))
        request = Request(
            "POST",
            "/opportunities/discover",
            body={name: said for name, value in fields.items() if (said := _json(value)) not in (None, [])},
            headers={"Idempotency-Key": key} if key else {},
        )
        receipt = Receipt.of(self._asking.document((yield from self._asking.ask(request))))
        if not re.fullmatch(r"scan_[0-9a-f]{32}", receipt.scan_id):
            raise self._asking.stranger("it accepted the scan but named no scan_id")
        return receipt

    def status(self, scan_id: str) -> Steps[Status]:
        return Status.of(self._asking.document((yield from self._asking.ask(Request("GET", _status(scan_id))))))

    def wait(
        self, scan_id: str, timeout: float | None, pause: float, seen: Callable[[Status], object]
    ) -> Steps[Status]:
        """Long polls until the scan has ended; `seen` gets every status, `pause` counts where the API names none.

        Raises ScanFailed, and ScanTimeout after `timeout` seconds.
        """
        give_up = inf if timeout is None else self._now() + timeout
        after, last = 0.0, None
        while True:
            seconds = int(min(LONGEST_POLL_SECONDS, max(0.0, give_up - self._now() - after)))
            request = Request("GET", _status(scan_id), headers=_prefer(seconds), after=after)
            try:
                response = yield from self._asking.ask(request, give_up)
            except (TooManyRequests, Unavailable, Unreachable) as error:
                if last is None or self._now() < give_up:
                    raise
                raise ScanTimeout(last, timeout or 0.0) from error
            last = Status.of(self._asking.document(response))
            seen(last)
            if last.terminal:
                return _completed(last)
            left = give_up - self._now()
            if left <= 0:
                raise ScanTimeout(last, timeout or 0.0)
            after = min(pause_between(response, pause), left)

    def results(self, scan_id: str, limit: int | None, *, partial: bool, timeout: float) -> Steps[Results]:
        """The best `limit` opportunities, or all of them. A scan that runs is waited for; with `partial` it is not,
        and what a failed or cancelled one had found is no error."""
        give_up = self._now() + timeout

        def page(place: Mapping[str, str]) -> Steps[Mapping[str, Json]]:
            query = {**place, "partial": "true"} if partial else place
            request = Request("GET", f"/opportunities/results/{scan_id}", params=query)
            while True:
                response = yield from self._asking.ask(request)
                if response.status != 202:
                    return self._asking.document(response)
                left = give_up - self._now()
                if left <= 0:
                    raise ScanTimeout(Status.of(self._asking.document(response)), timeout)
                request = replace(request, after=min(pause_between(response, 1.0), left))

        results = Results.of((yield from _gathered(page, "opportunities", limit)))
        if results.state in ("failed", "cancelled") and not partial:
            _completed((yield from self.status(scan_id)))
        return results

    def scans(self, fields: ListFields, limit: int | None) -> Steps[ScanList]:
        """The newest `limit` scans of these, or all of them."""
        query = {name: said for name, value in fields.items() if (said := _query(value))}

        def page(place: Mapping[str, str]) -> Steps[Mapping[str, Json]]:
            request = Request("GET", "/opportunities/scans", params={**query, **place})
            return self._asking.document((yield from self._asking.ask(request)))

        return ScanList.of((yield from _gathered(page, "scans", limit)))

    def cancel(self, scan_id: str) -> Steps[Status]:
        request = Request("POST", f"/opportunities/cancel/{scan_id}", repeatable=False)
        return Status.of(self._asking.document((yield from self._asking.ask(request))))

    def delete(self, scan_id: str) -> Steps[None]:
        yield from self._asking.ask(Request("DELETE", f"/opportunities/scans/{scan_id}", repeatable=False))

    def profile(self) -> Steps[Profile]:
        return Profile.of(
            self._asking.document((yield from self._asking.ask(Request("GET", "/opportunities/profile"))))
        )

    def put_profile(self, fields: ProfileFields) -> Steps[Profile]:
        body = {name: _json(value) for name, value in fields.items()}
        request = Request("PUT", "/opportunities/profile", body=body)
        return Profile.of(self._asking.document((yield from self._asking.ask(request))))

    def strategies(self) -> Steps[Catalogue]:
        return Catalogue.of(
            self._asking.document((yield from self._asking.ask(Request("GET", "/opportunities/strategies"))))
        )


def _gathered(
    page: Callable[[Mapping[str, str]], Steps[Mapping[str, Json]]], name: str, limit: int | None
) -> Steps[dict[str, Json]]:
    """The first `limit` of a list, or all of it, as one page: a page may be empty, and not the last."""
    gathered: list[Json] = []
    cursor = ""
    while True:
        size = PAGE if limit is None else min(PAGE, limit - len(gathered))
        answer = yield from page({"limit": str(size)} | ({"cursor": cursor} if cursor else {}))
        gathered += items(answer.get(name))
        before, cursor = cursor, text(answer.get("next_cursor"))
        if cursor in ("", before) or (limit is not None and len(gathered) >= limit):
            return {**answer, name: gathered, "next_cursor": cursor or None}


def _completed(status: Status) -> Status:
    if status.state in ("failed", "cancelled"):
        raise ScanFailed(status)
    return status


def _prefer(seconds: int) -> Mapping[str, str]:
    return {"Prefer": f"wait={seconds}"} if seconds else {}


def _status(scan_id: str) -> str:
    return f"/opportunities/status/{scan_id}"


def _json(value: object) -> Json:
    """Any sequence as a list, any mapping as an object."""
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_json(each) for each in value]
    return value  # type: ignore[return-value]  # text, numbers and None are what they are


def _query(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return ",".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else ""
