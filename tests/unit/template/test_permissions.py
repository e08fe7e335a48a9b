"""What the template's policies allow: by name, and by wildcard only where a reason stands above it."""

import json
import re
from typing import Any

import pytest

from tests.permissions.run import permissions
from tests.support.template import ROOT, functions, template

RESOURCES = template()["Resources"]
# The only resources that are not named in full: objects, functions and executions that are made later, and log
# deliveries, which AWS gives no names.
WILD = {
    "${SnapshotBucket.Arn}/windows/*",
    "${SnapshotBucket.Arn}/pinned/*",
    "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-strategy-*",
    "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${ScanStateMachine.Name}:*",
    "*",
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


STATEMENTS = [
    (f"{name}-{number}", statement)
    for name, resource in RESOURCES.items()
    if resource["Type"] in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
    for policy in [resource["Properties"], *resource["Properties"].get("Policies", [])]
    if "PolicyDocument" in policy
    for number, statement in enumerate(policy["PolicyDocument"]["Statement"])
]


@pytest.mark.parametrize("statement", [one for _, one in STATEMENTS], ids=[name for name, _ in STATEMENTS])
def test_no_policy_allows_an_action_by_wildcard(statement: dict[str, Any]) -> None:
    assert statement["Effect"] == "Allow"
    assert not any("*" in action for action in listed(statement["Action"]))
    assert not {"NotAction", "NotResource"} & statement.keys()


def test_a_wildcard_in_a_resource_is_only_where_it_is_known_and_reasoned() -> None:
    resources = json.dumps([one["Resource"] for _, one in STATEMENTS])
    wild = set(re.findall(r'"([^"]*\*[^"]*)"', resources))
    assert wild == WILD


def test_only_the_delivery_of_logs_is_allowed_on_everything() -> None:
    everything = [one for _, one in STATEMENTS if "*" in listed(one["Resource"])]
    assert [action.partition(":")[0] for one in everything for action in one["Action"]] == ["logs"] * 8


def test_above_every_statement_with_a_wildcard_stands_the_reason() -> None:
    """A statement begins with `- Effect` or `- { Effect`, and the line before is a comment."""
    lines = (ROOT / "template.yaml").read_text().partition("- Permissions")[2].partition("\nOutputs:")[0].splitlines()
    begun = [number for number, line in enumerate(lines) if re.match(r"\s+- (\{ )?Effect: Allow", line)]
    unreasoned = []
    for number, line in enumerate(lines):
        if "*" in line.partition("#")[0] and "Resource:" in line:
            statement = max(one for one in begun if one <= number)
            if not re.match(r"\s+# \w+", lines[statement - 1]):
                unreasoned.append(lines[statement])
    assert unreasoned == []


def test_every_lambda_has_a_role_that_only_lambda_may_take() -> None:
    for function in functions().values():
        role = RESOURCES[function["Role"]["Fn::GetAtt"][0]]["Properties"]
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


@pytest.mark.parametrize("kind", ["AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"])
def test_guarded_resources_are_reached_by_tls_only(kind: str) -> None:
    policies = [one["Properties"]["PolicyDocument"] for one in RESOURCES.values() if one["Type"] == kind]
    assert len(policies) == sum(one["Type"] == kind.removesuffix("Policy") for one in RESOURCES.values())
    for policy in policies:
        (deny,) = [one for one in policy["Statement"] if one["Effect"] == "Deny"]
        assert (deny["Principal"], deny["Condition"]) == ("*", {"Bool": {"aws:SecureTransport": "false"}})
        assert deny["Action"] in ("s3:*", "sqs:*")


def test_every_permission_has_been_taken_away_once_and_no_other_is_listed() -> None:
    """`make permissions` does it, and writes what it saw."""
    rows = re.findall(
        r"^\| (\w+) \| `([^`]+)` \| `([^`]+)` \|", (ROOT / "docs/permissions.md").read_text(), re.MULTILINE
    )
    assert rows == [(one.role, one.action, one.resource) for one in permissions()]
