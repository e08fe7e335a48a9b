"""What schemathesis cannot know from the description: a key that has come with another request is refused."""

import re
from typing import Any
from uuid import uuid4

import schemathesis

_KEY = re.compile("[!-~]{1,255}")


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """Every usable `Idempotency-Key` becomes one that has never come before."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        own = uuid4().hex
        case.headers["Idempotency-Key"] = key[: 255 - len(own)] + own
