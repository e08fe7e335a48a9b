"""Known opportunities planted into a fair market, one module a strategy, to measure what its strategy finds of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Planted:
    """What was planted: the `symbol` of its opportunity, and the net profit that a perfectly informed trader states.

    `profit_usd` is for the investor that the planted module names; None where the kind has no such number.
    """

    symbol: str
    profit_usd: float | None
