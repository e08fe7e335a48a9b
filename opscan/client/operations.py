"""Every call of the API as the requests that it takes: patience with a busy API, long polls, pages.

Nothing here sends or sleeps: what is to be sent is yielded (`opscan.client.exchange`).
"""

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import inf

from opportunities.domain import Json
from opscan.client.errors import (
    ScanFailed,
    ScanTimeout,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
    error_of,
    unreachable,
)
from opscan.client.exchange import NoResponse, Request, Response, Steps
from opscan.client.investor import Catalogue, Profile
from opscan.client.requests import ListFields, ProfileFields, ScanFields
from opscan.client.results import Results
from opscan.client.scans import Receipt, ScanList, Status
from opscan.client.values import items, text

# The longest wait for an API that is busy or away, over all attempts of one call.
PATIENCE_SECONDS = 60.0
# The longest that the API holds an answer back (`Prefer: wait`).
LONGEST_POLL_SECONDS = 20
# However small an interval an API names, it is not asked more often than this.
SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
PAGE = 100
_BUSY = (429, 502, 503, 504)

type Told = Callable[[str], object]


class Operations:
    """The calls of one API at `url`. `now` is a monotonic clock, `told` hears of every second attempt.

    `renewable` says that another token can be had after a refusal.
    """

    def __init__(self, url: str, now: Callable[[], float], told: Told, *, renewable: bool) -> None:
        self._url = url
        self._now = now
        self._told = told
        self._renewable = renewable
        self._reached = False

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
        receipt = Receipt.of(self._document((yield from self._ask(request))))
        if not re.fullmatch(r"scan_[0-9a-f]{32}", receipt.scan_id):
            raise self._stranger("it accepted the scan but named no scan_id")
        return receipt

    def status(self, scan_id: str) -> Steps[Status]:
        return Status.of(self._document((yield from self._ask(Request("GET", _status(scan_id))))))

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
                response = yield from self._ask(request, give_up)
            except (TooManyRequests, Unavailable, Unreachable) as error:
                if last is None or self._now() < give_up:
                    raise
                raise ScanTimeout(last, timeout or 0.0) from error
            last = Status.of(self._document(response))
            seen(last)
            if last.terminal:
                return _completed(last)
            left = give_up - self._now()
            if left <= 0:
                raise ScanTimeout(last, timeout or 0.0)
            after = min(_pause_after(response, pause), left)

    def results(self, scan_id: str, limit: int | None, *, partial: bool, timeout: float) -> Steps[Results]:
        """The best `limit` opportunities, or all of them. A scan that runs is waited for; with `partial` it is not,
        and what a failed or cancelled one had found is no error."""
        give_up = self._now() + timeout

        def page(place: Mapping[str, str]) -> Steps[Mapping[str, Json]]:
            query = {**place, "partial": "true"} if partial else place
            request = Request("GET", f"/opportunities/results/{scan_id}", params=query)
            while True:
                response = yield from self._ask(request)
                if response.status != 202:
                    return self._document(response)
                left = give_up - self._now()
                if left <= 0:
                    raise ScanTimeout(Status.of(self._document(response)), timeout)
                request = replace(request, after=min(_pause_after(response, 1.0), left))

        results = Results.of((yield from _gathered(page, "opportunities", limit)))
        if results.state in ("failed", "cancelled") and not partial:
            _completed((yield from self.status(scan_id)))
        return results

    def scans(self, fields: ListFields, limit: int | None) -> Steps[ScanList]:
        """The newest `limit` scans of these, or all of them."""
        query = {name: said for name, value in fields.items() if (said := _query(value))}

        def page(place: Mapping[str, str]) -> Steps[Mapping[str, Json]]:
            request = Request("GET", "/opportunities/scans", params={**query, **place})
            return self._document((yield from self._ask(request)))

        return ScanList.of((yield from _gathered(page, "scans", limit)))

    def cancel(self, scan_id: str) -> Steps[Status]:
        request = Request("POST", f"/opportunities/cancel/{scan_id}", repeatable=False)
        return Status.of(self._document((yield from self._ask(request))))

    def delete(self, scan_id: str) -> Steps[None]:
        yield from self._ask(Request("DELETE", f"/opportunities/scans/{scan_id}", repeatable=False))

    def profile(self) -> Steps[Profile]:
        return Profile.of(self._document((yield from self._ask(Request("GET", "/opportunities/profile")))))

    def put_profile(self, fields: ProfileFields) -> Steps[Profile]:
        body = {name: _json(value) for name, value in fields.items()}
        request = Request("PUT", "/opportunities/profile", body=body)
        return Profile.of(self._document((yield from self._ask(request))))

    def strategies(self) -> Steps[Catalogue]:
        return Catalogue.of(self._document((yield from self._ask(Request("GET", "/opportunities/strategies")))))

    def _ask(self, request: Request, until: float = inf) -> Steps[Response]:
        """The answer to `request`, asked again while the API is busy or away, no longer than `until`."""
        give_up = min(self._now() + PATIENCE_SECONDS, until)
        renewed = False
        while True:
            answer = yield request
            if isinstance(answer, NoResponse):
                # an API that answered a moment ago deserves another try; one that never did has a wrong address
                hopeful = request.repeatable and (self._reached or answer.sent)
                if not hopeful or self._now() >= give_up:
                    raise unreachable(answer, self._url)
                pause, trouble = 1.0, "did not answer"
            elif answer.status == 401 and self._renewable and not renewed:
                self._reached = renewed = True
                request = replace(request, after=0.0, renew=True)
                continue
            else:
                self._reached = True
                pause, trouble = _pause(answer, 1.0), f"is busy ({answer.status})"
                if answer.status not in _BUSY or self._now() + pause > give_up:
                    if answer.success:
                        return answer
                    raise error_of(answer, about_scan="/scan_" in request.path)
            self._told(f"The API {trouble}; trying again in {pause:g} s.")
            request = replace(request, after=pause, renew=False)

    def _document(self, response: Response) -> Mapping[str, Json]:
        try:
            body: Json = json.loads(response.content)
        except (ValueError, RecursionError) as error:
            raise self._stranger("its answer is not JSON") from error
        if not isinstance(body, dict):
            raise self._stranger("its answer is not a JSON object")
        return body

    def _stranger(self, why: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"{self._url} does not answer like the Opportunity Scan API: {why}.")


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


def _pause(response: Response, otherwise: float) -> float:
    seconds = response.retry_after
    return max(otherwise if seconds is None else seconds, SHORTEST_PAUSE_SECONDS)


def _pause_after(response: Response, otherwise: float) -> float:
    """Until the next poll: an API that holds answers back has waited already."""
    if "preference-applied" in response.headers:
        return SHORTEST_PAUSE_SECONDS
    return min(_pause(response, otherwise), LONGEST_PAUSE_SECONDS)


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
