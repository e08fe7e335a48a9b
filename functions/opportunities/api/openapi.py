"""Describes the API as an OpenAPI 3.1 document, from the models of requests and the types of answers."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import TypedDictSchema

from opportunities import responses
from opportunities.api import examples, http
from opportunities.api.operations import OPERATIONS, Operation, Reply
from opportunities.api.requests import IDEMPOTENCY_KEY

VERSION = "0.1.0"  # as in pyproject.toml

_PROBLEMS = {
    409: "The scan is not in a state for this.",
    413: "The body is too long.",
    415: "The body is not JSON.",
    422: "Something breaks a rule; `errors` says what, field by field.",
    500: "Our fault; it is logged.",
}
_HEADERS = {
    "Retry-After": {
        "description": "Seconds to wait before the next request.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Location": {"description": "Where to see how far the scan is.", "schema": {"type": "string"}},
    "Preference-Applied": {
        "description": "The `Prefer` that was honoured.",
        "schema": {"type": "string", "pattern": "^wait=[0-9]+$"},
    },
}


type _Model = type[BaseModel] | type[Mapping[str, Any]]


class _Untitled(GenerateJsonSchema):
    """Without the titles that pydantic makes of field names: they say nothing new."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's own
        return False

    def typed_dict_schema(self, schema: TypedDictSchema) -> dict[str, Any]:
        """Answers have no other fields than they say, but for those that `with_config` opens."""
        closed = not hasattr(schema.get("cls"), "__pydantic_config__")
        return super().typed_dict_schema({**schema, "extra_behavior": "forbid"} if closed else schema)


def document() -> dict[str, Any]:
    """The whole description."""
    models: set[_Model] = {reply.model for one in OPERATIONS for reply in one.replies.values() if reply.model}
    models |= {one.body for one in OPERATIONS if one.body}
    models |= {responses.Problem, responses.InvalidFields, responses.NotFound, responses.GatewayMessage}
    _, schemas = TypeAdapter.json_schemas(
        [(model, "validation", TypeAdapter(model)) for model in sorted(models, key=lambda model: model.__name__)],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Untitled,
    )
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Opportunity Scan",
            "version": VERSION,
            "description": (
                "Scans the crypto markets with independent strategies. Once a caller holds a scan_id, every read of it "
                "succeeds, tells the truth, and a terminal state comes by a known deadline."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "headers": _HEADERS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    replies = {str(status): _reply(reply, one) for status, reply in one.replies.items()}
    for status in (*one.refusals, 500):
        replies[str(status)] = _refusal(status)
    if not one.public:
        # the gateway's answer on AWS, a Lambda's where it is called without one
        replies["401"] = _content(
            "No token, or none that this service trusts.",
            {"application/json": responses.GatewayMessage, "application/problem+json": responses.Problem},
        )
    # API Gateway's own: too many requests of all callers together, a Lambda that cannot be started.
    for status, description in ((429, "Too many requests; come back."), (503, "Not now; come back.")):
        replies[str(status)] = _busy(description, ours=status in one.refusals)
    operation: dict[str, Any] = {
        "operationId": one.id,
        "summary": one.summary,
        "description": one.description,
        "parameters": _parameters(one),
        "responses": dict(sorted(replies.items())),
    }
    if one.body:
        operation["requestBody"] = {
            "required": one.body_required,
            "content": {"application/json": {"schema": _reference(one.body)}},
        }
    if one.public:
        operation["security"] = []
    return operation


def _parameters(one: Operation) -> list[dict[str, Any]]:
    found = []
    if one.of_scan:
        schema = {"type": "string", "pattern": "^scan_[0-9a-f]{32}$", "examples": [examples.scan_id()]}
        found.append({"name": "scan_id", "in": "path", "required": True, "schema": schema})
    if one.query:
        properties = one.query.model_json_schema(schema_generator=_Untitled)["properties"]
        found += [_query_parameter(name, schema) for name, schema in properties.items()]
    if one.waits:
        found.append(
            {
                "name": "Prefer",
                "in": "header",
                "description": f"`wait=N`: up to N seconds, at most {http.MOST_WAIT_SECONDS} (RFC 7240).",
                "schema": {"type": "string", "examples": ["wait=20"]},
            }
        )
    if one.keyed:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "One key is one scan, for a week; with another request it is refused.",
                "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY}$"},
            }
        )
    return found


def _query_parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """In a query a list is text separated by commas, and what is not there is left out instead of null."""
    schema = dict(schema)
    description = schema.pop("description", None)
    if "anyOf" in schema:
        default = {"default": schema["default"]} if schema.get("default") else {}
        schema = {**schema["anyOf"][0], **default}
    parameter: dict[str, Any] = {"name": name, "in": "query", "schema": schema}
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter | ({"description": description} if description else {})


def _reply(reply: Reply, one: Operation) -> dict[str, Any]:
    if reply.model is None:
        return {"description": reply.description}
    written = _content(reply.description, {"application/json": reply.model}, reply.headers)
    if reply.example:
        # as it goes over the wire: enumerations become their values
        written["content"]["application/json"]["example"] = json.loads(json.dumps(reply.example()))
    if one.id == "discover":
        written["links"] = {
            other.id: {"operationId": other.id, "parameters": {"scan_id": "$response.body#/scan_id"}}
            for other in OPERATIONS
            if other.of_scan
        }
    return written


def _refusal(status: int) -> dict[str, Any]:
    if status == 404:
        written = _content("Not yours, expired, deleted, or never was.", {"application/json": responses.NotFound})
        written["content"]["application/json"]["example"] = json.loads(http.not_found()["body"])
        return written
    model: _Model = responses.InvalidFields if status == 422 else responses.Problem
    return _content(_PROBLEMS.get(status, ""), {"application/problem+json": model})


def _busy(description: str, *, ours: bool) -> dict[str, Any]:
    models: dict[str, _Model] = {"application/json": responses.GatewayMessage}
    if ours:
        return _content(description, {"application/problem+json": responses.Problem, **models}, ("Retry-After",))
    return _content(description, models)


def _content(description: str, models: Mapping[str, _Model], headers: tuple[str, ...] = ()) -> dict[str, Any]:
    written: dict[str, Any] = {
        "description": description,
        "content": {kind: {"schema": _reference(model)} for kind, model in models.items()},
    }
    if headers:
        written["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return written


def _reference(model: _Model) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
