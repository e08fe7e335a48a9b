"""Calls of the API's handlers with the events of tests/events/."""

import json
from typing import Any

from botocore.exceptions import ClientError

from opportunities.aws.store import Store
from opportunities.domain import ScanState
from opportunities.handlers import discover, status
from tests.support import conformance
from tests.support.builders import USER
from tests.support.template import event
from tests.support.workflow_steps import WorkflowSteps


def call(handler: Any, name: str, **changes: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    """One request: status code, body and headers, which are what the API's description promises."""
    request = {**event(name), **changes}
    answer = handler(request, None)
    body = answer.get("body", "")
    method, _, template = request["routeKey"].partition(" ")
    path = template.replace("{scan_id}", "x")
    conformance.check(method, path, answer["statusCode"], answer["headers"], body)
    return answer["statusCode"], json.loads(body) if body else {}, answer["headers"]


def start(body: dict[str, Any] | None = None) -> str:
    code, content, _ = call(discover.handler, "discover", body=json.dumps(body or {}))
    assert code == 202
    scan_id: str = content["scan_id"]
    return scan_id


def poll(scan_id: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    return call(status.handler, "status", pathParameters={"scan_id": scan_id})


def as_user(name: str, subject: str) -> dict[str, Any]:
    """The request context of `name` with another verified caller."""
    context: dict[str, Any] = event(name)["requestContext"]
    context["authorizer"]["jwt"]["claims"]["sub"] = subject
    return context


def client_error(code: str, http_status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": http_status}}
    return ClientError(answer, "StartExecution")


def end(store: Store, scan_id: str, state: ScanState) -> None:
    """Ends the test user's scan the way the workflow does."""
    assert WorkflowSteps(store.table).end(USER, scan_id, state)
