"""The runbook's ready lines name what is there: nobody tries them before the night when they are needed."""

import re
import shlex
import subprocess
from typing import Any

import jmespath

from opportunities.aws import items
from opportunities.domain import OutcomeStatus, ScanState
from tests.support.builders import NOW, SCAN_ID, USER, outcome, scan
from tests.support.template import ROOT, template

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", RUNBOOK, re.DOTALL)
    for line in re.sub(r"\\\n *", "", block).splitlines()
]


def query_of(*words: str) -> str:
    """The one --query of the line that has these words."""
    [line] = [line for line in LINES if all(word in line for word in words)]
    found = re.search(r"--query ('[^']*'|\"[^\"]*\"|\w+)", line)
    assert found
    return shlex.split(found[1])[0]


def failed_item() -> dict[str, Any]:
    broken = outcome(status=OutcomeStatus.FAILED, opportunities=0, best=None, reason="KeyError: 'BTC'")
    failed = scan(state=ScanState.FAILED, reason="every strategy failed", outcomes={"risk_management": broken})
    return items.scan_to_item(failed) | {
        "reason": {"S": "every strategy failed"},
        "snapshot_key": {"S": "windows/simulated-7/1795291200"},
        "risk_management": items.outcome_to_attribute(broken),
    }


def test_every_line_is_one_for_a_shell() -> None:
    assert len(LINES) > 10
    done = subprocess.run(["/bin/bash", "-n"], input="\n".join(LINES), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_output_that_a_line_asks_for_is_one() -> None:
    asked = set(re.findall(r"\$\(out (\w+)\)", RUNBOOK))
    assert len(asked) >= 4
    assert asked <= set(template()["Outputs"])


def test_log_groups_are_named_as_the_template_names_them() -> None:
    groups = [one for one in template()["Resources"].values() if one["Type"] == "AWS::Logs::LogGroup"]
    named = [one["Properties"]["LogGroupName"]["Fn::Sub"].replace("${AWS::StackName}", "$STACK") for one in groups]
    assert named
    assert [name for name in named if name not in RUNBOOK] == []


def test_the_line_for_one_scan_tells_why_it_failed() -> None:
    told = jmespath.search(query_of("dynamodb get-item"), {"Item": failed_item()})
    assert told == [
        "failed",
        "every strategy failed",
        "windows/simulated-7/1795291200",
        repr(NOW),
        str(scan().deadline),
        ["KeyError: 'BTC'"],
    ]


def test_the_line_for_all_scans_of_a_user_lists_the_failed_ones_newest_last() -> None:
    older = failed_item() | {"created_at": items.number(NOW - 60), "sk": {"S": "SCAN#older"}}
    others = [items.scan_to_item(scan(state=ScanState.COMPLETE)), items.deleted_scan(USER, SCAN_ID, int(NOW))]
    told = jmespath.search(query_of("dynamodb query"), {"Items": [failed_item(), *others, older]})
    assert told == [
        [repr(NOW - 60), "SCAN#older", "every strategy failed"],
        [repr(NOW), f"SCAN#{SCAN_ID}", "every strategy failed"],
    ]


def test_every_other_query_is_one() -> None:
    queries = [query_of(*words) for words in (("get-execution-history",), ("describe-stack-events",))]
    history = {
        "events": [{"type": "LambdaFunctionFailed", "timestamp": 1, "lambdaFunctionFailedEventDetails": {"cause": "x"}}]
    }
    assert jmespath.search(queries[0], history) == [[1, "LambdaFunctionFailed", ["x"]]]
    event = {
        "ResourceStatus": "CREATE_FAILED",
        "Timestamp": 1,
        "LogicalResourceId": "Table",
        "ResourceStatusReason": "x",
    }
    assert jmespath.search(queries[1], {"StackEvents": [event]}) == [[1, "Table", "x"]]
