"""One worker of the API: hands HTTP requests to the real handlers, as an HTTP API does."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from opportunities.api.http import Handler
from opportunities.handlers import cancel, discover, results, status
from tests.race.local_http import Reply, Request
from tests.race.processes import Site

_HANDLERS: dict[tuple[str, str], Handler] = {
    ("POST", "discover"): discover.handler,
    ("GET", "status"): status.handler,
    ("GET", "results"): results.handler,
    ("POST", "cancel"): cancel.handler,
}


def api(_site: Site) -> Callable[[Request], Reply]:
    return _respond


def _respond(request: Request) -> Reply:
    address = urlsplit(request.path)
    _, _, operation, *scan_id = address.path.split("/")
    event = {
        "version": "2.0",
        "routeKey": f"{request.method} {address.path}",
        "rawPath": address.path,
        "rawQueryString": address.query,
        "headers": request.headers,
        "queryStringParameters": dict(parse_qsl(address.query)),
        "pathParameters": {"scan_id": scan_id[0]} if scan_id else {},
        "requestContext": {
            # the authorizer is not what races here: the token is the user's name
            "authorizer": {"jwt": {"claims": {"sub": request.headers["authorization"].removeprefix("Bearer ")}}},
            "http": {"method": request.method},
        },
        "body": request.body.decode(),
        "isBase64Encoded": False,
    }
    answer = _HANDLERS[request.method, operation](event, None)
    return Reply(answer["statusCode"], answer["headers"], answer.get("body", "").encode())
