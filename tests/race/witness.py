"""What one caller sees of one scan, and what must never be: each answer is held against the plan and those before."""

from dataclasses import dataclass, field
from typing import Any

from opportunities.domain import Best, Outcome, OutcomeStatus, ScanState
from tests.race.plans import Plan

type Json = dict[str, Any]

_ORDER = ["initiated", "scanning"]
_NOT_YET = ("waiting", "running", "unfinished")


@dataclass
class Witness:
    """`findings` has a sentence for every broken promise, of which the part before the colon names the kind."""

    scan_id: str
    plan: Plan
    cancelled: bool = False
    last: Json | None = None
    findings: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.last is not None and self.last["status"] != "scanning"

    def see(self, code: int, body: Json) -> None:
        """One answer of GET status, or of the POST cancel that succeeded."""
        if code != 200:
            self._find("not_found" if code == 404 else "no answer", f"{code} {body.get('title')}")
            return
        self._check_state(body)
        self._check_outcomes(body)
        if self.last is not None:
            self._check_against(self.last, body)
        self.last = body

    def see_refused_cancellation(self, body: Json) -> None:
        """409: true only of a scan that ends by itself."""
        if not self.plan.runs:
            self._find("wrong state", f"a scan that nobody ends cannot be cancelled: {body['detail']}")

    def see_results(self, code: int, body: Json) -> None:
        """The results of a scan that has ended are those that its outcomes told of."""
        if code != 200 or self.last is None:
            self._find("no results", f"{code} {body.get('title')}")
        elif body["total_opportunities"] != self.last["progress"]["opportunities_found_so_far"]:
            told = self.last["progress"]["opportunities_found_so_far"]
            self._find("lost results", f"{body['total_opportunities']} of {told}")

    def _check_state(self, body: Json) -> None:
        state = body["metadata"]["scan_state"]
        allowed = {*_ORDER, self.plan.ending} if self.plan.runs else {"initiated"}
        if self.cancelled:
            allowed = {ScanState.CANCELLED}
        if state not in allowed or body["status"] != ("scanning" if state == "initiated" else state):
            self._find("wrong state", f"{body['status']} ({state}) is none of {sorted(allowed)}")
        missing = [name for name in self.plan.courses if body["strategies"][name]["status"] in _NOT_YET]
        if state == ScanState.COMPLETE and missing:
            self._find("lost outcome", f"the scan is complete without {missing}")

    def _check_outcomes(self, body: Json) -> None:
        outcomes = _outcomes(body)
        for name, outcome in outcomes.items():
            if not (self.plan.runs and self.plan.may_stand(name, outcome)):
                self._find("wrong outcome", f"{name} {outcome}")
        progress = body["progress"]
        if progress["strategies_completed"] + progress["strategies_failed"] != len(outcomes):
            self._find("wrong progress", f"{progress} of {sorted(outcomes)}")

    def _check_against(self, last: Json, body: Json) -> None:
        if last["status"] != "scanning" and body != last:
            self._find("left a terminal state", f"{last['status']} {last['progress']} → {body}")
        before, after = last["metadata"]["scan_state"], body["metadata"]["scan_state"]
        if before in _ORDER and after in _ORDER and _ORDER.index(after) < _ORDER.index(before):
            self._find("progress went back", f"{before} → {after}")
        if last["progress"]["percentage"] > body["progress"]["percentage"]:
            self._find("progress went back", f"{last['progress']} → {body['progress']}")
        now = _outcomes(body)
        for name, outcome in _outcomes(last).items():
            if now.get(name) != outcome:
                self._find("outcome changed", f"{name} {outcome} → {now.get(name)}")

    def _find(self, kind: str, what: str) -> None:
        self.findings.append(f"{kind}: {self.scan_id} {what}")


def _outcomes(body: Json) -> dict[str, Outcome]:
    return {
        name: Outcome(
            **one | {"status": OutcomeStatus(one["status"]), "best": Best(**one["best"]) if one["best"] else None}
        )
        for name, one in body["strategies"].items()
        if one["status"] not in _NOT_YET
    }
