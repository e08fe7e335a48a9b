"""Whatever callers, workflows, faults and time do in whatever order, against the model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from moto import mock_aws

from opportunities import scans, serialization
from opportunities.aws import clients, items
from opportunities.aws.snapshots import SnapshotBucket
from opportunities.domain import Investor
from opportunities.market.archive.file import save
from opportunities.market.snapshot import MarketSnapshot
from opportunities.services.status import shown
from tests.reliability.faults import Fault
from tests.reliability.world import STRATEGIES, TABLE, World
from tests.support.moto_direct import DirectDynamoDB
from tests.support.template import logical_id, table

USERS = ("ann", "bob", "cat")
_ALIVE = ("initiated", "scanning", "complete")
# a moment, a slow strategy, more than a deadline, more than a window, more than a scan's life
_PAUSES = st.sampled_from([*[0.5] * 6, 20.0, 20.0, 125.0, 301.0, scans.LIFETIME_SECONDS + 1.0])
_WHICH = st.integers(0, 5)  # counted from the newest
_FAULTS = st.one_of(st.none(), st.none(), st.tuples(st.integers(1, 5), st.sampled_from(list(Fault))))
_FAULTS_OF_WORKFLOWS = st.one_of(st.none(), st.tuples(st.integers(1, 12), st.sampled_from(list(Fault))))


@dataclass
class Model:
    """What one scan must be, whoever tries what, and when."""

    deadline: int
    expires_at: int
    state: str = "initiated"
    execution: str | None = None
    taken_over: bool = False
    outcomes: dict[str, Any] = field(default_factory=dict)

    def runs(self, now: float) -> bool:
        return self.state in ("initiated", "scanning") and now < self.deadline

    def begin(self, execution: str, now: float) -> None:
        if self.runs(now) and self.execution in (None, execution):
            self.state, self.execution = "scanning", execution

    def record(self, strategy: str, outcome: Any, now: float) -> None:
        if self.runs(now):
            self.outcomes.setdefault(strategy, outcome)

    def take_over(self, now: float) -> None:
        self.taken_over |= self.state == "initiated" and self.runs(now)

    def end(self, state: str, now: float, *, by_its_first: bool) -> None:
        if self.runs(now) and not (by_its_first and self.taken_over):
            self.state = state

    def delete(self, now: float) -> None:
        self.state = self.state if self.runs(now) else "deleted"

    def at(self, now: float) -> str:
        if now >= self.expires_at or self.state == "deleted":
            return "not_found"
        return "failed" if self.state in ("initiated", "scanning") and now >= self.deadline else self.state


class Observed:
    """A DynamoDB client that tells every write that reached the table, whether the table then refused it or not."""

    def __init__(self, client: Any, tell: Callable[[str, dict[str, Any]], None]) -> None:
        self._client, self._tell = client, tell

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            if operation in ("put_item", "update_item"):
                self._tell(operation, arguments)
            return getattr(self._client, operation)(**arguments)

        return call


class Scans(RuleBasedStateMachine):
    """Several users' scans on moto; a subclass may bring another DynamoDB."""

    steps = 0  # of all examples together

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[tuple[str, str], Model] = {}
        self.asked: dict[Any, tuple[str, Any]] = {}  # what makes requests the same, to the scan and the body
        self.created: list[str] = []
        self.touched: set[tuple[str, str]] = set()
        self._context = self.context()
        self.world = self._context.__enter__()
        market = MarketSnapshot(captured_at=0, source="simulated", fees={})
        SnapshotBucket(clients.client("s3"), "snapshots").put_once("pinned/any", save(market))

    @contextmanager
    def context(self) -> Iterator[World]:
        with mock_aws(), pytest.MonkeyPatch.context() as patch:
            dynamodb = DirectDynamoDB()
            dynamodb.create_table(TableName=TABLE, **table())
            yield World(patch, Observed(dynamodb, self.observe))

    def teardown(self) -> None:
        try:
            self.touched |= set(self.models)
            self._hold()
        finally:
            self._context.__exit__(None, None, None)

    # ---------------------------------------------------------------------------------------------------- the model
    def observe(self, operation: str, arguments: dict[str, Any]) -> None:
        """Tells the model of a write, in the model's words."""
        key = arguments["Item"] if operation == "put_item" else arguments["Key"]
        user, sort = key["pk"]["S"].removeprefix("USER#"), key["sk"]["S"]
        if not sort.startswith("SCAN#"):
            return
        place = user, sort.removeprefix("SCAN#")
        if operation == "put_item" and key["state"]["S"] != "deleted":
            self._create(place, key)
        elif model := self.models.get(place):
            self._change(model, operation, arguments)
        self.touched |= {place} & set(self.models)

    def _change(self, model: Model, operation: str, arguments: dict[str, Any]) -> None:
        values = arguments["ExpressionAttributeValues"]
        now = float(values[":now"]["N"])
        if operation == "put_item":
            model.delete(now)
        elif arguments["UpdateExpression"] == "SET taken_over = :true":
            model.take_over(now)
        elif ":outcome" in values:
            outcome = asdict(items.outcome_from_attribute(values[":outcome"]))
            model.record(arguments["ExpressionAttributeNames"]["#strategy"], outcome, now)
        elif ":execution" in values:
            model.begin(values[":execution"]["S"], now)
        else:
            model.end(values[":state"]["S"], now, by_its_first="taken_over" in arguments["ConditionExpression"])

    def _create(self, place: tuple[str, str], item: dict[str, Any]) -> None:
        existing = self.models.get(place)
        if existing is None or float(item["created_at"]["N"]) >= existing.expires_at:
            self.models[place] = Model(int(item["deadline"]["N"]), int(item["expires_at"]["N"]))
            self.created.append(place[1])

    def _hold(self) -> None:
        """Holds what callers read of the scans that were touched against the model."""
        Scans.steps += 1
        for user, scan_id in self.touched:
            self._compare(user, scan_id)
        self.touched = set()

    def _compare(self, user: str, scan_id: str) -> None:
        model = self.models[user, scan_id]
        answer = self.world.on("status", user, scan_id)
        state = model.at(self.world.now)
        assert answer is not None
        if state == "not_found":
            assert answer["statusCode"] == 404, answer
            return
        assert answer["statusCode"] == 200, answer
        body = answer["body"]
        assert (body["status"], body["metadata"]["scan_state"]) == (shown(scans.ScanState(state)), state)
        read = {name: one for name, one in body["strategies"].items() if name in model.outcomes}
        assert read == model.outcomes
        assert body["progress"]["strategies_completed"] + body["progress"]["strategies_failed"] == len(read)
        results = self.world.on("results", user, scan_id, queryStringParameters={"partial": "true"})
        assert results is not None
        found = sorted(one["strategy_id"] for one in results["body"]["opportunities"])
        assert found == sorted(name for name, one in read.items() for _ in range(one["opportunities"]))

    def _one(self, user: str, which: int) -> tuple[str, str]:
        mine = [place for place in self.models if place[0] == user]
        return mine[-1 - which % len(mine)] if mine else (user, "scan_" + "0" * 32)

    @contextmanager
    def _faulty(self, fault: tuple[int, Fault] | None) -> Iterator[None]:
        with self.world.faults.armed(*(fault or (0, None))):
            yield

    # -------------------------------------------------------------------------------------------------- the callers
    @rule(
        user=st.sampled_from(USERS),
        key=st.sampled_from([None, None, "a", "b"]),
        refresh=st.booleans(),
        symbols=st.sampled_from(["", "", "BTC"]),
        fault=_FAULTS,
    )
    def discover(self, user: str, key: str | None, refresh: bool, symbols: str, fault: Any) -> None:
        window = int(self.world.now // 300)
        same = (user, key) if key else (user, symbols, window)
        body = (refresh, symbols)
        known, known_body = self.asked.get(same, (None, None)) if key or not refresh else (None, None)
        state = self.models[user, known].at(self.world.now) if known else "not_found"
        deleted = known is not None and self.models[user, known].state == "deleted"
        expired = known is not None and self.world.now >= self.models[user, known].expires_at
        self.created = []
        with self._faulty(fault):
            answer = self.world.discover(user, key=key, force_refresh=refresh, symbols=symbols)
        if self.created and (known is None or expired) and (key or not refresh):
            self.asked[same] = self.created[0], body
        if not fault:
            assert answer is not None
            if key and known and not expired and (deleted or body != known_body):
                assert answer["statusCode"] == (409 if deleted else 422), answer
            else:
                again = known is not None and (state in _ALIVE or (bool(key) and not expired))
                assert answer["statusCode"] == 202, answer
                assert answer["body"]["reused"] is again
                assert answer["body"]["scan_id"] == (known if again else self.created[-1])
        if answer and answer["statusCode"] == 202:
            self.touched.add((user, answer["body"]["scan_id"]))
        self._hold()

    @rule(user=st.sampled_from(USERS), which=_WHICH, name=st.sampled_from(["cancel", "delete"]), fault=_FAULTS)
    def end(self, user: str, which: int, name: str, fault: Any) -> None:
        place = self._one(user, which)
        state = self.models[place].at(self.world.now) if place in self.models else "not_found"
        with self._faulty(fault):
            answer = self.world.on(name, *place)
        if not fault:
            assert answer is not None
            runs = state in ("initiated", "scanning")
            fine = (200 if runs else 409) if name == "cancel" else (409 if runs else 204)
            # what a faulty deletion has left is deleted by the next
            gone = (204, 404) if name == "delete" and place in self.models else (404,)
            assert answer["statusCode"] in (gone if state == "not_found" else (fine,)), (state, answer)
        self._hold()

    @rule(
        user=st.sampled_from(USERS),
        which=_WHICH,
        name=st.sampled_from(["status", "results", "cancel", "delete"]),
    )
    def a_stranger_tries(self, user: str, which: int, name: str) -> None:
        place = self._one(user, which)
        answer = self.world.on(name, "a-stranger", place[1])
        assert answer is not None
        assert answer["statusCode"] == 404
        self._hold()

    @rule(user=st.sampled_from(USERS), which=_WHICH)
    def read(self, user: str, which: int) -> None:
        place = self._one(user, which)
        self.touched |= {place} & set(self.models)
        self._hold()

    @rule(user=st.sampled_from(USERS))
    def read_the_list(self, user: str) -> None:
        answer = self.world.call("list", user, queryStringParameters={"limit": "100"})
        assert answer is not None
        listed = {one["scan_id"]: one["status"] for one in answer["body"]["scans"]}
        states = {place[1]: model.at(self.world.now) for place, model in self.models.items() if place[0] == user}
        assert listed == {one: shown(scans.ScanState(state)) for one, state in states.items() if state != "not_found"}
        self._hold()

    # ------------------------------------------------------------------------------------------------ the workflows
    @precondition(lambda self: self.world.workflows.running())
    @rule(which=_WHICH, branches=st.lists(st.integers(0, 2), min_size=1, max_size=8), fault=_FAULTS_OF_WORKFLOWS)
    def advance(self, which: int, branches: list[int], fault: Any) -> None:
        """Some states of one execution: capture, begin, strategies in any order, failures recorded, the end."""
        running = self.world.workflows.running()
        execution = running[-1 - which % len(running)]
        with self._faulty(fault):
            for branch in branches:
                if execution.status == "RUNNING" and not execution.lost:
                    self.world.workflows.advance(execution, lambda count, branch=branch: branch % count)
        self._hold()

    @rule(user=st.sampled_from(USERS), which=_WHICH, strategy=st.sampled_from(STRATEGIES))
    def deliver_out_of_order(self, user: str, which: int, strategy: str) -> None:
        """Before its turn, once more, or long after the scan has ended."""
        place = self._one(user, which)
        if model := self.models.get(place):
            task = {
                "user_id": place[0],
                "scan_id": place[1],
                "deadline": model.deadline,
                "expires_at": model.expires_at,
                "snapshot_key": "pinned/any",
                "filters": {},
                "investor": serialization.investor_to_json(Investor()),
            }
            if self.world.behaviour.get(strategy) != "boom":
                answer = self.world.invoke(f"strategy-{logical_id(strategy)}", task)
                standing = model.outcomes.get(strategy)
                assert answer["status"] == (standing["status"] if standing and self._delivered(model) else "late")
        self._hold()

    def _delivered(self, model: Model) -> bool:
        """Whether a delivery is still judged; after the deadline it is not even begun."""
        return self.world.now < model.deadline and model.state != "deleted"

    @rule(strategy=st.sampled_from(STRATEGIES), behaviour=st.sampled_from(["fine", "skip", "boom"]))
    def the_market_changes(self, strategy: str, behaviour: str) -> None:
        self.world.behaviour[strategy] = behaviour
        self._hold()

    @rule(seconds=_PAUSES)
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)
        self._hold()
