"""The front door of the real handlers, for every test that sends HTTP requests without an emulator.

template.yaml says which routes there are and which of them want a token; events look as AWS makes them. The test says
whose token one is: forged ones meet an authorizer in tests/e2e.
"""

import base64
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from opportunities.api.http import Handler
from opportunities.api.operations import fits
from tests.support.local_http import Reply, Request
from tests.support.template import functions

# Of other types a body is base64 in the event.
_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")


@dataclass(frozen=True)
class Route:
    """A route of the template; the default one has neither method nor path."""

    method: str | None
    path: str | None
    public: bool
    handler: Handler

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}" if self.path else "$default"


def routes() -> tuple[Route, ...]:
    """Every route of the template, the default one last."""
    found = []
    for function in functions().values():
        module, _, name = function["Handler"].rpartition(".")
        for event in function.get("Events", {}).values():
            said = event["Properties"]
            public = said.get("Auth", {}).get("Authorizer") == "NONE"
            handler: Handler = getattr(importlib.import_module(module), name)
            found.append(Route(said.get("Method"), said.get("Path"), public, handler))
    return tuple(sorted(found, key=lambda one: one.path is None))


def api(user_of: Callable[[str], str | None]) -> Callable[[Request], Reply]:
    """Answers requests; `user_of` knows whose token one is."""
    known = routes()

    def respond(request: Request) -> Reply:
        address = urlsplit(request.path)
        path = unquote(address.path)
        route = next(one for one in known if _leads(one, request.method, path))
        caller = user_of(request.headers.get("authorization", "").removeprefix("Bearer "))
        if not route.public and caller is None:
            return Reply(401, {"Content-Type": "application/json"}, b'{"message":"Unauthorized"}')
        answer = route.handler(_event(route, request, path, address.query, caller), None)
        # AWS and the emulator allow no more than text here, either
        json.dumps(answer)
        return Reply(answer["statusCode"], answer["headers"], answer.get("body", "").encode())

    return respond


def _leads(route: Route, method: str, path: str) -> bool:
    return route.path is None or (route.method == method and fits(route.path, path))


def _event(route: Route, request: Request, path: str, query: str, caller: str | None) -> dict[str, Any]:
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": request.headers,
        "requestContext": {"http": {"method": request.method, "path": path}, "routeKey": route.key},
        **_body(request),
    }
    if caller is not None and not route.public:
        event["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": caller}}}
    if parameters := _joined(query):
        event["queryStringParameters"] = parameters
    if route.path and "{scan_id}" in route.path:
        event["pathParameters"] = {"scan_id": path.rpartition("/")[2]}
    return event


def _joined(query: str) -> Mapping[str, str]:
    """Repeated parameters are joined by commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {"isBase64Encoded": False}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _TEXT_TYPES or kind.startswith("text/"):
        return {"body": request.body.decode(errors="replace"), "isBase64Encoded": False}
    return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}
