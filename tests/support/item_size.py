"""Bytes of an item as DynamoDB counts them: they decide what reading and writing it costs.

Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats", which gives numbers only approximately. Here they
are exact as DynamoDB Local counts them; `tests/contract/test_item_size.py` compares the two.
"""

from decimal import Decimal
from typing import Any

from opportunities.aws.dynamodb import Item


def size(item: Item) -> int:
    """Bytes of an item: of its attributes' names and of their values."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(value: dict[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number(Decimal(content))
        case "B":
            return len(content)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value(one) for one in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value(one) for name, one in content.items())
    raise TypeError(f"no item of this service holds a {kind}: say here how many bytes it has")


def _number(number: Decimal) -> int:
    """A byte of its own, one for a minus, and one for two digits, which are paired off from the decimal point."""
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # neither infinite nor NaN
    significant = "".join(map(str, digits)).lstrip("0")
    exponent += len(significant) - len(significant.rstrip("0"))
    significant = significant.rstrip("0")
    if not significant:
        return 1
    return 1 + sign + (len(significant) + exponent % 2 + 1) // 2
