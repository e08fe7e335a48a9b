"""Users of the local stack's Cognito pool, and their access tokens."""

import base64
import json
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from infra.local.stack.emulator import Emulator

_RENEW_BEFORE_SECONDS = 300


@dataclass(frozen=True)
class Token:
    """An access token, as the API wants it, and what it says of itself."""

    text: str
    user_id: str
    expires_at: float

    @property
    def is_fresh(self) -> bool:
        """Whether it lasts for longer than any command runs."""
        return self.expires_at - time.time() > _RENEW_BEFORE_SECONDS


def put(emulator: Emulator, pool_id: str, username: str) -> str:
    """Makes the user, or finds the one of that name, and sets a new password: the answer."""
    cognito = emulator.client("cognito-idp")
    password = f"Aa1-{secrets.token_urlsafe(24)}"  # the pool asks for a capital, a small letter and a digit
    with suppress(cognito.exceptions.UsernameExistsException):  # by an earlier `up` that did not end well
        cognito.admin_create_user(
            UserPoolId=pool_id, Username=username, TemporaryPassword=password, MessageAction="SUPPRESS"
        )
    cognito.admin_set_user_password(UserPoolId=pool_id, Username=username, Password=password, Permanent=True)
    return password


def sign_in(emulator: Emulator, client_id: str, username: str, password: str) -> Token:
    answer: dict[str, Any] = emulator.client("cognito-idp").initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": username, "PASSWORD": password},
        ClientId=client_id,
    )
    text: str = answer["AuthenticationResult"]["AccessToken"]
    payload = text.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return Token(text, claims["sub"], float(claims["exp"]))
