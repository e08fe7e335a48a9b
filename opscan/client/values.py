"""Reading JSON leniently: whatever a body lacks or gets wrong, the rest of it can still be used.

Text from the network loses its control characters here, once, so that no answer can drive a terminal.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from opportunities.domain import Json


def text(value: Json) -> str:
    """One printable line; empty for anything that is not text or a number."""
    if not isinstance(value, str):
        amount = number(value)
        return "" if amount is None else f"{amount:g}"
    return " ".join(printable(value).split())


def printable(line: str) -> str:
    """Without control characters; what stands under each other still does."""
    return "".join(char if char.isprintable() else " " for char in line.expandtabs())


def number(value: Json) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        converted = float(value)
    except OverflowError:
        return None
    return converted if math.isfinite(converted) else None


def count(value: Json) -> int:
    """A whole number of things, 0 where there is none."""
    return max(0, int(number(value) or 0))


def moment(value: Json) -> datetime | None:
    """A point in time, written in ISO 8601 with its zone, or None."""
    try:
        parsed = datetime.fromisoformat(text(value))
        return parsed.astimezone(UTC) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None


def mapping(value: Json) -> Mapping[str, Json]:
    """An object, empty where there is none."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    """A list, empty where there is none."""
    return value if isinstance(value, list) else []


def texts(value: Json) -> tuple[str, ...]:
    """The texts of a list, without empty ones."""
    return tuple(filter(None, map(text, items(value))))


def amounts(value: Json) -> dict[str, float]:
    """The numbers of an object, by their names."""
    return {text(name): known for name, each in mapping(value).items() if (known := number(each)) is not None}
