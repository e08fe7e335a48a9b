"""What Step Functions is asked, and what each of its answers means for a scan."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from opportunities import serialization
from opportunities.aws.workflow import NotStarted, Workflow
from opportunities.domain import Investor
from opportunities.errors import Unavailable
from tests.support.api import client_error
from tests.support.builders import SCAN_ID, scan

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:scan"
NAME = f"{SCAN_ID}-1795291200250"


class StepFunctions:
    """Keeps what it is asked, and raises what it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> None:
            self.asked.append((operation, arguments))
            if self.error:
                raise self.error

        return call


def workflow(client: StepFunctions, kind: str = "STANDARD") -> Workflow:
    return Workflow(client, MACHINE, kind)


def test_a_scan_is_started_by_its_name_with_what_is_stored() -> None:
    client = StepFunctions()
    workflow(client).start(scan(), Investor(), 5)
    ((operation, asked),) = client.asked
    sent = json.loads(asked.pop("input"))
    assert (operation, asked) == ("start_execution", {"stateMachineArn": MACHINE, "name": NAME})
    assert sent == json.loads(json.dumps(serialization.execution_input(scan(), Investor(), 5)))


def test_a_scan_is_stopped_by_its_name_and_the_console_says_why() -> None:
    client = StepFunctions()
    workflow(client).stop(scan())
    assert client.asked == [
        (
            "stop_execution",
            {
                "executionArn": f"arn:aws:states:eu-central-1:123456789012:execution:scan:{NAME}",
                "cause": "The caller cancelled the scan.",
            },
        )
    ]
    express = StepFunctions()
    workflow(express, "EXPRESS").stop(scan())
    assert express.asked == []


@pytest.mark.parametrize("status", [400, 403, 499])
def test_a_refused_start_has_certainly_not_happened(status: int) -> None:
    with pytest.raises(NotStarted, match="could not be started; send the same request again"):
        workflow(StepFunctions(client_error("AccessDenied", status))).start(scan(), Investor(), 5)


@pytest.mark.parametrize(
    "error", [client_error("InternalFailure", 500), ReadTimeoutError(endpoint_url="https://states")]
)
def test_start_without_an_answer_is_neither_started_nor_failed(error: Exception) -> None:
    with pytest.raises(Unavailable, match="may not have started; send the same request again") as raised:
        workflow(StepFunctions(error)).start(scan(), Investor(), 5)
    assert not isinstance(raised.value, NotStarted)


def test_a_start_that_has_happened_before_is_a_start() -> None:
    workflow(StepFunctions(client_error("ExecutionAlreadyExists", 400))).start(scan(), Investor(), 5)


@pytest.mark.parametrize("code", ["ExecutionDoesNotExist", "ValidationException"])
def test_ended_workflow_need_not_be_stopped(code: str) -> None:
    workflow(StepFunctions(client_error(code, 400))).stop(scan())


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException", 400),
        client_error("TooManyRequestsException", 400),
        client_error("InternalFailure", 500),
        ReadTimeoutError(endpoint_url="https://states"),
    ],
)
def test_a_stop_without_an_answer_may_be_tried_again(error: Exception) -> None:
    with pytest.raises(Unavailable, match="The workflow does not answer"):
        workflow(StepFunctions(error)).stop(scan())


def test_a_refused_stop_crashes_as_it_is() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        workflow(StepFunctions(client_error("AccessDeniedException", 499))).stop(scan())
