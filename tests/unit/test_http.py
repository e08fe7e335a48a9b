"""What every answer carries, whichever it is."""

from typing import Any

import pytest

from opportunities import http
from opportunities.errors import InvalidRequest, ScanNotFound, Unauthenticated, Unavailable

PROTECTION = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}
ERRORS = [
    InvalidRequest({"a": "b"}),
    Unauthenticated("who?"),
    ScanNotFound(),
    Unavailable("later"),
    ZeroDivisionError(),
]


@pytest.mark.parametrize("error", [None, *ERRORS], ids=lambda error: type(error).__name__)
def test_every_answer_tells_the_browser_to_guess_keep_and_embed_nothing(error: Exception | None) -> None:
    def handle(_event: http.Event) -> http.Answer:
        if error:
            raise error
        return http.answer(200, {}, {"Location": "/there"})

    headers: dict[str, Any] = http.api(handle)({}, None)["headers"]
    assert PROTECTION.items() <= headers.items()


def test_an_answer_may_say_more_and_say_another_type() -> None:
    headers = http.problem(503, "Not now.", "Later.", {"Retry-After": "2"})["headers"]
    assert headers["Retry-After"] == "2"
    assert headers["Content-Type"] == "application/problem+json"
    assert http.answer(200, {})["headers"]["Content-Type"] == "application/json"


def test_nothing_is_protected_too() -> None:
    assert http.nothing() == {"statusCode": 204, "headers": PROTECTION}
