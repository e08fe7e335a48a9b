"""The callers: each discovers, polls at once, and follows to its end what a workflow runs; the workers are mixed."""

import http.client
import itertools
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from opportunities import scans
from opportunities.aws import clients, items
from opportunities.domain import ScanState
from tests.race.plans import STRATEGIES, plan
from tests.race.processes import TABLE, Site
from tests.race.witness import Witness
from tests.support import builders

type Answer = tuple[int, dict[str, Any]]

# A caller may ask for 30 scans a minute; every so often they become somebody else.
_PAIRS_PER_USER = 10
# What a caller may be told instead of an id; anything else is found.
_REFUSALS = (429, 503)
_BARE_CALLS_EVERY = 10
_TWINS = 0.1
_SECONDS_TO_END = 60
_READS_AFTER_THE_END = 4


@dataclass(frozen=True)
class Share:
    """What one process of callers does: so many pairs, so many at a time, on the workers of these ports."""

    site: Site
    ports: tuple[int, ...]
    pairs: int
    at_a_time: int


@dataclass
class Tally:
    """Seconds by what was done, counts by what happened, and what must never be."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        for name, some in other.seconds.items():
            self.seconds[name] += some
        self.counts += other.counts
        self.findings += other.findings

    def timed[T](self, name: str, do: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = do()
        self.seconds[name].append(time.perf_counter() - began)
        return done


def call(share: Share) -> Tally:
    """Runs in a process of its own."""
    share.site.enter()
    return together([_Caller(share.ports) for _ in range(share.at_a_time)], share.pairs)


def together(callers: Sequence["_Caller"], pairs: int) -> Tally:
    """So many pairs by all callers at once; whatever ends one of them before their time is found."""
    left = itertools.count()

    def work(caller: _Caller) -> None:
        while next(left) < pairs:
            caller.pair()

    with ThreadPoolExecutor(len(callers)) as pool:
        working = [pool.submit(work, caller) for caller in callers]
    tally = Tally()
    for caller, done in zip(callers, working, strict=True):
        tally.add(caller.tally)
        if error := done.exception():
            tally.findings.append(f"caller died: {error!r}")
    return tally


class _Caller:
    """One at a time of the callers, with a connection to each worker."""

    def __init__(self, ports: tuple[int, ...]) -> None:
        self._workers = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for port in ports]
        self._dice = random.Random()  # noqa: S311
        self._user = ""
        self._done = 0
        self.tally = Tally()

    def pair(self) -> None:
        """Discover, and the first poll on another worker; now and then the bare calls beside it."""
        if self._done % _PAIRS_PER_USER == 0:
            self._user = f"user-{uuid4()}"
        if self._done % _BARE_CALLS_EVERY == 0:
            self._bare_calls()
        self._done += 1
        scan_id = self._twins() if self._dice.random() < _TWINS else self._discover()
        if scan_id is None:
            self.tally.counts["pairs refused"] += 1
            return
        witness = Witness(scan_id, plan(scan_id))
        self._poll(witness, "status, first")
        self.tally.counts["pairs"] += 1
        if witness.plan.cancelled:
            self._cancel(witness)
        if witness.plan.runs:
            self._follow(witness)
        self.tally.findings += witness.findings

    def _discover(self) -> str | None:
        request = self._request(force_refresh=True)
        return self._scan_id(self.tally.timed("discover", lambda: self._ask(self._worker(), *request)))

    def _twins(self) -> str | None:
        """The same request to two workers at the same time: one scan.

        Unless the first has failed by the time the second is read, and no key says that it is meant.
        """
        method, path, content, headers = self._request(force_refresh=False)
        asked = self._dice.sample(self._workers, 2)
        for worker in asked:
            self._send(worker, method, path, content, headers)
        first, second = [self._scan_id(self._receive(worker)) for worker in asked]
        if first and second and first != second:
            failed = any(plan(one).runs and plan(one).ending is ScanState.FAILED for one in (first, second))
            if headers or not failed:
                self.tally.findings.append(f"two scans: of one request, {first} and {second}")
        return first or second

    def _request(self, *, force_refresh: bool) -> tuple[str, str, dict[str, Any], dict[str, str]]:
        """Its id made of its content, at random, or from an `Idempotency-Key`; its like has not been sent before.

        Three in ten say `force_refresh`, the others leave it out.
        """
        content: dict[str, Any] = {"strategy_ids": list(STRATEGIES), "min_profit_potential": self._done}
        headers = {}
        if self._dice.random() < 0.3:
            content["force_refresh"] = force_refresh
        if self._dice.random() < 0.3:
            headers = {"Idempotency-Key": str(uuid4())}
        return "POST", "/opportunities/discover", content, headers

    def _scan_id(self, answer: Answer) -> str | None:
        code, content = answer
        if code == 202:
            return str(content["scan_id"])
        # without an id nothing is promised; how often that happened is reported
        self.tally.counts[f"discover refused with {code}"] += 1
        if code not in _REFUSALS:
            self.tally.findings.append(f"no id: discover answers {code} {content.get('title')}")
        return None

    def _poll(self, witness: Witness, name: str) -> None:
        path = f"/opportunities/status/{witness.scan_id}"
        witness.see(*self.tally.timed(name, lambda: self._ask(self._worker(), "GET", path)))
        self.tally.counts["polls"] += 1

    def _cancel(self, witness: Witness) -> None:
        code, content = self._ask(self._worker(), "POST", f"/opportunities/cancel/{witness.scan_id}")
        if code == 409:
            witness.see_refused_cancellation(content)
        else:
            witness.cancelled = code == 200
            witness.see(code, content)
            self._poll(witness, "status, later")

    def _follow(self, witness: Witness) -> None:
        until = time.monotonic() + _SECONDS_TO_END
        while not (witness.ended or witness.findings):
            if time.monotonic() > until:
                witness.findings.append(f"no end: {witness.scan_id} after {_SECONDS_TO_END} s")
                return
            time.sleep(0.005)
            self._poll(witness, "status, later")
        for _ in range(_READS_AFTER_THE_END):
            time.sleep(0.015)
            self._poll(witness, "status, later")
        witness.see_results(*self._ask(self._worker(), "GET", f"/opportunities/results/{witness.scan_id}"))
        self.tally.counts[f"scans {witness.last['status'] if witness.last else 'lost'}"] += 1

    def _bare_calls(self) -> None:
        """What one write and one read of an item of the same size cost, at the same time and under the same load."""
        dynamodb = clients.client("dynamodb")
        item = items.scan_to_item(builders.scan(user_id=self._user, scan_id=scans.random_id(), strategies=STRATEGIES))
        key = {"pk": item["pk"], "sk": item["sk"]}
        self.tally.timed("bare put_item", lambda: dynamodb.put_item(TableName=TABLE, Item=item))
        self.tally.timed("bare get_item", lambda: dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True))

    def _worker(self) -> http.client.HTTPConnection:
        return self._dice.choice(self._workers)

    def _ask(
        self,
        worker: http.client.HTTPConnection,
        method: str,
        path: str,
        content: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        self._send(worker, method, path, content, headers)
        return self._receive(worker)

    def _send(
        self,
        worker: http.client.HTTPConnection,
        method: str,
        path: str,
        content: dict[str, Any] | None,
        headers: dict[str, str] | None,
    ) -> None:
        body = None if content is None else json.dumps(content).encode()
        said = {"Authorization": f"Bearer {self._user}", "Content-Type": "application/json", **(headers or {})}
        worker.request(method, path, body, said)

    def _receive(self, worker: http.client.HTTPConnection) -> Answer:
        answer = worker.getresponse()
        return answer.status, json.loads(answer.read())
