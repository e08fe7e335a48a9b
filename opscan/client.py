"""The HTTP API from the caller's side: typed calls, patient retries, and each refusal in one plain sentence."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from opportunities.domain import Json
from opscan.context import Clock, Report, Target
from opscan.errors import NoAnswer
from opscan.problems import refusal
from opscan.responses import Receipt, Status, items, number, text
from opscan.results import Results

# The longest wait for an API that is busy or away, over all attempts of one call.
PATIENCE_SECONDS = 60.0
PAGE = 100
_BUSY = (429, 502, 503, 504)


class Api:
    """A deployment's API. Every method raises `OpscanError` and nothing else for what can be expected to go wrong."""

    def __init__(
        self,
        target: Target,
        *,
        clock: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
        say: Report = lambda _sentence: None,
    ) -> None:
        self.target = target
        self._clock = clock or Clock()
        self._say = say
        self._reached = False
        self._http = httpx.Client(
            base_url=target.url,
            headers={"Authorization": f"Bearer {target.token}", "Accept": "application/json"},
            timeout=httpx.Timeout(35.0, connect=5.0),  # an HTTP API itself gives up after 30
            transport=transport,
            trust_env=not _loopback(target.url),  # a proxy cannot reach this machine's own addresses
        )

    def discover(self, request: Mapping[str, Json]) -> Receipt:
        receipt = Receipt.of(self._json(self._ask("POST", "/opportunities/discover", json=request)))
        if not re.fullmatch(r"scan_[0-9a-f]{32}", receipt.scan_id):
            raise self._stranger("it accepted the scan but named no scan_id")
        return receipt

    def status(self, scan_id: str) -> Status:
        response = self._ask("GET", f"/opportunities/status/{scan_id}")
        return Status.of(self._json(response), _retry_after(response))

    def results(self, scan_id: str, at_most: int | None = None) -> Results:
        """The best `at_most` opportunities, or all of them, gathered from as many pages as it takes."""
        return Results.of(_gathered(lambda query: self._page(scan_id, query), "opportunities", at_most))

    def scans(self, query: Mapping[str, str], at_most: int) -> Mapping[str, Json]:
        """The newest `at_most` scans that `query` lets through."""

        def page(place: Mapping[str, str]) -> Mapping[str, Json]:
            return self._json(self._ask("GET", "/opportunities/scans", params={**query, **place}))

        return _gathered(page, "scans", at_most)

    def cancel(self, scan_id: str) -> Mapping[str, Json]:
        return self._json(self._ask("POST", f"/opportunities/cancel/{scan_id}"))

    def delete(self, scan_id: str) -> None:
        self._ask("DELETE", f"/opportunities/scans/{scan_id}")

    def profile(self) -> Mapping[str, Json]:
        return self._json(self._ask("GET", "/opportunities/profile"))

    def put_profile(self, profile: Mapping[str, Json]) -> Mapping[str, Json]:
        return self._json(self._ask("PUT", "/opportunities/profile", json=profile))

    def strategies(self) -> Mapping[str, Json]:
        return self._json(self._ask("GET", "/opportunities/strategies"))

    def _page(self, scan_id: str, query: Mapping[str, str]) -> Mapping[str, Json]:
        give_up = self._clock.now() + PATIENCE_SECONDS
        while True:
            response = self._ask("GET", f"/opportunities/results/{scan_id}", params=query)
            if response.status_code != 202:
                return self._json(response)
            if self._clock.now() >= give_up:
                raise NoAnswer("The scan ended, but its results did not become readable.", "Run the scan again.")
            self._clock.sleep(_pause(response))

    def _ask(
        self, method: str, path: str, *, json: Mapping[str, Json] | None = None, params: Mapping[str, str] | None = None
    ) -> httpx.Response:
        give_up = self._clock.now() + PATIENCE_SECONDS
        while True:
            try:
                response = self._http.request(method, path, json=json, params=params)
            except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
                # an API that answered a moment ago deserves another try; one that never did has a wrong address
                if method != "GET" or not self._reached or self._clock.now() >= give_up:
                    raise self._unreachable(error) from error
                pause, trouble = 1.0, "did not answer"
            else:
                self._reached = True
                pause, trouble = _pause(response), f"is busy ({response.status_code})"
                if response.status_code not in _BUSY or self._clock.now() + pause > give_up:
                    if response.is_success:
                        return response
                    raise refusal(response, self.target)
            self._say(f"The API {trouble}; trying again in {pause:g} s.")
            self._clock.sleep(pause)

    def _json(self, response: httpx.Response) -> Mapping[str, Json]:
        try:
            body = response.json()
        except (ValueError, RecursionError) as error:
            raise self._stranger("its answer is not JSON") from error
        if not isinstance(body, dict):
            raise self._stranger("its answer is not a JSON object")
        return body

    def _stranger(self, why: str) -> NoAnswer:
        return NoAnswer(
            f"{self.target.url} does not answer like the Opportunity Scan API: {why}.",
            "Check the address: it is the stack's output ApiUrl.",
        )

    def _unreachable(self, error: Exception) -> NoAnswer:
        detail = text(str(error)) or type(error).__name__
        if isinstance(error, httpx.TimeoutException):
            return NoAnswer(
                f"{self.target.url} took too long to answer ({detail}).",
                "It may be busy: run the command again; a scan that was started after all is joined.",
            )
        return NoAnswer(
            f"{self.target.url} cannot be reached ({detail}).",
            "Run `opscan up` to start the local stack." if self.target.local else "Check --api-url and the network.",
        )


def _gathered(
    page: Callable[[Mapping[str, str]], Mapping[str, Json]], name: str, at_most: int | None
) -> dict[str, Json]:
    """The first `at_most` of a list, or all of it, as one page: a page may be empty, and not the last."""
    gathered: list[Json] = []
    cursor = ""
    while True:
        limit = PAGE if at_most is None else min(PAGE, at_most - len(gathered))
        answer = page({"limit": str(limit)} | ({"cursor": cursor} if cursor else {}))
        gathered += items(answer.get(name))
        before, cursor = cursor, text(answer.get("next_cursor"))
        if cursor in ("", before) or (at_most is not None and len(gathered) >= at_most):
            return {**answer, name: gathered, "next_cursor": cursor or None}


def _retry_after(response: httpx.Response) -> float | None:
    try:
        seconds = number(float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None
    return None if seconds is None else max(0.0, seconds)


def _pause(response: httpx.Response) -> float:
    seconds = _retry_after(response)
    return 1.0 if seconds is None else max(0.1, seconds)


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return host.endswith(".localhost")
