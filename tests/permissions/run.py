"""Takes each permission of each role away in turn, on a stack of its own; some step of a scan must notice: `make
permissions`. Writes docs/permissions.md.

A step notices if it fails twice without the permission, and passes once that is given back. `--every 8` tries each
eighth permission and writes nothing.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from infra.local.stack import down, emulator, up
from infra.local.stack.deploy import STACK_NAME
from infra.local.stack.state import Stack
from tests.permissions.steps import STEPS, Noticed, Probe, Step
from tests.support.template import ROOT, template

DOCUMENT = ROOT / "docs" / "permissions.md"
HEAD = """# Permissions

What each Lambda and the workflow may do, and what fails when it may not: `make permissions` takes one after another
away on a local stack, where IAM is enforced, and runs through the API and the workflow until something fails, twice,
and passes once the permission is back. A permission whose removal nothing notices is not needed, and makes
`make permissions` fail, which writes this file.

| role | may | on | without it |
|---|---|---|---|
"""
# What the emulator does not hold anybody to, by what it is about. On AWS each is needed for the reason given.
UNENFORCED = {
    ("CaptureRole", "s3:ListBucket"): "AWS answers 403 instead of 404 for a snapshot that is not there yet",
    ("EndedRole", "sqs:SendMessage"): "Lambda itself sends what failed to the queue, in this role's name",
    **{
        ("WorkflowRole", f"logs:{action}"): "Step Functions sets the workflow's log up, in this role's name"
        for action in (
            "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
            "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
        )
    },
}  # fmt: skip
NOT_IN_A_ROLE = """
Not enforced by the emulator, and so only read: `WriteLogs` (the Lambdas' right to their log group), the resource
policies by which API Gateway and EventBridge may invoke a Lambda, and the policy of the dead-letter queue.
"""


@dataclass(frozen=True)
class Permission:
    """One action on one resource; the numbers say where in the template's roles it stands."""

    role: str
    action: str
    resource: str
    policy: int
    statement: int
    action_number: int
    resource_number: int


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def permissions() -> Iterator[Permission]:
    roles = {name: one for name, one in template()["Resources"].items() if one["Type"] == "AWS::IAM::Role"}
    for role, properties in roles.items():
        for policy, inline in enumerate(properties["Properties"].get("Policies", [])):
            for statement, said in enumerate(inline["PolicyDocument"]["Statement"]):
                for action_number, action in enumerate(listed(said["Action"])):
                    for number, resource in enumerate(listed(said["Resource"])):
                        yield Permission(role, action, spoken(resource), policy, statement, action_number, number)


def spoken(resource: Any) -> str:
    match resource:
        case {"Fn::GetAtt": [str(name), "Arn"]} | {"Ref": str(name)}:
            return name
        case {"Fn::Sub": str(text)}:
            return text.rpartition(":function:")[2].replace("${SnapshotBucket.Arn}", "SnapshotBucket")
    return str(resource)


@dataclass(frozen=True)
class Roles:
    """The deployed roles' policies, as the emulator's root changes them."""

    iam: Any
    names: dict[str, str]  # by logical id

    @contextmanager
    def without(self, permission: Permission) -> Iterator[None]:
        role = self.names[permission.role]
        name = template()["Resources"][permission.role]["Properties"]["Policies"][permission.policy]["PolicyName"]
        before = self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        self._put(role, name, {**before, "Statement": list(_without(before["Statement"], permission))})
        try:
            yield
        finally:
            self._put(role, name, before)

    def _put(self, role: str, name: str, document: dict[str, Any]) -> None:
        if not document["Statement"]:
            self.iam.delete_role_policy(RoleName=role, PolicyName=name)
            return
        self.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def _without(statements: list[dict[str, Any]], permission: Permission) -> Iterator[dict[str, Any]]:
    """Every pair of action and resource of the one statement becomes a statement of its own, but for the one."""
    for number, statement in enumerate(statements):
        if number != permission.statement:
            yield statement
            continue
        for action_number, action in enumerate(listed(statement["Action"])):
            for resource_number, resource in enumerate(listed(statement["Resource"])):
                if (action_number, resource_number) != (permission.action_number, permission.resource_number):
                    yield {**statement, "Action": action, "Resource": resource}


def _row(permission: Permission, noticed: str) -> str:
    return f"| {permission.role} | `{permission.action}` | `{permission.resource}` | {noticed} |"


def main() -> None:
    """Exits with an error when nothing notices a removal, or when the emulator enforces more than is said here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take only every Nth permission away")
    every = parser.parse_args().every
    down()
    emulator.start()
    try:
        rows, wrong = _tried(up(ScansPerMinute="10000"), every)
    finally:
        down()
    if wrong:
        sys.exit("\n".join(wrong))
    if every == 1:
        DOCUMENT.write_text(HEAD + "\n".join(rows) + "\n" + NOT_IN_A_ROLE)


def _tried(stack: Stack, every: int) -> tuple[list[str], list[str]]:
    resources = stack.client("cloudformation").describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    roles = Roles(stack.client("iam"), {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources})
    probe = Probe(stack, roles.names)
    for step in STEPS:
        _must_pass(step, probe)
    rows, wrong = [], []
    for permission in islice(permissions(), 0, None, every):
        noticed = what_notices(probe, roles.without(permission))
        reason = UNENFORCED.get((permission.role, permission.action))
        rows.append(_row(permission, noticed or f"not enforced by the emulator: {reason}"))
        print(rows[-1], flush=True)  # noqa: T201 - a command's output
        if not noticed and not reason:
            wrong.append(f"Nothing notices that {permission.role} lacks {permission.action} on {permission.resource}: "
                         "remove the permission, or add the step that needs it.")  # fmt: skip
        if noticed and reason:
            wrong.append(f"The emulator enforces {permission.action} now: take it out of UNENFORCED.")
    return rows, wrong


def what_notices(probe: Probe, removal: AbstractContextManager[None]) -> str | None:
    """The first step that fails without the permission, and how; None if each passes."""
    with removal:
        failures = ((step, failure) for step in STEPS if (failure := _failure(step, probe)) and _failure(step, probe))
        step, failure = next(failures, (None, None))
    if step:
        _must_pass(step, probe)
    return failure


def _must_pass(step: Step, probe: Probe) -> None:
    if failure := _failure(step, probe):
        sys.exit(f"Something fails although nothing is taken away: {failure}.")


def _failure(step: Step, probe: Probe) -> str | None:
    try:
        step(probe)
    except Noticed as failure:
        return f"{(step.__doc__ or '').rstrip('.').lower()}: {failure}"
    return None


if __name__ == "__main__":
    main()
