"""Types of request fields: lists that may also come as comma-separated text, and texts of a stated form.

Each says the same to pydantic, which checks, and to JSON Schema, which documents.
"""

import re
from collections.abc import Callable
from typing import Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

MOST_ITEMS = 100
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def like(pattern: str, example: str) -> tuple[AfterValidator, WithJsonSchema]:
    """A text of this form, whose refusal shows an example instead of a regular expression."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"should look like {example}")
        return value

    return AfterValidator(check), WithJsonSchema(
        {"type": "string", "pattern": f"^(?:{pattern})$", "examples": example.replace(" or ", ", ").split(", ")}
    )


def moment() -> BeforeValidator:
    """For a date with its time and zone: as JSON Schema's `date-time` has it, and nothing else that pydantic knows."""

    def check(value: object) -> object:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            raise ValueError("should look like 2026-11-21T20:00:00Z")
        return value

    return BeforeValidator(check)


def choices(names: tuple[str, ...], what: str, *, least: int = 0) -> tuple[Any, ...]:
    """A list of at least `least` of `names`, in any case, sorted and each once; also comma-separated text.

    Order and repetition mean nothing. `what` one of them is, is said to whoever reads the schema.
    """
    item = {"type": "string", "enum": [*map(str, names)]}
    return _listing(item, "|".join(names), what, _lower, _known(names, what), least=least)


def texts(pattern: str, what: str, *, upper: bool = False) -> tuple[Any, ...]:
    """Like `choices`, but of texts of this form, made lower or upper case."""
    anyhow = re.sub("A-Z|a-z", "A-Za-z", pattern)
    item = {"type": "string", "pattern": f"^ *(?:{anyhow}) *$"}
    return _listing(item, anyhow, what, _upper if upper else _lower)


def _listing(
    item: dict[str, Any],
    pattern: str,
    what: str,
    cased: Callable[[object], object],
    *checks: AfterValidator,
    least: int = 0,
) -> tuple[Any, ...]:
    text = f"^ *(?:{pattern})?(?: *, *(?:{pattern})?){{0,{MOST_ITEMS - 1}}} *$"
    array = {"type": "array", "items": item, **({"minItems": least} if least else {}), "maxItems": MOST_ITEMS}
    schema = {
        "description": f"{what}; at most {MOST_ITEMS}, as a list or separated by commas.",
        "anyOf": [array, {"type": "string", "pattern": text}],
    }
    return (
        BeforeValidator(cased),
        BeforeValidator(_split),
        Field(min_length=least, max_length=MOST_ITEMS),  # counted before those that repeat each other become one
        *checks,
        AfterValidator(_once),
        WithJsonSchema(schema),
    )


def _known(names: tuple[str, ...], what: str) -> AfterValidator:
    def check(values: list[str]) -> list[str]:
        unknown = [value for value in values if value not in names]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no such {what.lower()}; there are {', '.join(names)}")
        return values

    return AfterValidator(check)


def _split(value: object) -> object:
    if isinstance(value, str):
        return [item for one in value.split(",") if (item := one.strip())]
    return [item.strip() if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


def _lower(value: object) -> object:
    return [item.lower() if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


def _upper(value: object) -> object:
    return [item.upper() if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


def _once[T: str](values: list[T]) -> list[T]:
    return sorted(set(values))
