"""Reads HTTP API events and writes JSON answers; every error becomes problem details (RFC 9457) here."""

import base64
import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from opportunities.errors import (
    Conflict,
    ContentTooLarge,
    InvalidRequest,
    ScanNotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedContent,
)

if TYPE_CHECKING:
    from opportunities import responses

_logger = logging.getLogger("opportunities")

# The largest sensible request, a profile with a hundred holdings, takes 10 KB.
MOST_BODY_BYTES = 65_536
# An HTTP API gives its Lambdas 30 seconds; what is left is for the reads.
MOST_WAIT_SECONDS = 20
# OpenID Connect Core 1.0, section 2. It becomes part of the table's keys, which have their own limits.
_LONGEST_SUBJECT = 255

# Which error is which answer; those with `retry_after_seconds` say so in a header.
_REFUSALS: dict[type[Exception], int] = {
    InvalidRequest: 422,
    Unauthenticated: 401,
    Conflict: 409,
    ContentTooLarge: 413,
    UnsupportedContent: 415,
    TooManyRequests: 429,
    Unavailable: 503,
}

type Event = Mapping[str, Any]
type Answer = dict[str, Any]
type Handler = Callable[[Event, object], Answer]


def api(handle: Callable[[Event], Answer]) -> Handler:
    """Makes a Lambda handler of `handle`: maps errors to answers, logs surprises, shows no caller a stack trace."""

    def handler(event: Event, _context: object) -> Answer:
        try:
            return handle(event)
        except ScanNotFound:
            return not_found()
        except tuple(_REFUSALS) as error:
            return _refusal(error)
        except Exception:
            _logger.exception("unexpected error")
            return problem(500, "Something unexpected happened; it is logged. Try again.")

    return handler


def _refusal(error: Exception) -> Answer:
    status = next(known for kind, known in _REFUSALS.items() if isinstance(error, kind))
    headers = {}
    if isinstance(error, (TooManyRequests, Unavailable)):
        _logger.warning("%s", HTTPStatus(status).phrase, exc_info=error)
        headers = {"Retry-After": str(error.retry_after_seconds)}
    return problem(status, str(error), headers, error.fields if isinstance(error, InvalidRequest) else None)


def user_id(event: Event) -> str:
    """The caller, from the token that the authorizer has verified."""
    claims = event.get("requestContext", {}).get("authorizer", {}).get("jwt", {}).get("claims", {})
    subject = claims.get("sub")
    if not subject:
        raise Unauthenticated("Send `Authorization: Bearer <token>` with a token of this service's issuer.")
    if len(subject) > _LONGEST_SUBJECT or not (subject.isascii() and subject.isprintable()):
        raise Unauthenticated("The token's `sub` is not one that OpenID Connect allows: at most 255 ASCII characters.")
    return str(subject)


def body(event: Event) -> bytes:
    """The JSON document that was sent, empty if none was. Raises `UnsupportedContent`, `ContentTooLarge`."""
    text = event.get("body") or ""
    content = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode(errors="surrogatepass")
    kind = (header(event, "content-type") or "application/json").partition(";")[0].strip().lower()
    if content and kind != "application/json":
        raise UnsupportedContent("Send the body as JSON, with `Content-Type: application/json`.")
    if len(content) > MOST_BODY_BYTES:
        raise ContentTooLarge(
            f"The body has {len(content)} bytes; at most {MOST_BODY_BYTES} are read. Send a smaller one."
        )
    return content


def header(event: Event, name: str) -> str | None:
    """A header by its name in lower case, as an HTTP API passes it on; repeated ones are joined by commas."""
    value: str | None = (event.get("headers") or {}).get(name)
    return value


def query(event: Event) -> dict[str, str]:
    """The query parameters; repeated ones are joined by commas."""
    return dict(event.get("queryStringParameters") or {})


def no_query(event: Event) -> None:
    """Refuses query parameters on a route that takes none: nothing that a caller sends is ignored."""
    surplus = query(event)
    if surplus:
        raise InvalidRequest(dict.fromkeys(surplus, "unknown parameter; this route takes none"))


def wait_seconds(event: Event) -> int:
    """How long the caller prefers to wait for news (`Prefer: wait=20`, RFC 7240, at most 20 s), 0 for not at all.

    The RFC wants preferences that are not understood to be ignored.
    """
    for preference in (header(event, "prefer") or "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        digits = value.strip().strip('"')
        if name.strip().lower() == "wait" and digits.isascii() and digits.isdigit():
            return min(int(digits[:9]), MOST_WAIT_SECONDS)
    return 0


def waited(seconds: int) -> dict[str, str]:
    """The headers that say which preference was honoured."""
    return {"Preference-Applied": f"wait={seconds}"} if seconds else {}


# Of every answer. `no-store`: scans and holdings are the caller's own, and a kept status would be an old one.
_PROTECTION = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}


def answer(status: int, content: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Answer:
    return {
        "statusCode": status,
        "headers": {**_PROTECTION, "Content-Type": "application/json", **(headers or {})},
        "body": json.dumps(content, allow_nan=False, separators=(",", ":")),
    }


def nothing() -> Answer:
    """204: done, and there is nothing to say."""
    return {"statusCode": 204, "headers": _PROTECTION}


def problem(
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Answer:
    """Problem details, whose title is the status' phrase, as RFC 9457 (section 4.2.1) wants of `about:blank`."""
    title = HTTPStatus(status).phrase
    content: responses.Problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    invalid: responses.InvalidFields | None = {**content, "errors": dict(errors)} if errors else None
    return answer(status, invalid or content, {"Content-Type": "application/problem+json", **(headers or {})})


def not_found() -> Answer:
    """The same bytes for a stranger's scan and for one that never was."""
    message = "No such scan. It is not yours, has expired, or never was: start one with POST /opportunities/discover."
    content: responses.NotFound = {
        "type": "about:blank",
        "title": "Not Found",
        "detail": message,
        "success": False,
        "status": "not_found",
        "message": message,
    }
    return answer(404, content)
