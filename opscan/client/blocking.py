"""`Client`: the API for programs that wait for each answer."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, Unpack

import httpx

from opscan.client import adapter
from opscan.client.asking import PATIENCE_SECONDS, Asking
from opscan.client.exchange import Answer, Request, Steps
from opscan.client.investor import Catalogue, Profile
from opscan.client.operations import Operations
from opscan.client.requests import ListFields, ProfileFields, ScanFields
from opscan.client.results import Results
from opscan.client.scans import Receipt, ScanList, Status


class Client:
    """A deployment's API at `api_url`, called as whoever the `token` is of. Every method raises `ApiError`.

    `token` is a text, or a function that gives one: it is called when the first request is made, and once again when a
    request is refused with 401. A token that no header can hold is a ValueError. An API that is busy is asked again
    when it says, for a minute at most; `told` hears of it. `now` is a monotonic clock and `sleep` waits, both in
    seconds.
    """

    def __init__(
        self,
        api_url: str,
        token: str | Callable[[], str],
        *,
        told: Callable[[str], object] = lambda _sentence: None,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self._source = token
        self._token = None if callable(token) else adapter.bearer(token)
        self._sleep = sleep
        self._operations = Operations(Asking(self.api_url, now, told, renewable=callable(token)), now)
        self._http = httpx.Client(transport=transport, **adapter.options(self.api_url))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; the client cannot be used afterwards."""
        self._http.close()

    def discover(
        self, *, idempotency_key: str | None = None, join: bool = False, **fields: Unpack[ScanFields]
    ) -> "Scan":
        """Starts a scan. Requests with one `idempotency_key` share one scan for a week; without, each has its own.

        With `join`, an identical scan that the caller has started a moment ago will do.
        """
        receipt = self._run(self._operations.discover(fields, idempotency_key=idempotency_key, join=join))
        return Scan(self, self._operations, receipt)

    def scan(self, scan_id: str) -> "Scan":
        """A scan that was started before, by its id. Asks nothing yet."""
        return Scan(self, self._operations, Receipt(scan_id, reused=True, polling_seconds=1.0))

    def scans(self, *, limit: int | None = 20, **fields: Unpack[ListFields]) -> ScanList:
        """The newest `limit` scans of the caller, or all of the last week."""
        return self._run(self._operations.scans(fields, limit))

    def profile(self) -> Profile:
        """The investor that scans judge for."""
        return self._run(self._operations.profile())

    def put_profile(self, **fields: Unpack[ProfileFields]) -> Profile:
        """Replaces the whole investor: `client.put_profile(**client.profile().fields | {"capital_usd": 5000})`."""
        return self._run(self._operations.put_profile(fields))

    def strategies(self) -> Catalogue:
        """The strategies that there are."""
        return self._run(self._operations.strategies())

    def _run[Result](self, steps: Steps[Result]) -> Result:
        try:
            request = next(steps)
            while True:
                request = steps.send(self._answer(request))
        except StopIteration as ended:
            result: Result = ended.value
            return result

    def _answer(self, request: Request) -> Answer:
        if request.after:
            self._sleep(request.after)
        if callable(self._source) and (request.renew or self._token is None):
            self._token = adapter.bearer(self._source())
        try:
            return adapter.answered(self._http.send(adapter.built(self._http, request, self._token or "")))
        except adapter.FAILURES as error:
            return adapter.failed(error)


class Scan:
    """A scan of the caller, running or ended. `reused` says that it was there before."""

    def __init__(self, client: Client, operations: Operations, receipt: Receipt) -> None:
        self.scan_id = receipt.scan_id
        self.reused = receipt.reused
        self._pause = receipt.polling_seconds
        self._client = client
        self._operations = operations

    def __repr__(self) -> str:
        return f"Scan({self.scan_id!r})"

    def status(self) -> Status:
        """How far it is now."""
        return self._run(self._operations.status(self.scan_id))

    def done(self) -> bool:
        """Whether it has ended, well or badly."""
        return self.status().terminal

    def wait(self, timeout: float | None = None, *, seen: Callable[[Status], object] = lambda _status: None) -> Status:
        """Its last status once it is complete, after `timeout` seconds at most; `seen` gets every status on the way.

        Raises ScanFailed where it failed or was cancelled, and ScanTimeout, with the last status, where it goes on.
        """
        return self._run(self._operations.wait(self.scan_id, timeout, self._pause, seen))

    def results(self, limit: int | None = None, *, partial: bool = False, timeout: float = PATIENCE_SECONDS) -> Results:
        """Its best `limit` opportunities, or all of them, from as many pages as it takes.

        A scan that runs is waited for, `timeout` seconds at most. With `partial` it gives what was found until now,
        also where the scan failed or was cancelled. Raises as `wait` does.
        """
        return self._run(self._operations.results(self.scan_id, limit, partial=partial, timeout=timeout))

    def cancel(self) -> Status:
        """Ends it; raises Conflict where it has ended."""
        return self._run(self._operations.cancel(self.scan_id))

    def delete(self) -> None:
        """Forgets it and its results; raises Conflict where it runs."""
        self._run(self._operations.delete(self.scan_id))

    def _run[Result](self, steps: Steps[Result]) -> Result:
        return self._client._run(steps)  # noqa: SLF001 - a scan is a view of its client
