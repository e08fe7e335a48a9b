"""Reads the OpenAPI body that SAM writes for an HTTP API: its routes, its JWT authorizers, whom browsers may serve."""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.local.stack.errors import StackError
from opportunities.domain import Json

_METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "x-amazon-apigateway-any-method"}


_DEFAULT = "$default"  # the route of what has no other
_OPEN = "NONE"  # SAM's word for a route without an authorizer


@dataclass(frozen=True)
class Authorizer:
    name: str
    identity_source: str
    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    key: str  # as in "GET /opportunities/status/{scan_id}", or "$default"
    function_uri: str
    authorizer: str | None
    scopes: tuple[str, ...]


def authorizers(body: Json) -> Iterator[Authorizer]:
    """Every JWT authorizer; another kind is an error, for without it a route would stand open."""
    match body:
        case {"components": {"securitySchemes": dict(schemes)}}:
            for name, scheme in schemes.items():
                yield _authorizer(name, scheme)


def cors(body: Json) -> dict[str, Json]:
    """Which other sites' pages browsers may serve, as apigatewayv2 spells it; empty where none."""
    match body:
        case {"x-amazon-apigateway-cors": dict(said)}:
            return {name[0].upper() + name[1:]: value for name, value in said.items()}
    return {}


def routes(body: Json) -> Iterator[Route]:
    """Every route with a Lambda behind it."""
    match body:
        case {"paths": dict(paths)}:
            for path, operations in paths.items():
                if not isinstance(operations, dict):
                    continue
                for method in _METHODS & operations.keys():
                    verb = "ANY" if method.startswith("x-") else method.upper()
                    yield _route(path if path == _DEFAULT else f"{verb} {path}", operations[method])


def _authorizer(name: str, scheme: Json) -> Authorizer:
    match scheme:
        case {
            "x-amazon-apigateway-authorizer": {
                "type": "jwt",
                "identitySource": str(source),
                "jwtConfiguration": {"issuer": str(issuer), "audience": list(audience)},
            }
        }:
            return Authorizer(name, source, issuer, tuple(map(str, audience)))
    message = f"The local stack knows JWT authorizers only, and {name} is none: teach it in {__file__}."
    raise StackError(message)


def _route(key: str, operation: Json) -> Route:
    match operation:
        case {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": str(uri)}}:
            authorizer, scopes = _security(operation)
            return Route(key, uri, authorizer, scopes)
    message = f"The local stack knows routes to Lambdas only, and {key} is none: teach it in {__file__}."
    raise StackError(message)


def _security(operation: Json) -> tuple[str | None, tuple[str, ...]]:
    match operation:
        case {"security": [dict(requirement)]} if len(requirement) == 1:
            ((name, scopes),) = requirement.items()
            if name == _OPEN:
                return None, ()
            return name, tuple(map(str, scopes)) if isinstance(scopes, list) else ()
    return None, ()
