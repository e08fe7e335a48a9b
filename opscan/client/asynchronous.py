"""`AsyncClient`: the API for programs that do other things while they wait; its names are those of `Client`."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
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


class AsyncClient:
    """As `Client`, with methods to await; the function that gives a token may be one to await, too."""

    def __init__(
        self,
        api_url: str,
        token: str | Callable[[], str | Awaitable[str]],
        *,
        told: Callable[[str], object] = lambda _sentence: None,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self._source = token
        self._token = None if callable(token) else adapter.bearer(token)
        self._sleep = sleep
        self._operations = Operations(Asking(self.api_url, now, told, renewable=callable(token)), now)
        self._http = httpx.AsyncClient(transport=transport, **adapter.options(self.api_url))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections; the client cannot be used afterwards."""
        await self._http.aclose()

    async def discover(
        self, *, idempotency_key: str | None = None, join: bool = False, **fields: Unpack[ScanFields]
    ) -> "AsyncScan":
        """Starts a scan. Requests with one `idempotency_key` share one scan for a week; without, each has its own.

        With `join`, an identical scan that the caller has started a moment ago will do.
        """
        receipt = await self._run(self._operations.discover(fields, idempotency_key=idempotency_key, join=join))
        return AsyncScan(self, self._operations, receipt)

    def scan(self, scan_id: str) -> "AsyncScan":
        """A scan that was started before, by its id. Asks nothing yet."""
        return AsyncScan(self, self._operations, Receipt(scan_id, reused=True, polling_seconds=1.0))

    async def scans(self, *, limit: int | None = 20, **fields: Unpack[ListFields]) -> ScanList:
        """The newest `limit` scans of the caller, or all of the last week."""
        return await self._run(self._operations.scans(fields, limit))

    async def profile(self) -> Profile:
        """The investor that scans judge for."""
        return await self._run(self._operations.profile())

    async def put_profile(self, **fields: Unpack[ProfileFields]) -> Profile:
        """Replaces the whole investor: `client.put_profile(**fields | {"capital_usd": 5000})`."""
        return await self._run(self._operations.put_profile(fields))

    async def strategies(self) -> Catalogue:
        """The strategies that there are."""
        return await self._run(self._operations.strategies())

    async def _run[Result](self, steps: Steps[Result]) -> Result:
        try:
            request = next(steps)
            while True:
                request = steps.send(await self._answer(request))
        except StopIteration as ended:
            result: Result = ended.value
            return result

    async def _answer(self, request: Request) -> Answer:
        if request.after:
            await self._sleep(request.after)
        if callable(self._source) and (request.renew or self._token is None):
            token = self._source()
            self._token = adapter.bearer(await token if inspect.isawaitable(token) else token)
        try:
            return adapter.answered(await self._http.send(adapter.built(self._http, request, self._token or "")))
        except adapter.FAILURES as error:
            return adapter.failed(error)


class AsyncScan:
    """A scan of the caller, running or ended. `reused` says that it was there before."""

    def __init__(self, client: AsyncClient, operations: Operations, receipt: Receipt) -> None:
        self.scan_id = receipt.scan_id
        self.reused = receipt.reused
        self._pause = receipt.polling_seconds
        self._client = client
        self._operations = operations

    def __repr__(self) -> str:
        return f"AsyncScan({self.scan_id!r})"

    async def status(self) -> Status:
        """How far it is now."""
        return await self._run(self._operations.status(self.scan_id))

    async def done(self) -> bool:
        """Whether it has ended, well or badly."""
        return (await self.status()).terminal

    async def wait(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the error carries the last status
        *,
        seen: Callable[[Status], object] = lambda _status: None,
    ) -> Status:
        """Its last status once it is complete, after `timeout` seconds at most; `seen` gets every status on the way.

        Raises ScanFailed where it failed or was cancelled, and ScanTimeout, with the last status, where it goes on.
        """
        return await self._run(self._operations.wait(self.scan_id, timeout, self._pause, seen))

    async def results(
        self,
        limit: int | None = None,
        *,
        partial: bool = False,
        timeout: float = PATIENCE_SECONDS,  # noqa: ASYNC109 - as above
    ) -> Results:
        """Its best `limit` opportunities, or all of them, from as many pages as it takes.

        A scan that runs is waited for, `timeout` seconds at most. With `partial` it gives what was found until now,
        also where the scan failed or was cancelled. Raises as `wait` does.
        """
        return await self._run(self._operations.results(self.scan_id, limit, partial=partial, timeout=timeout))

    async def cancel(self) -> Status:
        """Ends it; raises Conflict where it has ended."""
        return await self._run(self._operations.cancel(self.scan_id))

    async def delete(self) -> None:
        """Forgets it and its results; raises Conflict where it runs."""
        await self._run(self._operations.delete(self.scan_id))

    async def _run[Result](self, steps: Steps[Result]) -> Result:
        return await self._client._run(steps)  # noqa: SLF001 - a scan is a view of its client
