"""What an operator counts on: whatever is lost is kept and told, and the runbook says what to do."""

import re
from typing import Any

import pytest

from opportunities import scans
from opportunities.market.simulated import simulated
from tests.support.template import ROOT, definition, functions, template

RESOURCES = template()["Resources"]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in RESOURCES.items() if one["Type"] == kind}


SEED = template()["Parameters"]["SimulationSeed"]


@pytest.mark.parametrize("seed", [SEED["Default"], "0", "9" * 18])
def test_every_seed_that_a_deployment_may_have_makes_a_market(seed: str) -> None:
    assert re.search(SEED["AllowedPattern"], seed)
    assert simulated(int(seed), 1_712_589_634, assets=2).spot


@pytest.mark.parametrize("seed", ["-1", "7.5", "1e3", "", " 7", "07", "9" * 19])
def test_a_seed_that_could_make_none_or_another_than_it_says_is_refused_at_deployment(seed: str) -> None:
    assert SEED["Type"] == "String"  # CloudFormation looks at a pattern of these only
    assert not re.search(SEED["AllowedPattern"], seed)


def test_every_bad_end_of_this_workflow_and_of_no_other_is_told() -> None:
    (rule,) = of_type("AWS::Events::Rule").values()
    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
            "stateMachineArn": [{"Ref": "ScanStateMachine"}],
        },
    }


def _queue(reference: Any) -> str:
    name: str = reference["Fn::GetAtt"][0]
    assert RESOURCES[name]["Type"] == "AWS::SQS::Queue"
    return name


def test_undelivered_events_are_kept_in_the_queue() -> None:
    for name, rule in of_type("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            queue = _queue(target["DeadLetterConfig"]["Arn"])
            (policy,) = [one for one in of_type("AWS::SQS::QueuePolicy").values() if {"Ref": queue} in one["Queues"]]
            (taken,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
            assert taken["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [name, "Arn"]}}}


def _asynchronously_invoked() -> list[str]:
    """Functions that a rule, a topic or a bucket invokes: API Gateway and the workflow wait for the answer."""
    by_rule = [target["Arn"] for rule in of_type("AWS::Events::Rule").values() for target in rule["Targets"]]
    found = [one["Fn::GetAtt"][0] for one in by_rule]
    for name, function in functions().items():
        if any(one["Type"] != "HttpApi" for one in function.get("Events", {}).values()):
            found.append(name)
    return found


def test_failures_of_asynchronous_lambdas_are_kept() -> None:
    assert _asynchronously_invoked() == ["EndedFunction"]
    for name in _asynchronously_invoked():
        settings = functions()[name]["EventInvokeConfig"]
        assert settings["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
        _queue(settings["DestinationConfig"]["OnFailure"]["Destination"])


def test_nothing_is_tried_again_after_the_deadline_when_it_would_change_nothing() -> None:
    (rule,) = of_type("AWS::Events::Rule").values()
    assert rule["Targets"][0]["RetryPolicy"]["MaximumEventAgeInSeconds"] == scans.TIMEOUT_SECONDS
    assert functions()["EndedFunction"]["EventInvokeConfig"]["MaximumEventAgeInSeconds"] == scans.TIMEOUT_SECONDS


def test_dead_letters_are_encrypted_kept_for_14_days_and_told() -> None:
    queues = of_type("AWS::SQS::Queue")
    watched = [
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    ]
    assert sorted(queues) == sorted(watched)
    for queue in queues.values():
        assert queue["SqsManagedSseEnabled"]
        assert queue["MessageRetentionPeriod"] == 14 * 86_400


@pytest.mark.parametrize("name", of_type("AWS::CloudWatch::Alarm"))
def test_every_alarm_is_sent_where_the_operator_says_and_stands_in_the_runbook(name: str) -> None:
    alarm = of_type("AWS::CloudWatch::Alarm")[name]
    assert alarm["AlarmActions"] == {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert alarm["TreatMissingData"] == "notBreaching"
    assert f"`{name}`" in RUNBOOK


def test_the_runbook_names_no_alarm_and_no_state_that_is_not_there() -> None:
    there = of_type("AWS::CloudWatch::Alarm").keys()
    assert set(re.findall(r"`(\w+Alarm)`", RUNBOOK)) == there
    assert {"NothingToDo"} <= definition()["States"].keys()


@pytest.mark.parametrize("name", of_type("AWS::Logs::LogGroup"))
def test_no_log_is_kept_for_ever(name: str) -> None:
    assert of_type("AWS::Logs::LogGroup")[name]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_every_lambda_logs_to_the_group_with_a_retention() -> None:
    common = template()["Globals"]["Function"]["LoggingConfig"]
    assert common["LogGroup"] == {"Ref": "LogGroup"}
    assert not any("LoggingConfig" in function for function in functions().values())


def test_the_workflows_log_has_neither_inputs_nor_holdings() -> None:
    (machine,) = of_type("AWS::Serverless::StateMachine").values()
    assert (machine["Logging"]["Level"], machine["Logging"]["IncludeExecutionData"]) == ("ERROR", False)


def test_reads_alone_can_be_kept_from_starving() -> None:
    reserved = {name for name, function in functions().items() if "ReservedConcurrentExecutions" in function}
    assert reserved == {"StatusFunction", "ResultsFunction"}
