"""One caller reads everything again and again, and holds it against earlier answers and the truth."""

from dataclasses import dataclass, field
from typing import Any

from opportunities import scans
from tests.reliability.world import World

_ENDED = ("complete", "failed", "cancelled")
_PHASES = ("initiated", "scanning", *_ENDED)
_OUTCOMES = ("complete", "skipped", "failed")


@dataclass
class Watch:
    """`seen` holds the last status of each scan; what the caller did is in `cancelled` and `deleted`."""

    world: World
    user: str
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)

    def learn(self, scan_id: str) -> None:
        """From here on every read of this id must succeed."""
        self._known.add(scan_id)

    def look(self) -> None:
        """Reads the list, and every scan of which the caller has ever heard."""
        with self.world.faults.aside():
            listed = {one["scan_id"]: one for one in self._list()}
            self._known |= set(listed)
            for scan_id in self._known:
                self._look_at(scan_id, listed.get(scan_id))

    def glance(self) -> None:
        """Only polls."""
        with self.world.faults.aside():
            for scan_id in self._known - self.deleted:
                self._poll(scan_id)

    def end(self) -> None:
        """The last look: everything has ended, and a stranger sees nothing of it."""
        self.look()
        with self.world.faults.aside():
            for scan_id, body in self.seen.items():
                assert scan_id in self.deleted or body["status"] in _ENDED, f"{scan_id} has no end: {body}"
                for name in ("status", "results", "cancel", "delete"):
                    stranger = self.world.on(name, "a-stranger", scan_id)
                    assert stranger is not None
                    assert stranger["statusCode"] == 404

    def _list(self) -> list[dict[str, Any]]:
        answer = self.world.call("list", self.user, queryStringParameters={"limit": "100"})
        assert answer is not None
        assert answer["statusCode"] == 200, answer
        scans_: list[dict[str, Any]] = answer["body"]["scans"]
        return scans_

    def _look_at(self, scan_id: str, listed: dict[str, Any] | None) -> None:
        body = self._poll(scan_id)
        if body is None:
            assert listed is None, f"{scan_id} is deleted and listed"
            return
        assert listed is not None, f"{scan_id} is missing from the list"
        assert (listed["status"], listed["progress"]) == (body["status"], body["progress"])
        outcomes = _outcomes(body)
        assert set(outcomes) <= set(body["strategies"])
        found = self._results(scan_id)
        for name, outcome in outcomes.items():
            assert found.pop(name, []) == ["BTC/USDT", "ETH/USDT"][: outcome["opportunities"]], f"results of {name}"
        assert not found, f"results without an outcome: {found}"
        self._ends_truly(scan_id, body, outcomes, listed["reason"])

    def _poll(self, scan_id: str) -> dict[str, Any] | None:
        """The status; None if the caller has deleted the scan."""
        answer = self.world.on("status", self.user, scan_id)
        assert answer is not None
        if scan_id in self.deleted and answer["statusCode"] == 404:
            return None
        assert answer["statusCode"] == 200, f"a read of {scan_id} says {answer['body']}"
        body: dict[str, Any] = answer["body"]
        if before := self.seen.get(scan_id):
            _goes_on_from(before, body)
        self.seen[scan_id] = body
        return body

    def _results(self, scan_id: str) -> dict[str, list[str]]:
        """The symbols that were found, by strategy."""
        answer = self.world.on("results", self.user, scan_id, queryStringParameters={"partial": "true"})
        assert answer is not None
        assert answer["statusCode"] == 200, answer
        found: dict[str, list[str]] = {}
        for one in answer["body"]["opportunities"]:
            found.setdefault(one["strategy_id"], []).append(one["symbol"])
        return {name: sorted(symbols) for name, symbols in found.items()}

    def _ends_truly(self, scan_id: str, body: dict[str, Any], outcomes: dict[str, Any], reason: str | None) -> None:
        scan = self.world.store.scan(self.user, scan_id)
        assert scan is not None
        if self.world.now >= scan.deadline:
            assert body["status"] in _ENDED, f"{scan_id} has passed its deadline and is {body['status']}"
        executions = [one for one in self.world.workflows.executions.values() if one.name == scans.execution_name(scan)]
        failed = [name for name, outcome in outcomes.items() if outcome["status"] == "failed"]
        match body["status"], reason:
            case "scanning", None:
                true = True
            case "complete", None:
                true = len(outcomes) == len(body["strategies"]) > len(failed)
            case "cancelled", None:
                true = scan_id in self.cancelled
            case "failed", "deadline_exceeded":
                true = self.world.now >= scan.deadline
            case "failed", "every strategy failed":
                true = len(failed) == len(body["strategies"])
            case "failed", "the workflow could not be started":
                true = not executions
            case "failed", str() if reason.startswith("no market: "):
                true = scan.snapshot_key is None and not outcomes
            case "failed", "the workflow failed":
                true = any(one.status == "FAILED" for one in executions)
            case "failed", "the workflow was stopped":
                true = any(one.status == "ABORTED" for one in executions)
            case "failed", "the workflow timed out":
                true = any(one.status == "TIMED_OUT" for one in executions)
            case _:
                true = False
        assert true, f"{scan_id} says {body['status']!r}, reason {reason!r}, which is not so: {body}"


def _outcomes(body: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in body["strategies"].items() if one["status"] in _OUTCOMES}


def _goes_on_from(before: dict[str, Any], body: dict[str, Any]) -> None:
    if before["status"] in _ENDED:
        assert body == before, f"an ended scan has changed: {before} -> {body}"
        return
    earlier, later = (_PHASES.index(one["metadata"]["scan_state"]) for one in (before, body))
    assert earlier <= later, f"the scan went back from {before} to {body}"
    assert before["progress"]["percentage"] <= body["progress"]["percentage"], "progress went back"
    assert before["progress"]["opportunities_found_so_far"] <= body["progress"]["opportunities_found_so_far"]
    standing = _outcomes(body)
    for name, outcome in _outcomes(before).items():
        assert standing.get(name) == outcome, f"the outcome of {name} was {outcome} and is {standing.get(name)}"
