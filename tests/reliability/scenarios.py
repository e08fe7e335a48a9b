"""What the crash matrix breaks: each request, about scans in each condition, and the workflow, as it may go."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.reliability.faults import Fault
from tests.reliability.watch import Watch
from tests.reliability.world import STRATEGIES, World

USER = "the-caller"
# An answer of the API; None from what is killed, and from what is no request.
type Answer = dict[str, Any] | None


@dataclass(frozen=True)
class Scenario:
    """`act` is what goes wrong, after `prepare` has gone well and given a scan's id, or ""."""

    name: str
    act: Callable[[World, Watch, str], Answer]
    prepare: Callable[[World, Watch], str] = lambda _world, _watch: ""
    answers: tuple[int, ...] = (200, 202, 204)


def discover(**arguments: Any) -> Callable[[World, Watch, str], Answer]:
    def act(world: World, watch: Watch, _scan_id: str) -> Answer:
        answer = world.discover(USER, **arguments)
        if answer and answer["statusCode"] in (200, 202):
            watch.learn(answer["body"]["scan_id"])
        return answer

    return act


def request(name: str, **arguments: Any) -> Callable[[World, Watch, str], Answer]:
    """A request about the scan that was prepared."""

    def act(world: World, watch: Watch, scan_id: str) -> Answer:
        if name == "cancel":
            watch.cancelled.add(scan_id)
        if name == "delete":
            watch.deleted.add(scan_id)
        return world.on(name, USER, scan_id, **arguments)

    return act


def workflow(**behaviour: str) -> Callable[[World, Watch, str], Answer]:
    """The whole workflow, read after each of its steps."""

    def act(world: World, watch: Watch, _scan_id: str) -> Answer:
        world.behaviour = behaviour
        run(world, watch)
        return None

    return act


def run(world: World, watch: Watch) -> None:
    while running := world.workflows.running():
        world.workflows.advance(running[0])
        watch.glance()
    watch.look()


def started(world: World, watch: Watch) -> str:
    scan_id = world.started(USER)
    watch.learn(scan_id)
    return scan_id


def halfway(world: World, watch: Watch) -> str:
    """Captured, begun, and one strategy done."""
    scan_id = started(world, watch)
    for _ in range(3):
        world.workflows.advance(world.workflows.running()[0])
    watch.look()
    return scan_id


def complete(world: World, watch: Watch) -> str:
    scan_id = started(world, watch)
    run(world, watch)
    return scan_id


def failed(world: World, watch: Watch) -> str:
    world.behaviour = {"capture": "boom"}
    scan_id = complete(world, watch)
    world.behaviour = {}
    return scan_id


def cancelled(world: World, watch: Watch) -> str:
    scan_id = halfway(world, watch)
    request("cancel")(world, watch, scan_id)
    return scan_id


def deleted(world: World, watch: Watch) -> str:
    scan_id = complete(world, watch)
    request("delete")(world, watch, scan_id)
    return scan_id


def never_started(world: World, watch: Watch) -> str:
    """A placeholder whose discover died before it started the workflow."""
    with world.faults.armed(4, Fault.DIE_BEFORE):
        assert world.discover(USER) is None
        assert world.faults.calls[-1] == "stepfunctions.start_execution"
    watch.look()
    return ""


def put_profile(world: World, _watch: Watch, _scan_id: str) -> Answer:
    return world.call("profile", USER, event_name="profile-put")


def get_profile(world: World, _watch: Watch, _scan_id: str) -> Answer:
    return world.call("profile", USER, event_name="profile-get")


def plain(name: str) -> Callable[[World, Watch, str], Answer]:
    """A request about no scan."""
    return lambda world, _watch, _scan_id: world.call(name, USER)


SCENARIOS = (
    Scenario("discover", discover()),
    Scenario("discover with a key", discover(key="a")),
    Scenario("discover with force_refresh", discover(force_refresh=True)),
    Scenario("discover and wait", discover(wait=20, strategy_ids=STRATEGIES[:1])),
    Scenario("discover again", discover(), started),
    Scenario("discover what was never started", discover(), never_started),
    Scenario("discover after a failure", discover(), failed),
    Scenario("discover what was cancelled", discover(), cancelled),
    Scenario("discover what was deleted", discover(), deleted),
    Scenario("status", request("status"), halfway),
    Scenario("status and wait", request("status", headers={"prefer": "wait=20"}), started),
    Scenario("partial results", request("results", queryStringParameters={"partial": "true"}), halfway),
    Scenario("results", request("results", queryStringParameters={}), complete),
    Scenario("the list", request("list", queryStringParameters={}), halfway),
    Scenario("cancel", request("cancel"), halfway),
    Scenario("cancel at once", request("cancel"), started),
    Scenario("cancel again", request("cancel"), cancelled, answers=(409,)),
    Scenario("delete", request("delete"), complete),
    Scenario("delete again", request("delete"), deleted, answers=(404,)),
    Scenario("read the profile", get_profile),
    Scenario("write the profile", put_profile),
    Scenario("the catalogue", plain("strategies")),
    Scenario("the description of the API", plain("openapi")),
    Scenario("no route", plain("unknown"), answers=(404, 405)),
    Scenario("the workflow", workflow(), started),
    Scenario("the workflow, one strategy skipped", workflow(risk_management="skip"), started),
    Scenario("the workflow, one strategy failing", workflow(risk_management="boom"), started),
    Scenario("the workflow, every strategy failing", workflow(**dict.fromkeys(STRATEGIES, "boom")), started),
    Scenario("the workflow without a market", workflow(capture="boom"), started),
    Scenario("the workflow of a cancelled scan", workflow(), cancelled),
)
