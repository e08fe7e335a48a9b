"""Whole markets changed at once, for what must hold of every strategy: other units, other rows, other pasts."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opportunities.domain import Investor
from opportunities.market.archive.columns import FLOATS
from opportunities.market.snapshot import Books, Candles, MarketSnapshot, Rules

SECTIONS = tuple(FLOATS)
_USD = {"volume_24h_usd", "open_interest_usd"}
_PRICES = {"bid", "ask", "last", "mark", "index", "open", "high", "low", "close", "bid_price", "ask_price"}
_QUANTITIES = {"volume", "bid_size", "ask_size"}

type Chooser = Callable[[str, str, NDArray[Any]], NDArray[Any]]


def in_cents(market: MarketSnapshot, factor: float) -> MarketSnapshot:
    """The same market in a dollar worth 1/factor: all that is in USD is multiplied, all that is in coins stays."""

    def section(name: str, part: Any) -> Any:
        in_usd = np.array([symbol.partition("/")[2].startswith("USD") for symbol in part.symbols])
        prices = _PRICES
        if name == "options":  # premiums are in coin where they are inverse
            in_usd, prices = in_usd & (part.inverse == 0), {"bid", "ask", "mark"}
        changed = _multiplied(part, prices, np.where(in_usd, factor, 1.0))
        changed = _multiplied(changed, _USD | ({"strike", "forward", "index"} if name == "options" else set()), factor)
        if part.rules is None:
            return changed
        inverse = getattr(part, "inverse", np.zeros(len(in_usd))) == 1
        sized_in_usd = inverse & (name != "options")
        rules = replace(
            part.rules,
            contract_size=part.rules.contract_size * np.where(sized_in_usd, factor, 1.0),
            tick=part.rules.tick * np.where(in_usd, factor, 1.0),
            minimum_notional_usd=part.rules.minimum_notional_usd * factor,
        )
        return replace(changed, rules=rules)

    return replace(market, **{name: section(name, getattr(market, name)) for name in SECTIONS})


def in_bulk(market: MarketSnapshot, factor: float) -> MarketSnapshot:
    """The same prices in a market where everything comes in quantities multiplied by `factor`."""

    def section(part: Any) -> Any:
        changed = _multiplied(part, _USD | _QUANTITIES, factor)
        rules = part.rules and replace(
            part.rules, lot=part.rules.lot * factor, minimum_notional_usd=part.rules.minimum_notional_usd * factor
        )
        return replace(changed, rules=rules)

    return replace(market, **{name: section(getattr(market, name)) for name in SECTIONS})


def without_asset(market: MarketSnapshot, base: str) -> MarketSnapshot:
    """The market without anything of one coin, or quoted in it."""

    def section(part: Any) -> Any:
        kept = np.array([base not in symbol.partition(":")[0].split("/") for symbol in part.symbols])
        return _rows(part, kept)

    return replace(market, **{name: section(getattr(market, name)) for name in SECTIONS})


def richer(investor: Investor, capital: float, holdings: float = 1.0) -> Investor:
    """The investor with capital and holdings multiplied."""
    held = {asset: quantity * holdings for asset, quantity in investor.holdings.items()}
    return replace(investor, capital_usd=investor.capital_usd * capital, holdings=held)


def _multiplied(part: Any, names: set[str], factor: Any) -> Any:
    """The section, its candles and its books with the columns of these names multiplied, row by row."""
    changes: dict[str, Any] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Books):
            changes[field.name] = _multiplied(value, names, factor)
        elif isinstance(value, dict):
            changes[field.name] = {key: _multiplied(each, names, factor) for key, each in value.items()}
        elif field.name in names and isinstance(value, np.ndarray):
            rows = np.broadcast_to(factor, (len(value) if np.ndim(factor) == 0 else len(factor),))[: len(value)]
            changes[field.name] = value * rows.reshape(-1, *(1,) * (value.ndim - 1))
    return replace(part, **changes)


def _rows(part: Any, kept: NDArray[np.bool_]) -> Any:
    """The section with only these rows, in candles and books too, which may have fewer."""
    changes: dict[str, Any] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, np.ndarray) and field.name != "open_time":
            changes[field.name] = value[kept[: len(value)]]
        elif isinstance(value, tuple):
            changes[field.name] = tuple(each for each, keep in zip(value, kept, strict=True) if keep)
        elif isinstance(value, dict):
            changes[field.name] = {key: _rows(each, kept) for key, each in value.items()}
        elif is_dataclass(value) and isinstance(value, Books | Rules | Candles):
            changes[field.name] = _rows(value, kept)
    return replace(part, **changes)
