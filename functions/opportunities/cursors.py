"""Where the next page of a list begins, as a text that callers pass on and need not understand."""

import base64
import binascii

from opportunities.errors import InvalidRequest


def encode(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    """The position that `encode` was given, or nearly any text: it is outside input. Raises `InvalidRequest`."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise not_ours() from error


def not_ours() -> InvalidRequest:
    return InvalidRequest({"cursor": "is not one that this service gave; leave it out to start at the first page"})
