"""Runs the shipped state machine in this process, one state at a time, on a clock that the test moves.

Of the States Language it knows what infra/scan.asl.json uses: Task (lambda:invoke, dynamodb:*), Map, Choice, Succeed
and Fail, with Retry and Catch, in JSONata. tests/workflow runs the same cases on it and on MiniStack.
"""

import fnmatch
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from jsonata import Jsonata

type Choose = Callable[[int], int]
# A task's resource and its evaluated arguments to its result.
type CallTask = Callable[[str, dict[str, Any]], Any]


class StatesError(Exception):
    """An error as the States Language sees it: a name, and a cause that is a text."""

    def __init__(self, error: str, cause: str) -> None:
        self.error, self.cause = error, cause
        super().__init__(f"{error}: {cause}")


@dataclass
class Context:
    """What a machine's tasks call and what its clock shows; `wait` is how a Retry's pause passes."""

    call: CallTask
    now: Callable[[], float]
    wait: Callable[[float], None]


def first(_count: int) -> int:
    """Takes a Map's branches in their order."""
    return 0


@dataclass
class Walk:
    """A path through `states`, from `at` on with the input `data`; the branches of a Map are walks themselves."""

    around: Context
    states: dict[str, Any]
    at: str
    data: Any
    context: dict[str, Any]
    done: bool = False
    branches: list["Walk"] = field(default_factory=list)
    tries: Counter[int] = field(default_factory=Counter)

    def step(self, choose: Choose) -> None:
        """Runs one state, or one state of a branch that `choose` picks. Raises `StatesError` if nothing catches it."""
        state = self.states[self.at]
        try:
            match state["Type"]:
                case "Task":
                    arguments = self._evaluate(state["Arguments"])
                    self._leave(state, result=self.around.call(state["Resource"], arguments))
                case "Map":
                    self._map(state, choose)
                case "Choice":
                    taken = (one["Next"] for one in state["Choices"] if self._evaluate(one["Condition"]))
                    self._go(next(taken, state["Default"]))
                case "Succeed":
                    self.done = True
                case "Fail":
                    self._fail(state)
        except StatesError as error:
            if not self._retry(state, error):
                self._catch(state, error)

    def _map(self, state: dict[str, Any], choose: Choose) -> None:
        if not self.branches:
            processor = state["ItemProcessor"]
            for value in self._evaluate(state["Items"]):
                context = {**self.context, "Map": {"Item": {"Value": value}}}
                data = evaluate(state["ItemSelector"], {"input": self.data, "context": context}, self.around.now)
                self.branches.append(Walk(self.around, processor["States"], processor["StartAt"], data, context))
        if running := [branch for branch in self.branches if not branch.done]:
            running[choose(len(running))].step(choose)
        else:
            self._leave(state, result=[branch.data for branch in self.branches])

    def _fail(self, state: dict[str, Any]) -> None:
        raise StatesError(self._evaluate(state["Error"]), self._evaluate(state["Cause"]))

    def _leave(self, state: dict[str, Any], **about: Any) -> None:
        self.data = self._evaluate(state["Output"], **about) if "Output" in state else about.get("result")
        if state.get("End"):
            self.done = True
        else:
            self._go(state["Next"])

    def _go(self, name: str) -> None:
        self.at, self.branches, self.tries = name, [], Counter()

    def _retry(self, state: dict[str, Any], error: StatesError) -> bool:
        for number, retrier in enumerate(state.get("Retry", [])):
            if _matches(retrier["ErrorEquals"], error):
                if self.tries[number] >= retrier["MaxAttempts"]:
                    return False
                pause = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** self.tries[number]
                self.tries[number] += 1
                self.around.wait(min(pause, retrier["MaxDelaySeconds"]))
                return True
        return False

    def _catch(self, state: dict[str, Any], error: StatesError) -> None:
        for catcher in state.get("Catch", []):
            if _matches(catcher["ErrorEquals"], error):
                told = {"Error": error.error, "Cause": error.cause}
                self.data = self._evaluate(catcher["Output"], errorOutput=told) if "Output" in catcher else told
                self._go(catcher["Next"])
                return
        raise error

    def _evaluate(self, template: Any, **about: Any) -> Any:
        return evaluate(template, {"input": self.data, "context": self.context, **about}, self.around.now)


def _matches(names: list[str], error: StatesError) -> bool:
    return "States.ALL" in names or any(fnmatch.fnmatchcase(error.error, name) for name in names)


def evaluate(template: Any, states: dict[str, Any], now: Callable[[], float]) -> Any:
    """A JSON template with its `{% ... %}` texts replaced by what they say of `$states`."""
    if isinstance(template, dict):
        return {name: evaluate(value, states, now) for name, value in template.items()}
    if isinstance(template, list):
        return [evaluate(value, states, now) for value in template]
    if not (isinstance(template, str) and template.startswith("{%")):
        return template
    expression = _compiled(template.removeprefix("{%").removesuffix("%}").strip())
    # Step Functions' own addition, and the clock: bound anew, for expressions are kept
    expression.register_lambda("parse", json.loads)
    expression.register_lambda("millis", lambda: round(1000 * now()))
    return expression.evaluate(None, {"states": states})


@cache
def _compiled(text: str) -> Jsonata:
    return Jsonata(text)


def call_aws(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
    """A direct call of an AWS service; errors are named as Step Functions names DynamoDB's."""
    try:
        return getattr(client, operation)(**arguments)
    except ClientError as error:
        raise StatesError(f"DynamoDB.{error.response['Error']['Code']}", str(error)) from error
    except BotoCoreError as error:
        raise StatesError("DynamoDB.SdkClientException", str(error)) from error
