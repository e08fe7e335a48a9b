"""Every AWS call of every Lambda and of the workflow, gone wrong in every way, and what callers then see.

The calls are not listed anywhere: each scenario is run once without a fault and its calls are recorded, so a call that
is added is covered. `python -m tests.reliability.crash_matrix` tries and counts all points.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product

from rich.console import Console
from rich.table import Table

from tests.reliability.faults import Fault
from tests.reliability.scenarios import SCENARIOS, USER, Answer, Scenario, run
from tests.reliability.watch import Watch
from tests.reliability.world import World, in_process

KINDS = ("STANDARD", "EXPRESS")


class Then(StrEnum):
    """What the caller does when the fault has passed."""

    RETRIES = "the caller sends it again"
    POLLS = "the caller only polls"


@dataclass(frozen=True)
class Point:
    scenario: Scenario
    kind: str
    number: int
    call: str
    fault: Fault
    then: Then

    def __str__(self) -> str:
        return f"{self.scenario.name} ({self.kind}): call {self.number}, {self.call}: {self.fault}, then {self.then}"


def points(scenario: Scenario, kind: str) -> Iterator[Point]:
    """All points of a scenario, from the calls of a run without a fault."""
    with in_process(kind) as world:
        calls = _recorded(world, scenario)
    for (number, call), fault, then in product(enumerate(calls, start=1), Fault, Then):
        yield Point(scenario, kind, number, call, fault, then)


def used(scenario: Scenario) -> set[str]:
    """The handlers that a scenario runs."""
    with in_process() as world:
        _recorded(world, scenario)
        return set(world.used)


def _recorded(world: World, scenario: Scenario) -> list[str]:
    watch = Watch(world, USER)
    scan_id = scenario.prepare(world, watch)
    with world.faults.armed(0, None):
        scenario.act(world, watch, scan_id)
        return world.faults.calls


def check(point: Point) -> None:
    """Runs the point; an AssertionError says what a caller saw that must not be."""
    smooth = _smooth(point.scenario, point.kind) if _costs_nothing(point) else None
    with in_process(point.kind) as world:
        watch = Watch(world, USER)
        scan_id = point.scenario.prepare(world, watch)
        with world.faults.armed(point.number, point.fault):
            answer = point.scenario.act(world, watch, scan_id)
        _answers_well(point, answer)
        watch.look()
        if point.then is Then.RETRIES:
            again = point.scenario.act(world, watch, scan_id)
            assert again is None or again["statusCode"] < 500, again
            watch.look()
        run(world, watch)
        world.settle()
        watch.end()
        if smooth:
            assert _ends(watch) == smooth, f"{_ends(watch)} instead of {smooth}"


@cache
def _smooth(scenario: Scenario, kind: str) -> Counter[str]:
    """How the scans of a scenario end without a fault."""
    with in_process(kind) as world:
        watch = Watch(world, USER)
        scenario.act(world, watch, scenario.prepare(world, watch))
        run(world, watch)
        world.settle()
        watch.end()
        return _ends(watch)


def _ends(watch: Watch) -> Counter[str]:
    return Counter(body["message"] for body in watch.seen.values())


def _costs_nothing(point: Point) -> bool:
    """What botocore or the workflow itself repeats must not even show."""
    if point.then is Then.RETRIES:
        return False
    own = point.call.startswith("workflow.") and point.fault in (Fault.THROTTLE, Fault.TIME_OUT)
    return point.fault is Fault.REPEAT or own


def _answers_well(point: Point, answer: Answer) -> None:
    if answer is None:
        return
    status = answer["statusCode"]
    if point.fault is Fault.REPEAT or status != 503:
        assert status in point.scenario.answers, f"it was answered {status}: {answer['body']}"
    else:
        assert int(answer["headers"]["Retry-After"]) > 0


def main() -> None:
    logging.disable()  # what the handlers say of the faults
    console = Console()
    report = Table("scenario", "calls", "points", title="Crash matrix")
    kinds: Counter[Fault] = Counter()
    for scenario in SCENARIOS:
        of_it = [point for kind in KINDS for point in points(scenario, kind)]
        for point in of_it:
            check(point)
            kinds[point.fault] += 1
        report.add_row(scenario.name, ", ".join(sorted({point.call for point in of_it})), str(len(of_it)))
    console.print(report)
    for fault, count in kinds.items():
        console.print(f"{count:5} {fault}")
    console.print(f"{kinds.total():5} points, all hold")


if __name__ == "__main__":
    main()
