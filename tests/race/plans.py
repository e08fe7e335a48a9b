"""What happens to a scan after discover, decided by its id alone: so the callers know the truth without being told."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from opportunities.domain import Best, Outcome, OutcomeStatus, ScanState

STRATEGIES = ("funding_arbitrage", "risk_management", "spot_momentum_strategy")
FAILURE = "Lambda.Unknown: the strategy died"
# The others wait for a workflow that never begins: a poll right after discover sees no more of any scan.
_RUN = 0.1
_WITHOUT_MARKET = 0.1
_CANCELLED, _CANCELLED_WHILE_IT_WAITS = 0.2, 0.01


class Course(Enum):
    """What one strategy does."""

    ONCE = "delivers its outcome"
    TWICE = "is delivered twice at the same time, with other outcomes"
    DIES = "fails, its failure is recorded, and its own outcome comes late"
    DIES_AFTER = "delivers its outcome and then fails"


@dataclass(frozen=True)
class Plan:
    """`courses` is empty where no market could be had; a scan that does not `run` stays as discover made it."""

    runs: bool
    courses: Mapping[str, Course]
    cancelled: bool

    @property
    def ending(self) -> ScanState:
        """How the scan ends if nobody cancels it."""
        failed = all(course is Course.DIES for course in self.courses.values())
        return ScanState.FAILED if failed else ScanState.COMPLETE

    def may_stand(self, strategy: str, outcome: Outcome) -> bool:
        """Whether this can be the outcome that a strategy left."""
        match self.courses.get(strategy):
            case None:
                return False
            case Course.DIES:
                return outcome == Outcome(OutcomeStatus.FAILED, reason=FAILURE)
            case Course.TWICE:
                return outcome in (delivered(strategy, 1), delivered(strategy, 2))
            case Course.ONCE | Course.DIES_AFTER:
                return outcome == delivered(strategy, 1)


def delivered(strategy: str, delivery: int) -> Outcome:
    """What the n-th delivery of a strategy says; two of them never say the same."""
    if strategy == STRATEGIES[0]:
        return Outcome(OutcomeStatus.SKIPPED, duration_ms=delivery, reason=f"no perpetuals, {delivery}")
    best = Best("BTC/USDT", "spot_momentum", 41.25, 0.87)
    return Outcome(OutcomeStatus.COMPLETE, opportunities=2, duration_ms=delivery, best=best)


def plan(scan_id: str) -> Plan:
    dice = random.Random(scan_id)  # noqa: S311 - any process must throw the same
    runs = dice.random() < _RUN
    courses = dict(zip(STRATEGIES, dice.choices(list(Course), weights=(4, 2, 3, 1), k=3), strict=True))
    if dice.random() < _WITHOUT_MARKET:
        courses = {}
    return Plan(runs, courses, cancelled=dice.random() < (_CANCELLED if runs else _CANCELLED_WHILE_IT_WAITS))
