"""`make load`: fifty callers, each another user, on the local stack for two minutes; nothing may fail, nothing grow.

Ends with 1 if an answer was wrong, or neither right nor a 429 or 503 that says when to come back; if a scan failed, a
caller saw none end, or nobody met the limit of scans a minute; or if the memory of the Lambdas is not flat: that of the
processes that live through the second half of the time is, in the last quarter, on average more than 2 % above the
quarter before. MiniStack's own memory is shown beside it; it keeps every item, log line and execution there, so it
grows with what it is asked.
"""

import argparse
import sys
import time
from collections import Counter

import httpx
from rich.console import Console
from rich.table import Table

from infra.local.stack import down, make_user, up
from tests.benchmarks.memory import MemorySampler, growth
from tests.load.visitor import Visitor, visit_all

_FLAT = 0.02
_SHOWN = 20
# As many as a caller here gets done in a minute; the one who does not wait meets the limit in any case.
_SCANS_PER_MINUTE = "4"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=120)
    asked = parser.parse_args()
    if asked.callers < 2:
        parser.error("one caller waits for scans and one does not: at least 2 are needed")
    console = Console(width=120)
    down()
    stack = up(ScansPerMinute=_SCANS_PER_MINUTE)
    try:
        tokens = [make_user(stack, f"caller-{number}") for number in range(asked.callers)]
        until = time.monotonic() + asked.seconds
        hasty, *patient = [_client(stack.api_url, token) for token in tokens]
        visitors = [Visitor(hasty, until, waits=False), *(Visitor(client, until) for client in patient)]
        with MemorySampler(stack.emulator.pid) as memory:
            findings = visit_all(visitors)
    finally:
        down()
    console.print(_requests(visitors, f"{asked.callers} callers, {asked.seconds} s"))
    for name, count in sorted(sum((visitor.counts for visitor in visitors), Counter()).items()):
        console.print(f"{count:>8,} {name}")
    for name, samples in {"MiniStack": memory.of_leader(), "Lambdas": memory.of_others()}.items():
        console.print(f"{name}: {samples[0]:.0f} MB at first, {max(samples):.0f} at most, {samples[-1]:.0f} at the end")
    grown = growth(memory.of_lasting())
    console.print(f"Lambdas that lived through the second half: {grown:+.1%} from one quarter to the next")
    if grown > _FLAT:
        findings.append(f"memory: that of the Lambdas is not flat, {grown:+.1%}")
    for finding in findings[:_SHOWN]:
        console.print(finding, style="red", markup=False)
    console.print(f"{len(findings)} errors", style="red" if findings else "green")
    return int(bool(findings))


def _client(api_url: str, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=api_url, headers=headers, timeout=60, trust_env=False)


def _requests(visitors: list[Visitor], title: str) -> Table:
    report = Table("ms", "count", "p50", "p90", "p99", "max", title=title)
    for name in dict.fromkeys(name for visitor in visitors for name in visitor.seconds):
        ordered = sorted(second for visitor in visitors for second in visitor.seconds[name])
        figures = [ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.9, 0.99, 1.0)]
        report.add_row(name, f"{len(ordered):,}", *(f"{1000 * one:.0f}" for one in figures))
    return report


if __name__ == "__main__":
    sys.exit(main())
