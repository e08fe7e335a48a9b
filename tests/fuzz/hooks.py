"""What schemathesis cannot know from the description: a key that has come with another request is refused."""

import re
from itertools import count
from typing import Any

import schemathesis

_KEY = re.compile("[!-~]{1,255}")
_numbers = count()


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """Every usable `Idempotency-Key` becomes one of its own, of the same length if that is long enough."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        number = f"-{next(_numbers)}"
        case.headers["Idempotency-Key"] = key[: 255 - len(number)] + number
