"""How long each step can take at the worst, added up from what the files say: calls, Lambdas, workflow, deadline."""

from typing import Any

import pytest

from opportunities import scans
from opportunities.api.http import MOST_WAIT_SECONDS
from opportunities.aws import clients
from opportunities.market.live.source import BUDGET_SECONDS
from tests.support.template import definition, functions, template

DEFINITION = definition()
TOP = DEFINITION["States"]
BRANCH = TOP["RunStrategies"]["ItemProcessor"]["States"]
# the steps one after another, strategies side by side, of a scan in which a strategy dies
LONGEST = [TOP["CaptureMarket"], TOP["BeginScanning"], BRANCH["RunStrategy"], BRANCH["RecordFailure"], TOP["EndScan"]]
COMPUTING_SECONDS = {"CaptureFunction": 2, "strategy": 8}  # to write a snapshot's bytes; to judge it


def timeout(name: str) -> int:
    common: int = template()["Globals"]["Function"]["Timeout"]
    return int(functions()[name].get("Timeout", common))


def call_seconds(service: str) -> float:
    """One call at its slowest: every try takes all it may, and every back-off is its longest.

    botocore's standard mode waits `random() * 2 ** n` seconds before try n + 1.
    """
    config = clients.client(service).meta.config
    tries = config.retries["total_max_attempts"]
    return float(tries * (config.connect_timeout + config.read_timeout) + sum(2**n for n in range(tries - 1)))


def longest_waits(task: dict[str, Any], error: str) -> list[float]:
    """Each back-off before a retry of `error`; with full jitter they are anything up to these."""
    (retrier,) = [one for one in task["Retry"] if error in one["ErrorEquals"]]
    waits = (retrier["IntervalSeconds"] * retrier["BackoffRate"] ** n for n in range(retrier["MaxAttempts"]))
    return [min(wait, retrier.get("MaxDelaySeconds", wait)) for wait in waits]


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.mark.parametrize("name", [name for name in functions() if functions()[name]["Handler"].split(".")[2] not in
                                  ("capture", "strategy")])  # fmt: skip
def test_an_api_lambda_lives_to_say_that_a_call_got_no_answer(name: str) -> None:
    assert max(map(call_seconds, ("dynamodb", "stepfunctions"))) < timeout(name) <= 30  # API Gateway waits no longer


@pytest.mark.parametrize("name", ["DiscoverFunction", "StatusFunction"])
def test_long_poll_leaves_time_for_a_slow_call_after_it(name: str) -> None:
    assert MOST_WAIT_SECONDS + call_seconds("dynamodb") < timeout(name)


def test_capture_has_time_for_slow_exchanges_and_a_slow_bucket() -> None:
    looked, written = call_seconds("s3"), call_seconds("s3")
    assert looked + BUDGET_SECONDS + COMPUTING_SECONDS["CaptureFunction"] + written <= timeout("CaptureFunction")


def test_a_strategy_has_time_to_read_judge_and_write_twice_slowly() -> None:
    slowest = call_seconds("s3") + COMPUTING_SECONDS["strategy"] + 2 * call_seconds("dynamodb")
    for name, function in functions().items():
        if function["Handler"] == "opportunities.handlers.strategy.handler":
            assert slowest <= timeout(name)


def test_a_scan_whose_every_step_takes_all_its_time_once_ends_by_its_deadline() -> None:
    assert sum(task["TimeoutSeconds"] for task in LONGEST) <= scans.TIMEOUT_SECONDS


def test_a_scan_whose_every_step_is_throttled_until_its_last_try_ends_by_its_deadline() -> None:
    lambdas, tables = "Lambda.TooManyRequestsException", "DynamoDB.ThrottlingException"
    waits = [longest_waits(task, lambdas if "Retry" in task and "lambda" in task["Resource"] else tables)
             for task in LONGEST]  # fmt: skip
    assert sum(map(sum, waits)) < scans.TIMEOUT_SECONDS


LAMBDA_TRANSIENT = {  # "Handle transient Lambda service exceptions", Step Functions Developer Guide
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
}


@pytest.mark.parametrize("task", [TOP["CaptureMarket"], BRANCH["RunStrategy"]], ids=["capture", "strategy"])
def test_transient_failures_are_tried_again_and_timeouts_are_not(task: dict[str, Any]) -> None:
    retried = {error for retrier in task["Retry"] for error in retrier["ErrorEquals"]}
    assert retried == LAMBDA_TRANSIENT | {"Unavailable"}


@pytest.mark.parametrize("task", [TOP["BeginScanning"], BRANCH["RecordFailure"], TOP["EndScan"]],
                         ids=["begin", "record", "end"])  # fmt: skip
def test_a_write_whose_answer_was_lost_is_tried_again(task: dict[str, Any]) -> None:
    """Each is conditional and knows its own effect again, so that a second one is harmless."""
    retried = {error for retrier in task["Retry"] for error in retrier["ErrorEquals"]}
    assert {"DynamoDB.SdkClientException", "States.Timeout"} <= retried


def test_every_retry_is_bounded() -> None:
    for task in LONGEST:
        for retrier in task["Retry"]:
            assert retrier["JitterStrategy"] == "FULL"
            assert retrier["MaxAttempts"] <= 6
            assert retrier["MaxDelaySeconds"] <= 10
