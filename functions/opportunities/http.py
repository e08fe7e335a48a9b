"""HTTP API events in, JSON answers out; every error becomes one shape (RFC 9457 problem details), here only."""

import base64
import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from opportunities.errors import (
    InvalidRequest,
    ScanNotFound,
    Unauthenticated,
    Unavailable,
)

_logger = logging.getLogger("opportunities")

type Event = Mapping[str, Any]
type Answer = dict[str, Any]
type Handler = Callable[[Event, object], Answer]


def api(handle: Callable[[Event], Answer]) -> Handler:
    """Makes a Lambda handler of `handle`: maps errors to answers, logs surprises, shows no caller a stack trace."""

    def handler(event: Event, _context: object) -> Answer:
        try:
            return handle(event)
        except InvalidRequest as error:
            return problem(422, "The request breaks a rule.", str(error), errors=error.fields)
        except Unauthenticated as error:
            return problem(401, "Who are you?", str(error))
        except ScanNotFound:
            return not_found()
        except Unavailable as error:
            _logger.warning("unavailable", exc_info=True)
            return problem(503, "Not now.", str(error), {"Retry-After": str(error.retry_after_seconds)})
        except Exception:
            _logger.exception("unexpected error")
            return problem(500, "Our fault.", "Something unexpected happened; it is logged. Try again.")

    return handler


def user_id(event: Event) -> str:
    """The caller, from the token that the authorizer has verified."""
    claims = event.get("requestContext", {}).get("authorizer", {}).get("jwt", {}).get("claims", {})
    subject = claims.get("sub")
    if not subject:
        raise Unauthenticated("Send `Authorization: Bearer <token>` with a token of this service's issuer.")
    return str(subject)


def body(event: Event) -> bytes:
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()


def answer(status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})},
        "body": json.dumps(content, allow_nan=False, separators=(",", ":")),
    }


def problem(
    status: int,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Answer:
    content: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if errors:
        content["errors"] = errors
    return answer(status, content, {"Content-Type": "application/problem+json", **(headers or {})})


def not_found() -> Answer:
    """The same bytes for a stranger's scan and for one that never was."""
    message = "No such scan. It is not yours, has expired, or never was: start one with POST /opportunities/discover."
    content = {"success": False, "status": "not_found", "message": message}
    return answer(404, {"type": "about:blank", "title": "Not found", "detail": message, **content})


def timestamp(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
