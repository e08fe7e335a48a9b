"""Writes and reads cursors: texts that say where the next page of a list begins, of a form that `requests` checks.

Callers pass on what they were given. A made-up one of the right form is no error and shows no more than its owner's.
"""

from opportunities.aws.store import Position

AFTER_SCAN = r"[0-9]{1,10}(\.[0-9]{1,9})?-scan_[0-9a-f]{32}"
AFTER_RANK = r"after-[0-9]{1,9}"


def after_scan(position: Position) -> str:
    return f"{position.created_at!r}-{position.scan_id}"


def position(cursor: str) -> Position:
    created_at, _, scan_id = cursor.partition("-")
    return Position(float(created_at), scan_id)


def after_rank(number: int) -> str:
    return f"after-{number}"


def rank(cursor: str) -> int:
    return int(cursor.removeprefix("after-"))
