"""Callers of the deployed API, who do what callers do, again and again, and keep what went wrong."""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from opportunities import strategies

# What a caller may be told at any time, if also told when to come back.
_LATER = (429, 503)
_SECONDS_TO_END = 130
_CANCELS, _DELETES, _WAITS = 0.1, 0.3, 0.05


@dataclass
class Visitor:
    """One caller; one who does not wait asks for scan after scan, and so meets the limit."""

    http: httpx.Client
    until: float
    waits: bool = True
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    _dice: random.Random = field(default_factory=random.Random)

    def visit(self) -> None:
        while time.monotonic() < self.until:
            scan_id = self._discover()
            if scan_id is None or not self.waits:
                continue
            if self._dice.random() < _CANCELS:
                self._ask("cancel", "POST", f"/opportunities/cancel/{scan_id}", (200, 409))
            if self._end(scan_id):
                self._read(scan_id)

    def _discover(self) -> str | None:
        chosen = self._dice.sample(strategies.names(), self._dice.randint(1, 3))
        content = {"strategy_ids": chosen, "force_refresh": self._dice.random() < 0.5}
        answer = self._ask("discover", "POST", "/opportunities/discover", (202,), json=content)
        return None if answer is None else str(answer.json()["scan_id"])

    def _end(self, scan_id: str) -> bool:
        """Polls until the scan has ended, or the time is over."""
        limit = min(time.monotonic() + _SECONDS_TO_END, self.until + _SECONDS_TO_END)
        while time.monotonic() < limit:
            headers = {"Prefer": "wait=3"} if self._dice.random() < _WAITS else {}
            name = "status, waiting" if headers else "status"
            answer = self._ask(name, "GET", f"/opportunities/status/{scan_id}", (200,), headers=headers)
            if answer is not None:
                status = answer.json()["status"]
                if status != "scanning":
                    self.counts[f"scans {status}"] += 1
                    if status == "failed":
                        self.findings.append(f"failed: {scan_id} {answer.json()['message']}")
                    return True
                time.sleep(float(answer.headers["Retry-After"]))
        self.findings.append(f"no end: {scan_id} runs after {_SECONDS_TO_END} s")
        return False

    def _read(self, scan_id: str) -> None:
        self._ask("results", "GET", f"/opportunities/results/{scan_id}", (200,))
        listed = self._ask("list", "GET", "/opportunities/scans?limit=100", (200,))
        if listed is not None and scan_id not in [one["scan_id"] for one in listed.json()["scans"]]:
            self.findings.append(f"not listed: {scan_id}")
        if self._dice.random() < _DELETES:
            deleted = self._ask("delete", "DELETE", f"/opportunities/scans/{scan_id}", (204,))
            if deleted is not None:
                self._ask("status, deleted", "GET", f"/opportunities/status/{scan_id}", (404,))

    def _ask(
        self, name: str, method: str, path: str, right: tuple[int, ...], **arguments: Any
    ) -> httpx.Response | None:
        """The answer if it is one of the `right` ones; None after the time that a refusal asks for."""
        began = time.perf_counter()
        answer = self.http.request(method, path, **arguments)
        self.seconds[name].append(time.perf_counter() - began)
        if answer.status_code in right:
            self.answered[name] += 1
            return answer
        self.counts[f"{name} refused with {answer.status_code}"] += 1
        if answer.status_code in _LATER and "Retry-After" in answer.headers:
            time.sleep(min(float(answer.headers["Retry-After"]), max(self.until - time.monotonic(), 0)))
        else:
            self.findings.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        return None


def visit_all(visitors: Sequence[Visitor]) -> list[str]:
    """All at once until their time is over: what went wrong, and what should have happened and did not."""
    with ThreadPoolExecutor(len(visitors)) as pool:
        visits = [pool.submit(visitor.visit) for visitor in visitors]
    findings = [finding for visitor in visitors for finding in visitor.findings]
    findings += [f"caller died: {error!r}" for visit in visits if (error := visit.exception())]
    counts = sum((visitor.counts for visitor in visitors), Counter[str]())
    answered = sum((visitor.answered for visitor in visitors), Counter[str]())
    asked = dict.fromkeys(name for visitor in visitors for name in visitor.seconds)
    findings += [f"never answered: {name}" for name in asked if not answered[name]]
    for visitor in visitors:
        if visitor.waits and not any(name.startswith("scans ") for name in visitor.counts):
            findings.append("no scan: a caller has not seen one end; try fewer callers, or more seconds")
    if not counts["scans complete"]:
        findings.append("nothing complete: not one scan came to what it was asked for")
    if not counts["discover refused with 429"]:
        findings.append("no limit met: nobody was refused with 429; try more seconds, or a lower limit")
    return findings
