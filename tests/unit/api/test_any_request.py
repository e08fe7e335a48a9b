"""Whatever callers send is answered as described; what is refused writes nothing, and a stranger sees nothing."""

import json
import time
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opportunities.api.operations import OPERATIONS, Operation
from opportunities.aws import items
from opportunities.aws.store import Store
from opportunities.domain import Investor, Scan, ScanState
from opportunities.services import long_poll
from tests.support import conformance
from tests.support.builders import USER, scan
from tests.support.doubles import Recorder
from tests.support.local_api import api
from tests.support.local_http import Reply, Request
from tests.unit.conftest import TABLE

pytestmark = pytest.mark.usefixtures("lambdas")
SOMEBODY_ELSE = "b3c4d5e6-7081-4243-9495-a6b7c8d9eaf1"
UNKNOWN = "scan_" + "0" * 32
NOW = int(time.time())
many = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

NOISE = st.text(max_size=20) | st.sampled_from(["#", "/", "\0", "../", "%00", "∞", "x" * 10_240, "1e999", "-0", "nan"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NOISE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NOISE, inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_poll, "wait", lambda scan, *_: scan)


def send(
    method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"", user: str = USER
) -> tuple[int, bytes]:
    """One request, whose answer must be one that the description promises."""
    said = {"authorization": "Bearer x", "content-type": "application/json", **(headers or {})}
    reply: Reply = api(lambda _: user)(Request(method, path, said, body))
    assert reply.status < 500, reply.body
    conformance.check(method, unquote(path.partition("?")[0]), reply.status, reply.headers, reply.body.decode())
    return reply.status, reply.body


def kept(dynamodb: Any) -> list[Any]:
    """Everything in the table but the count of requests."""
    items = dynamodb.scan(TableName=TABLE)["Items"]
    return sorted((one for one in items if not one["sk"]["S"].startswith("RATE#")), key=str)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body: of an operation, but for what is drawn."""
    one = draw(st.sampled_from(OPERATIONS))
    path = one.path.replace("{scan_id}", quote(draw(NOISE), safe="") or "x")
    names = [*one.query.model_fields] if one.query else []
    if query := draw(st.dictionaries(st.sampled_from([*names, "surplus"]), NOISE, max_size=2)):
        path += "?" + urlencode(query, errors="replace")
    texts = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
    names = ["prefer", "idempotency-key", "content-type", "accept"]
    headers = draw(st.dictionaries(st.sampled_from(names), texts, max_size=2))
    fields = [*one.body.model_fields] if one.body else []
    nearly = st.dictionaries(st.sampled_from([*fields, "surplus"]), JSON, max_size=4)
    body = draw(st.binary(max_size=50) | (nearly | JSON).map(lambda content: json.dumps(content).encode()))
    return one.method.upper(), path, headers, body


@many
@given(requests())
def test_any_request_is_answered_as_described_and_a_refused_one_writes_nothing(
    dynamodb: Any, drawn: tuple[str, str, dict[str, str], bytes]
) -> None:
    before = kept(dynamodb)
    status, _ = send(*drawn)
    if status >= 400:
        assert kept(dynamodb) == before


@st.composite
def changed(draw: st.DrawFn, text: str) -> str:
    """The text with some of it replaced, cut out or put in."""
    for _ in range(draw(st.integers(1, 3))):
        begin, length = draw(st.integers(0, len(text))), draw(st.integers(0, 4))
        text = (
            text[:begin]
            + draw(st.text(max_size=3) | st.text("0123456789abcdef.-_", max_size=3))
            + text[begin + length :]
        )
    return text


@many
@given(st.data())
def test_any_cursor_is_a_place_in_ones_own_list_or_refused(store: Store, data: st.DataObject) -> None:
    own, theirs = (scan_of(store, user) for user in (USER, SOMEBODY_ELSE))
    for path, valid in {
        "/opportunities/scans": f"{theirs.created_at!r}-{theirs.scan_id}",
        f"/opportunities/results/{own.scan_id}": "after-1",
    }.items():
        cursor = data.draw(st.text(max_size=300) | changed(valid))
        status, body = send("GET", f"{path}?{urlencode({'cursor': cursor}, errors='replace')}")
        assert status in (200, 422)
        assert theirs.scan_id.encode() not in body


def scan_of(store: Store, user: str) -> Scan:
    """A scan that has ended, of this user."""
    made = scan(
        user_id=user,
        scan_id=f"scan_{user[-1] * 32}",
        state=ScanState.COMPLETE,
        created_at=NOW - 5.5,
        updated_at=NOW - 4,
        deadline=NOW + 600,
        expires_at=NOW + 6000,
    )
    store.put_scan(made)
    return made


@many
@given(st.sampled_from([one for one in OPERATIONS if one.of_scan]), NOISE | st.text(min_size=1))
def test_an_id_of_any_characters_is_an_unknown_one_and_nothing_is_asked_of_the_table(
    recorded: Recorder, one: Operation, text: str
) -> None:
    scan_id = quote(text, safe="", errors="replace") or "%23"
    recorded.calls.clear()
    status, body = send(one.method.upper(), one.path.replace("{scan_id}", scan_id))
    assert status == 404
    if "/" not in text:
        assert recorded.operations == []
        assert (status, body) == send(one.method.upper(), one.path.replace("{scan_id}", UNKNOWN))


@pytest.mark.parametrize("one", [one for one in OPERATIONS if one.of_scan], ids=lambda one: one.id)
@pytest.mark.parametrize("state", [None, *ScanState])
def test_somebody_elses_scan_is_answered_like_none_and_stays_as_it_is(
    dynamodb: Any, store: Store, one: Operation, state: ScanState | None
) -> None:
    """Also one that its owner has deleted, which is `state` None here."""
    theirs = scan_of(store, SOMEBODY_ELSE)
    if state is None:
        assert store.delete_scan(theirs, time.time())
    else:
        dynamodb.put_item(TableName=TABLE, Item=items.scan_to_item(replace(theirs, state=state)))
    before = kept(dynamodb)
    method = one.method.upper()
    found = send(method, one.path.replace("{scan_id}", theirs.scan_id))
    assert found == send(method, one.path.replace("{scan_id}", UNKNOWN))
    assert found[0] == 404
    assert kept(dynamodb) == before


@pytest.mark.parametrize("one", [one for one in OPERATIONS if not one.of_scan], ids=lambda one: one.id)
def test_forged_ids_show_and_change_nothing_of_somebody_else(dynamodb: Any, store: Store, one: Operation) -> None:
    theirs = scan_of(store, SOMEBODY_ELSE)
    store.put_investor(SOMEBODY_ELSE, replace(Investor(), capital_usd=123_456.75))
    before = kept(dynamodb)
    headers = {"idempotency-key": "the-same"} if one.keyed else {}
    body = b'{"capital_usd": 1}' if one.body_required else b""
    _, content = send(one.method.upper(), one.path, headers, body)
    assert theirs.scan_id.encode() not in content
    assert b"123456.75" not in content
    assert [one for one in kept(dynamodb) if SOMEBODY_ELSE in one["pk"]["S"]] == before


@many
@given(st.text(max_size=300) | NOISE, st.sampled_from([one for one in OPERATIONS if not one.public]))
def test_a_caller_is_known_by_a_subject_as_openid_has_it_or_is_nobody(subject: str, one: Operation) -> None:
    path = one.path.replace("{scan_id}", UNKNOWN)
    status, _ = send(one.method.upper(), path, body=b'{"capital_usd": 1}' if one.body_required else b"", user=subject)
    good = 0 < len(subject) <= 255 and subject.isascii() and subject.isprintable()
    assert (status == 401) == (not good)
