"""Step Functions in this process, for tests that choose which execution takes its next step, and where it dies."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.reliability.faults import Killed
from tests.reliability.states import Choose, Context, StatesError, Walk, call_aws, first

type Invoke = Callable[[str, Any], Any]


@dataclass
class Execution:
    """One run of the machine. `lost` is one whose every trace but the record is gone: only time ends it."""

    arn: str
    name: str
    input: str
    started: float
    walk: Walk
    status: str = "RUNNING"
    lost: bool = False


class StepFunctions:
    """`invoke` calls a Lambda by name, `ended` is told of every execution that did not succeed."""

    def __init__(
        self,
        definition: dict[str, Any],
        *,
        kind: str,
        invoke: Invoke,
        dynamodb: Any,
        now: Callable[[], float],
        wait: Callable[[float], None],
        ended: Callable[[Execution], None],
    ) -> None:
        self.executions: dict[str, Execution] = {}
        self._definition, self._kind, self._invoke, self._dynamodb = definition, kind, invoke, dynamodb
        self._now, self._ended = now, ended
        self._around = Context(self._call, now, wait)

    # ------------------------------------------------------------------------------------------ as its API has it
    def start_execution(self, **arguments: Any) -> dict[str, Any]:
        name, text = arguments["name"], arguments["input"]
        arn = arguments["stateMachineArn"].replace(":stateMachine:", ":execution:") + f":{name}"
        if self._kind == "EXPRESS":
            arn = f"{arn}:{len(self.executions)}"
        elif known := self.executions.get(arn):
            if known.status == "RUNNING" and known.input == text:
                return {"executionArn": arn}
            raise _refused("ExecutionAlreadyExists", "StartExecution")
        context = {"Execution": {"Id": arn, "Name": name}}
        walk = Walk(self._around, self._definition["States"], self._definition["StartAt"], json.loads(text), context)
        self.executions[arn] = Execution(arn, name, text, self._now(), walk)
        return {"executionArn": arn}

    def stop_execution(self, **arguments: Any) -> dict[str, Any]:
        execution = self.executions.get(arguments["executionArn"])
        if execution is None:
            raise _refused("ExecutionDoesNotExist", "StopExecution")
        if execution.status == "RUNNING":
            self._end(execution, "ABORTED")
        return {}

    def describe_execution(self, **arguments: Any) -> dict[str, Any]:
        """Runs the execution to its end before it answers."""
        execution = self.executions[arguments["executionArn"]]
        while execution.status == "RUNNING":
            self.advance(execution)
        return {"status": execution.status}

    # ----------------------------------------------------------------------------------------------- as time does
    def running(self) -> list[Execution]:
        return [one for one in self.executions.values() if one.status == "RUNNING" and not one.lost]

    def run(self) -> None:
        """Runs every execution that can go on to its end."""
        while running := self.running():
            for execution in running:
                self.advance(execution)

    def advance(self, execution: Execution, choose: Choose = first) -> None:
        """One state further. A fault in one of the machine's own calls loses the execution."""
        if self.time_out(execution):
            return
        try:
            execution.walk.step(choose)
        except StatesError:
            self._end(execution, "FAILED")
        except Killed:
            execution.lost = True
        else:
            if execution.walk.done:
                execution.status = "SUCCEEDED"

    def time_out(self, execution: Execution) -> bool:
        """Whether its time is up, also of one that was lost."""
        if self._now() < execution.started + self._definition["TimeoutSeconds"]:
            return False
        if execution.status == "RUNNING":
            self._end(execution, "TIMED_OUT")
        return True

    def _end(self, execution: Execution, status: str) -> None:
        execution.status = status
        if self._kind == "STANDARD":  # of EXPRESS executions EventBridge hears nothing
            self._ended(execution)

    def _call(self, resource: str, arguments: dict[str, Any]) -> Any:
        service, operation = resource.removeprefix("arn:aws:states:::").split(":")
        if service == "dynamodb":
            return call_aws(self._dynamodb, re.sub("([A-Z])", r"_\1", operation).lower(), arguments)
        try:
            answer = self._invoke(arguments["FunctionName"], json.loads(json.dumps(arguments["Payload"])))
        except Killed as killed:
            raise _failed("Runtime.ExitError", "Runtime exited with error: signal: killed") from killed
        except Exception as error:
            raise _failed(type(error).__name__, str(error)) from error
        return {"StatusCode": 200, "Payload": json.loads(json.dumps(answer))}


def _failed(error: str, message: str) -> StatesError:
    return StatesError(error, json.dumps({"errorMessage": message, "errorType": error}))


def _refused(code: str, operation: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(answer, operation)
