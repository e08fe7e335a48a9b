"""What schemathesis cannot know from the description: keys are used once, and a deleted scan has three more paths."""

import re
from typing import Any
from uuid import uuid4

import schemathesis

_KEY = re.compile("[!-~]{1,255}")
_deleted: set[str] = set()
_sent_after_deletion: set[str] = set()


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """Every usable `Idempotency-Key` becomes one that has never come before: with another request it is refused."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        own = uuid4().hex
        case.headers["Idempotency-Key"] = key[: 255 - len(own)] + own
    if _scan_id(case) in _deleted:
        _sent_after_deletion.add(case.id)


@schemathesis.check
def a_deleted_scan_is_gone(_context: Any, response: Any, case: Any) -> None:
    """`use_after_free` looks below the deleted path only, and a scan is read and cancelled elsewhere."""
    if case.id in _sent_after_deletion and response.status_code < 300:
        raise AssertionError(f"{_scan_id(case)} was deleted, and {case.method} {case.path} answers as if it were there")
    if case.method == "DELETE" and response.status_code == 204:
        _deleted.add(_scan_id(case))


def _scan_id(case: Any) -> str:
    return str((case.path_parameters or {}).get("scan_id", ""))
