"""The API's description: valid, complete, and what is in docs/openapi.yaml."""

import json
import tomllib
from typing import Any

import pytest
from openapi_spec_validator import validate

from infra.checks.openapi import PATH, text
from opportunities.api.openapi import document
from opportunities.api.operations import OPERATIONS, methods
from opportunities.handlers import openapi, unknown
from tests.support.api import call
from tests.support.conformance import validator
from tests.support.template import ROOT, event, functions

ROUTES = [
    route["Properties"]
    for function in functions().values()
    for route in function.get("Events", {}).values()
    if "Path" in route["Properties"]
]


def test_description_is_valid_openapi() -> None:
    validate(document())


def test_the_file_is_what_the_models_say() -> None:
    assert PATH.read_text() == text(), "run `make openapi`"


def test_description_has_the_routes_of_the_template_and_no_others() -> None:
    assert {(one.method, one.path) for one in OPERATIONS} == {
        (route["Method"].lower(), route["Path"]) for route in ROUTES
    }


def test_its_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert document()["info"]["version"] == project["version"]


def examples() -> list[tuple[str, dict[str, Any], Any]]:
    return [
        (f"{method} {path} {status}", content["schema"], content["example"])
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
        for status, response in operation["responses"].items()
        for content in response.get("content", {}).values()
        if "example" in content
    ]


@pytest.mark.parametrize(("name", "schema", "example"), examples())
def test_every_example_is_what_its_schema_says(name: str, schema: dict[str, Any], example: Any) -> None:
    assert list(validator(schema).iter_errors(example)) == [], name


def test_only_the_description_itself_wants_no_token() -> None:
    assert [one.id for one in OPERATIONS if one.public] == ["getOpenApi"]
    assert [route["Path"] for route in ROUTES if route.get("Auth", {}).get("Authorizer") == "NONE"] == [
        "/opportunities/openapi.json"
    ]


def test_description_is_served() -> None:
    code, content, headers = call(openapi.handler, "openapi")
    assert (code, content) == (200, json.loads(json.dumps(document())))
    assert headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("path", ["/opportunities/profile", "/opportunities/status/scan_1", "/opportunities/discover"])
def test_a_wrong_method_is_told_the_right_ones(path: str) -> None:
    answer = unknown.handler({**event("unknown"), "rawPath": path}, None)
    assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, ", ".join(methods(path)))
    method, right = event("unknown")["requestContext"]["http"]["method"], " or ".join(methods(path))
    content = json.loads(answer["body"])
    assert (content["title"], content["detail"]) == ("Method Not Allowed", f"{method} does nothing here; send {right}.")


@pytest.mark.parametrize("path", ["/", "/opportunities", "/opportunities/status/a/b", "/opportunities/status"])
def test_a_path_that_leads_nowhere_says_where_to_look(path: str) -> None:
    answer = unknown.handler({**event("unknown"), "rawPath": path}, None)
    assert answer["statusCode"] == 404
    content = json.loads(answer["body"])
    assert content["title"] == "Not Found"
    assert "/opportunities/openapi.json" in content["detail"]
