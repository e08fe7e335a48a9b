"""Fair and planted markets for the tests of futures, options and multi-leg arbitrage, and ways to change them."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from opportunities.domain import Findings, Investor
from opportunities.market.planted import Planted
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import Candles, MarketSnapshot, Spot

AT = 1_712_589_634
SEEDS = range(5)

type Find = Callable[[MarketSnapshot, Investor], Findings]


@cache
def fair(seed: int) -> MarketSnapshot:
    return simulated(seed, AT + 3 * 86_400 * seed, fair=True)


@cache
def planted(module: ModuleType, seed: int) -> tuple[MarketSnapshot, Planted]:
    market, what = module.plant(fair(seed), seed, 1.0)
    return market, what


def permuted(market: MarketSnapshot, section: str, order: list[int]) -> MarketSnapshot:
    """The market with the rows of a section without candles in another order, or only some of them."""
    return replace(market, **{section: rows(getattr(market, section), order)})


def rows(section: Any, order: list[int]) -> Any:
    """Every column of a section, and of its rules and books, in another order."""
    changed = {}
    for field in fields(section):
        value = getattr(section, field.name)
        if isinstance(value, np.ndarray) and len(value) == len(section.symbols):
            changed[field.name] = value[order]
        elif isinstance(value, tuple):
            changed[field.name] = tuple(value[row] for row in order)
        elif field.name in {"rules", "books"} and value is not None:
            changed[field.name] = type(value)(*(getattr(value, each.name)[order] for each in fields(value)))
    return replace(section, **changed)


def cut(candles: dict[str, Candles], captured_at: int) -> dict[str, Candles]:
    """The bars that were closed at a moment."""
    shorter = {}
    for name, each in candles.items():
        kept = int((each.open_time + each.seconds <= captured_at).sum())
        columns = {column: getattr(each, column)[:, :kept] for column in ("open", "high", "low", "close", "volume")}
        shorter[name] = replace(each, open_time=each.open_time[:kept], **columns)
    return shorter


def in_pieces(market: MarketSnapshot, factor: float) -> MarketSnapshot:
    """The market with all coins cut into pieces of 1/factor: dollar prices times factor, quantities over it."""

    def price(section: Any, names: tuple[str, ...], dollars: Any = 1.0) -> dict[str, Any]:
        return {name: getattr(section, name) * (factor**dollars) for name in names}

    def bars(section: Any, dollars: Any) -> dict[str, Candles]:
        return {
            name: replace(each, **price(each, ("open", "high", "low", "close"), dollars[: len(each.close), None]))
            for name, each in section.candles.items()
        }

    def pieces(section: Any, dollars: Any, **changes: Any) -> Any:
        sides, sizes = ("bid_price", "ask_price"), ("bid_size", "ask_size")
        if section.books is not None:
            books = {name: getattr(section.books, name) / factor for name in sizes}
            changes["books"] = replace(section.books, **price(section.books, sides, dollars[:, None]), **books)
        return replace(section, candles=bars(section, dollars), **changes)

    spot, perpetuals, futures, options = market.spot, market.perpetuals, market.futures, market.options
    assert spot is not None
    assert perpetuals is not None
    assert futures is not None
    assert options is not None
    dollars = np.array([1.0 if symbol.endswith("USDT") else 0.0 for symbol in spot.symbols])
    ones = np.ones(len(perpetuals.symbols))
    sizes = {name: getattr(options, name) / factor for name in ("bid_size", "ask_size")}
    return replace(
        market,
        spot=pieces(spot, dollars, rules=None, **price(spot, ("bid", "ask", "last"), dollars)),
        perpetuals=pieces(perpetuals, ones, rules=None, **price(perpetuals, ("bid", "ask", "mark", "index"))),
        futures=replace(futures, rules=None, **price(futures, ("bid", "ask", "mark", "index"))),
        options=replace(options, rules=None, **price(options, ("strike", "forward", "index")), **sizes),
    )


def without_rules(market: MarketSnapshot) -> MarketSnapshot:
    sections = ("spot", "perpetuals", "futures", "options")
    return replace(market, **{name: replace(getattr(market, name), rules=None) for name in sections})


def without(spot: Spot, *symbols: str) -> Spot:
    """A spot section whose rows without candles lack these symbols."""
    return rows(spot, [row for row, symbol in enumerate(spot.symbols) if symbol not in symbols])


def sound(findings: Findings, most_bytes: int = 1900) -> None:
    """What every opportunity has to be."""
    for found in findings.opportunities:
        assert len(json.dumps(asdict(found), allow_nan=False)) <= most_bytes
        assert 0 <= found.confidence_score <= 1
        assert found.profit_potential_usd is not None
        assert found.profit_potential_usd > 0
        assert found.required_capital_usd > 0
        assert found.evidence.n > 0
