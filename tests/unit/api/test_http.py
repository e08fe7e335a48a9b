"""What every answer carries, whichever it is."""

import json
from typing import Any

import pytest

from opportunities.api import http
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
from opportunities.serialization import timestamp

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
    headers = http.problem(503, "Later.", {"Retry-After": "2"})["headers"]
    assert headers["Retry-After"] == "2"
    assert headers["Content-Type"] == "application/problem+json"
    assert http.answer(200, {})["headers"]["Content-Type"] == "application/json"


def test_nothing_is_protected_too() -> None:
    assert http.nothing() == {"statusCode": 204, "headers": PROTECTION}


def refused(error: Exception) -> dict[str, Any]:
    def handle(_event: http.Event) -> http.Answer:
        raise error

    return http.api(handle)({}, None)


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (Unauthenticated("Why."), 401, "Unauthorized"),
        (Conflict("Why."), 409, "Conflict"),
        (ContentTooLarge("Why."), 413, "Content Too Large"),
        (UnsupportedContent("Why."), 415, "Unsupported Media Type"),
        (TooManyRequests("Why.", retry_after_seconds=7), 429, "Too Many Requests"),
        (Unavailable("Why."), 503, "Service Unavailable"),
    ],
)
def test_each_error_is_a_problem_that_says_why(error: Exception, status: int, title: str) -> None:
    answer = refused(error)
    assert answer["statusCode"] == status
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(answer["body"]) == {"type": "about:blank", "title": title, "status": status, "detail": "Why."}
    wait = {TooManyRequests: "7", Unavailable: "2"}.get(type(error))
    assert answer["headers"].get("Retry-After") == wait


def test_a_broken_rule_is_named_field_by_field() -> None:
    content = json.loads(refused(InvalidRequest({"limit": "too much", "page": "unknown"}))["body"])
    assert (content["status"], content["title"]) == (422, "Unprocessable Content")
    assert content["errors"] == {"limit": "too much", "page": "unknown"}


def test_passing_failures_are_logged_as_warnings_and_surprises_as_errors(caplog: pytest.LogCaptureFixture) -> None:
    for error in (Unavailable("a"), TooManyRequests("b", retry_after_seconds=1), Conflict("c"), ZeroDivisionError("d")):
        refused(error)
    logged = [(one.name, one.levelname, one.message, one.exc_info[1].args if one.exc_info and one.exc_info[1] else None)
              for one in caplog.records]  # fmt: skip
    assert logged == [
        ("opportunities", "WARNING", "Service Unavailable", ("a",)),
        ("opportunities", "WARNING", "Too Many Requests", ("b",)),
        ("opportunities", "ERROR", "unexpected error", ("d",)),
    ]


def test_a_surprise_says_nothing_of_itself() -> None:
    answer = refused(ZeroDivisionError("secret"))
    assert json.loads(answer["body"]) == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Something unexpected happened; it is logged. Try again.",
    }


def test_no_scan_is_said_in_one_way() -> None:
    answer = refused(ScanNotFound())
    message = "No such scan. It is not yours, has expired, or never was: start one with POST /opportunities/discover."
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (404, "application/json")
    assert json.loads(answer["body"]) == {
        "type": "about:blank",
        "title": "Not Found",
        "detail": message,
        "success": False,
        "status": "not_found",
        "message": message,
    }


def test_answers_hold_no_spaces_and_no_number_that_json_has_not() -> None:
    assert http.answer(200, {"a": [1, 2]})["body"] == '{"a":[1,2]}'
    with pytest.raises(ValueError, match="JSON"):
        http.answer(200, {"a": float("nan")})


@pytest.mark.parametrize(
    "context", [{}, {"authorizer": {}}, {"authorizer": {"jwt": {}}}, {"authorizer": {"jwt": {"claims": {"sub": ""}}}}]
)
def test_token_without_a_subject_is_refused(context: dict[str, Any]) -> None:
    for event in ({"requestContext": context}, {}):
        with pytest.raises(Unauthenticated):
            http.user_id(event)


def of_token(subject: str) -> http.Event:
    return {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": subject}}}}}


@pytest.mark.parametrize("subject", ["me", "auth0|5f7c", "a b", "x" * 255])
def test_the_caller_is_the_subject_of_the_token(subject: str) -> None:
    assert http.user_id(of_token(subject)) == subject


@pytest.mark.parametrize("subject", ["x" * 256, "é", "me\x00", "me\n", "x" * 255 + "é"])
def test_a_subject_that_openid_connect_does_not_allow_is_refused(subject: str) -> None:
    with pytest.raises(Unauthenticated, match="at most 255 ASCII characters"):
        http.user_id(of_token(subject))


@pytest.mark.parametrize("event", [{}, {"headers": None, "queryStringParameters": None, "body": None}])
def test_empty_body_is_an_empty_request(event: dict[str, Any]) -> None:
    assert (http.header(event, "prefer"), http.query(event), http.body(event)) == (None, {}, b"")
    http.no_query(event)


def test_half_a_character_is_content_like_any_other_and_left_to_the_parser() -> None:
    assert http.body({"body": "\ud800"}) == b"\xed\xa0\x80"


def test_a_parameter_that_a_route_does_not_take_is_named() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        http.no_query({"queryStringParameters": {"a": "1", "b": "2"}})
    assert refusal.value.fields == dict.fromkeys("ab", "unknown parameter; this route takes none")


def test_times_are_in_utc_to_the_millisecond() -> None:
    assert timestamp(1_795_291_200.25) == "2026-11-21T20:00:00.250Z"
