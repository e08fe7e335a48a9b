"""What nobody is left to say: an execution ends badly, and its scan fails all the same."""

import json
import time
from typing import Any

import pytest

from infra.local.stack.deploy import STACK_NAME
from infra.local.stack.state import Stack
from tests.e2e.conftest import Caller

_TRIES = 5


@pytest.fixture(autouse=True)
def _standard(workflow_type: str) -> None:
    if workflow_type == "EXPRESS":
        pytest.skip("EventBridge hears nothing of EXPRESS executions: there the deadline fails the scan")


def execution_arn(stack: Stack, scan_id: str) -> str:
    executions = stack.client("stepfunctions").list_executions(stateMachineArn=stack.state_machine_arn)["executions"]
    (arn,) = [one["executionArn"] for one in executions if one["name"].startswith(scan_id)]
    return str(arn)


def dead_letters(stack: Stack, seconds: float) -> list[dict[str, Any]]:
    """Takes what lies in the dead-letter queue, or comes to within `seconds`."""
    (described,) = stack.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    (url,) = [one["OutputValue"] for one in described["Outputs"] if one["OutputKey"] == "DeadLettersUrl"]
    sqs, until = stack.client("sqs"), time.monotonic() + seconds
    while time.monotonic() < until:
        if messages := sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return [json.loads(message["Body"]) for message in messages]
    return []


def stopped_scan(demo: Caller, stack: Stack) -> str:
    """A scan whose execution was stopped while it ran; one that had ended before that is followed by another."""
    states = stack.client("stepfunctions")
    for _ in range(_TRIES):
        scan_id = str(demo.discover(force_refresh=True).json()["scan_id"])
        try:
            states.stop_execution(executionArn=execution_arn(stack, scan_id))
        except states.exceptions.ClientError as error:
            if "not running" not in str(error):
                raise
        else:
            return scan_id
    pytest.fail(f"each of {_TRIES} scans had ended before it could be stopped")


def test_a_scan_whose_execution_is_stopped_from_outside_has_failed_within_seconds(demo: Caller, stack: Stack) -> None:
    scan_id = stopped_scan(demo, stack)
    until = time.monotonic() + 20  # the Lambda may start cold
    while (status := demo.status(scan_id).json())["status"] == "scanning":
        assert time.monotonic() < until, status
        time.sleep(0.1)
    assert (status["status"], status["message"]) == (
        "failed",
        "The scan failed: the workflow was stopped. Start a new one.",
    )
    assert demo.results(scan_id).status_code == 200
    assert not dead_letters(stack, seconds=1)


def test_an_event_that_cannot_be_dealt_with_is_kept(stack: Stack) -> None:
    states = stack.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=stack.state_machine_arn, input="{}")["executionArn"]
    states.stop_execution(executionArn=arn)
    kept = dead_letters(stack, seconds=30)
    assert [one["requestPayload"]["detail"]["executionArn"] for one in kept] == [arn]
    assert kept[0]["requestContext"]["condition"] == "RetriesExhausted"
