"""`make race`: callers against several processes of the real handlers, over HTTP, on AWS's DynamoDB Local.

Every scan_id that a caller gets must be found by the next poll, on any worker; see `witness.py` for what else is held
against it. Ends with 1 if anything was found, and a pair that was asked for and neither done nor refused is; so are
refusals beyond a tenth, which would leave too little tried. `--pairs` is how many discover-then-status pairs,
`--callers` how many at a time; `--fault` breaks the service on purpose, to see that it is noticed.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.table import Table

from tests.race.callers import Share, Tally, call
from tests.race.faults import FAULTS
from tests.race.processes import SPAWN, TABLE, Site, serving
from tests.race.workflow import step_functions
from tests.support import dynamodb_local, local_api
from tests.support.local_http import Reply, Request
from tests.support.template import table

_WORKERS, _CALLING_PROCESSES = 4, 2
_SHOWN = 20
_MOST_REFUSED = 0.1
_BESIDE = {
    "bare put_item": None,
    "discover": "bare put_item",
    "bare get_item": None,
    "status, first": "bare get_item",
    "status, later": "bare get_item",
}


def api(_site: Site) -> Callable[[Request], Reply]:
    """One worker of the API. The authorizer is not what races here: a token is its user's name."""
    return local_api.api(lambda token: token or None)


def race(
    dynamodb_url: str, pairs: int, callers: int, fault: str | None = None, *, workers: int, calling_processes: int
) -> Tally:
    """One run over a table that exists."""
    site = Site(dynamodb_url, fault=fault)
    with serving(step_functions, site, 1) as (states_port,):
        site = Site(dynamodb_url, f"http://127.0.0.1:{states_port}", fault)
        with (
            serving(api, site, workers) as ports,
            ProcessPoolExecutor(calling_processes, mp_context=SPAWN) as pool,
        ):
            shares = [
                Share(site, tuple(ports), of_pairs, at_a_time)
                for of_pairs, at_a_time in zip(
                    _shared(pairs, calling_processes), _shared(callers, calling_processes), strict=True
                )
            ]
            together = Tally()
            for tally in pool.map(call, shares):
                together.add(tally)
    together.findings += unaccounted(together.counts, pairs)
    return together


def _shared(number: int, among: int) -> list[int]:
    each, rest = divmod(number, among)
    return [each + (place < rest) for place in range(among)]


def unaccounted(counts: Counter[str], pairs: int) -> list[str]:
    """What is wrong with how many of the pairs that were asked for were done."""
    done, refused = counts["pairs"], counts["pairs refused"]
    found = []
    if done + refused != pairs:
        found.append(f"pairs missing: {pairs:,} were asked for, {done:,} were done and {refused:,} refused")
    if refused > _MOST_REFUSED * pairs:
        found.append(f"too many refused: {refused:,} of {pairs:,} pairs; try fewer callers, or a quieter machine")
    return found


def kinds(findings: list[str]) -> Counter[str]:
    return Counter(finding.partition(":")[0] for finding in findings)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--fault", choices=FAULTS)
    asked = parser.parse_args()
    if asked.pairs < 1 or asked.callers < _CALLING_PROCESSES:
        parser.error(f"nothing would be tried: at least 1 pair and {_CALLING_PROCESSES} callers are needed")
    console = Console()
    with dynamodb_local.running() as dynamodb:
        dynamodb.create_table(TableName=TABLE, **table())
        began = time.monotonic()
        tally = race(
            dynamodb.meta.endpoint_url,
            asked.pairs,
            asked.callers,
            asked.fault,
            workers=_WORKERS,
            calling_processes=_CALLING_PROCESSES,
        )
        seconds = time.monotonic() - began
    console.print(_latencies(tally, f"{asked.callers} callers, {_WORKERS} workers, {seconds:.0f} s"))
    for name, count in sorted(tally.counts.items()):
        console.print(f"{count:>8,} {name}")
    found = kinds(tally.findings)
    for name, count in ({"not_found": 0, "wrong state": 0} | found).items():
        console.print(f"{count:>8,} {name}", style="red" if count else "green")
    for finding in tally.findings[:_SHOWN]:
        console.print(finding, style="red", markup=False)
    return int(bool(tally.findings))


def _latencies(tally: Tally, title: str) -> Table:
    report = Table("ms", "count", "p50", "p90", "p99", "max", "p50/bare", "p99/bare", title=title)
    quantiles = {name: _quantiles(tally.seconds[name]) for name in _BESIDE if tally.seconds[name]}
    for name, figures in quantiles.items():
        bare = quantiles.get(_BESIDE[name] or "")
        ratios = [f"{figures[place] / bare[place]:.1f}" for place in (0, 2)] if bare else ["", ""]
        report.add_row(name, f"{len(tally.seconds[name]):,}", *(f"{1000 * one:.1f}" for one in figures), *ratios)
    return report


def _quantiles(seconds: list[float]) -> list[float]:
    """p50, p90, p99 and the longest."""
    ordered = sorted(seconds)
    return [ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.9, 0.99, 1.0)]


if __name__ == "__main__":
    sys.exit(main())
