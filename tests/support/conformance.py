"""Compares an answer with what the API's description promises: status code, headers, content type, schema.

The judge is the `jsonschema` package; a $ref is looked up in the document itself.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from opportunities.api.openapi import document
from opportunities.api.operations import OPERATIONS, fits


@cache
def _document() -> dict[str, Any]:
    # as it goes over the wire
    written: dict[str, Any] = json.loads(json.dumps(document()))
    return written


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """Validates what a schema of the document describes."""
    whole = {**schema, "components": _document()["components"]}
    return Draft202012Validator(whole, format_checker=FormatChecker())


def check(method: str, path: str, status: int, headers: Mapping[str, str], body: str) -> None:
    """Raises AssertionError where the answer is not one that the description promises for this route."""
    headers = {name.lower(): value for name, value in headers.items()}
    known = [one for one in OPERATIONS if one.method == method.lower() and fits(one.path, path)]
    if not known:
        assert status in (401, 404, 405), f"{method} {path} is no route, and answers {status}"
        return
    responses = _document()["paths"][known[0].path][known[0].method]["responses"]
    assert str(status) in responses, f"{method} {path} answers {status}, which is not documented: {body}"
    promised = responses[str(status)]
    for name, header in promised.get("headers", {}).items():
        described = _document()["components"]["headers"][header["$ref"].rpartition("/")[2]]
        if name.lower() in headers:
            value: Any = headers[name.lower()]
            value = int(value) if described["schema"]["type"] == "integer" else value
            validator(described["schema"]).validate(value)
    undocumented = ({"location", "retry-after", "preference-applied", "allow"} & set(headers)) - {
        name.lower() for name in promised.get("headers", {})
    }
    assert not undocumented, f"{method} {path} answers {status} with {undocumented}, which are not documented"
    if "content" not in promised:
        assert not body
        return
    kind = headers["content-type"].partition(";")[0]
    assert kind in promised["content"], f"{method} {path} answers {status} as {kind}"
    validator(promised["content"][kind]["schema"]).validate(json.loads(body))
