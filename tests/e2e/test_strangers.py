"""Strangers before the deployed API: every operation with forged tokens and with others' scans.

The emulator's authorizer checks signature, key, issuer, audience and times, as API Gateway's does. Not shown here,
because it differs: it takes any token for RS256 whatever its header says, and one without `exp` for good.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from infra.local.stack import make_user, users
from infra.local.stack.state import Stack
from opportunities.api.operations import OPERATIONS, Operation
from tests.e2e.conftest import Caller
from tests.e2e.test_scan import until_terminal

UNKNOWN = "scan_" + "0" * 32
PRIVATE = [one for one in OPERATIONS if not one.public]
OF_SCAN = [one for one in OPERATIONS if one.of_scan]
# What a shell, a path, a key or a header might stumble over; an HTTP client refuses a bare NUL itself.
ODD = [
    "#",
    "/",
    "%00",
    "..",
    "../profile",
    "USER#x",
    f"{UNKNOWN}#",
    f"{UNKNOWN}/",
    "ſcan_" + "0" * 32,
    "∞",
    "x" * 10_240,
]


def identity(one: Operation) -> str:
    return one.id


def ask(http: httpx.Client, one: Operation, scan_id: str = UNKNOWN, **headers: str) -> httpx.Response:
    """The operation with a body that it would accept."""
    body = b'{"capital_usd": 31337}' if one.body_required else None
    path = one.path.replace("{scan_id}", quote(scan_id, safe=""))
    return http.request(one.method.upper(), path, content=body, headers={"Content-Type": "application/json", **headers})


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, claims, signature = token.split(".")
    return decoded(header), decoded(claims), signature


def decoded(part: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return content


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def joined(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))


def unsigned(token: str) -> str:
    header, claims, _ = parts(token)
    return f"{joined(header, claims)}."


def of_no_algorithm(token: str) -> str:
    header, claims, _ = parts(token)
    return f"{joined({'alg': 'none', 'kid': header['kid']}, claims)}."


def of_no_algorithm_but_signed(token: str) -> str:
    header, claims, signature = parts(token)
    return f"{joined({**header, 'alg': 'none'}, claims)}.{signature}"


def of_somebody_else(token: str) -> str:
    header, claims, signature = parts(token)
    return f"{joined(header, {**claims, 'sub': 'b3c4d5e6-7081-4243-9495-a6b7c8d9eaf0'})}.{signature}"


def of_another_key(token: str) -> str:
    """Signed well, by a key of the forger's that calls itself the issuer's."""
    header, claims, _ = parts(token)
    content = joined(header, claims)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return f"{content}.{encoded(key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def of_an_unknown_key(token: str) -> str:
    header, claims, signature = parts(token)
    return f"{joined({**header, 'kid': 'mine'}, claims)}.{signature}"


def with_a_bad_signature(token: str) -> str:
    header, claims, _ = parts(token)
    return f"{joined(header, claims)}.{encoded(bytes(256))}"


def in_two_parts(token: str) -> str:
    return token.rpartition(".")[0]


FORGERIES: list[Callable[[str], str]] = [
    unsigned,
    of_no_algorithm,
    of_no_algorithm_but_signed,
    of_somebody_else,
    of_another_key,
    of_an_unknown_key,
    with_a_bad_signature,
    in_two_parts,
]


@pytest.fixture(scope="module")
def of_another_client(stack: Stack) -> str:
    """The issuer's own token, for another audience."""
    cognito = stack.client("cognito-idp")
    client = cognito.create_user_pool_client(
        UserPoolId=stack.user_pool_id, ClientName="another", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    password = users.put(stack.emulator, stack.user_pool_id, "of-another-client")
    return users.sign_in(stack.emulator, client, "of-another-client", password).text


@pytest.fixture(scope="module")
def of_another_issuer(stack: Stack) -> str:
    """A token of somebody else's user pool, for a client that has the name of ours."""
    cognito = stack.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="another")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="scan", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    password = users.put(stack.emulator, pool, "demo")
    return users.sign_in(stack.emulator, client, "demo", password).text


@pytest.fixture(scope="module")
def expired(stack: Stack) -> str:
    """The issuer's own token for our audience, of a second's life, a second too late."""
    cognito, ids = (
        stack.client("cognito-idp"),
        {"UserPoolId": stack.user_pool_id, "ClientId": stack.user_pool_client_id},
    )
    described = cognito.describe_user_pool_client(**ids)["UserPoolClient"]
    kept = {name: described[name] for name in ("ExplicitAuthFlows", "AccessTokenValidity", "TokenValidityUnits")}
    password = users.put(stack.emulator, stack.user_pool_id, "expired")
    short = {"AccessTokenValidity": 1, "TokenValidityUnits": {"AccessToken": "seconds"}}
    cognito.update_user_pool_client(**ids, **kept | short)
    try:
        token = users.sign_in(stack.emulator, stack.user_pool_client_id, "expired", password)
    finally:
        cognito.update_user_pool_client(**ids, **kept)
    time.sleep(max(0, token.expires_at + 0.1 - time.time()))
    return token.text


def refused(nobody: Caller, token: str) -> None:
    for one in PRIVATE:
        answer = ask(nobody.http, one, Authorization=f"Bearer {token}")
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"}), one.id


@pytest.mark.parametrize("forged", FORGERIES)
def test_a_forged_token_opens_nothing(nobody: Caller, stack: Stack, forged: Callable[[str], str]) -> None:
    token = forged(stack.token)
    assert token != stack.token
    refused(nobody, token)


@pytest.mark.parametrize("name", ["of_another_client", "of_another_issuer", "expired"])
def test_a_token_that_is_real_but_not_for_here_and_now_opens_nothing(
    nobody: Caller, name: str, request: pytest.FixtureRequest
) -> None:
    refused(nobody, request.getfixturevalue(name))


def test_the_same_users_own_token_opens_everything(nobody: Caller, stack: Stack) -> None:
    """Or the refusals above would show nothing."""
    token = make_user(stack, "not-forged")
    for one in PRIVATE:
        assert ask(nobody.http, one, Authorization=f"Bearer {token}").status_code != 401, one.id


@pytest.fixture(scope="module")
def theirs(demo: Caller) -> str:
    """The demo user's scan, ended."""
    scan_id: str = demo.discover(force_refresh=True).json()["scan_id"]
    until_terminal(demo, scan_id)
    return scan_id


@pytest.mark.parametrize("one", OF_SCAN, ids=identity)
def test_somebody_elses_scan_is_answered_like_none_and_stays(
    demo: Caller, stranger: Caller, theirs: str, one: Operation
) -> None:
    before = [demo.status(theirs).content, demo.results(theirs).content]
    found, nothing = (ask(stranger.http, one, scan_id) for scan_id in (theirs, UNKNOWN))
    assert found.status_code == 404
    assert (found.status_code, found.content) == (nothing.status_code, nothing.content)
    varying = {"apigw-requestid", "date"}
    assert {name: value for name, value in found.headers.items() if name not in varying} == {
        name: value for name, value in nothing.headers.items() if name not in varying
    }
    assert [demo.status(theirs).content, demo.results(theirs).content] == before


@pytest.mark.parametrize("one", [one for one in PRIVATE if not one.of_scan], ids=identity)
def test_forged_ids_show_and_change_nothing_of_somebody_else(
    demo: Caller, stranger: Caller, theirs: str, one: Operation
) -> None:
    before = [demo.http.get(path).content for path in ("/opportunities/profile", "/opportunities/scans")]
    answer = ask(stranger.http, one)
    assert answer.is_success
    assert theirs not in answer.text
    assert [demo.http.get(path).content for path in ("/opportunities/profile", "/opportunities/scans")] == before


@pytest.mark.parametrize("one", OF_SCAN, ids=identity)
@pytest.mark.parametrize("scan_id", ODD, ids=lambda text: ascii(text)[:20])
def test_an_id_of_odd_characters_is_an_unknown_one(stranger: Caller, one: Operation, scan_id: str) -> None:
    answer = ask(stranger.http, one, scan_id)
    assert answer.status_code in (404, 405)
    if "/" not in scan_id and scan_id != "..":  # with those it leads to no route of a scan
        assert answer.content == ask(stranger.http, one).content
