"""A lively market with one known opportunity of each kind planted, to show every strategy at work."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from opportunities.market.planted import Planted
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot

type Plant = Callable[[MarketSnapshot, int, float], tuple[MarketSnapshot, Planted]]
type Array = NDArray[np.generic]

_HERE = Path(__file__)
_SIZE = 1.0
_TRIES = 5
_SECTIONS = ("spot", "perpetuals", "futures", "options")


@cache
def kinds() -> tuple[str, ...]:
    """The kinds of opportunities that can be planted, sorted: one per module, named like its strategy."""
    return tuple(sorted(path.stem for path in _HERE.parent.glob("*.py") if path.stem not in {"__init__", _HERE.stem}))


def plant_of(kind: str) -> Plant:
    """The function that plants an opportunity of this kind."""
    plant: Plant = import_module(f"{__package__}.{kind}").plant
    return plant


def planted_market(seed: int, captured_at: int) -> MarketSnapshot:
    """The simulated market at `captured_at` (epoch seconds) with one opportunity of each kind planted into it; the
    same for the same arguments. `assumptions["planted"]` says so, for everyone who judges it.

    An opportunity goes where none was planted before, as far as its kind has the choice: of several places that its
    module proposes, into the one that changes the fewest coins already used.
    """
    market = simulated(seed, captured_at)
    used = _held(market)
    for number, kind in enumerate(kinds()):
        market, coins = _placed(market, kind, [seed, number], used)
        used |= coins
    said = f"one opportunity of each of these kinds was planted on purpose: {', '.join(kinds())}"
    return replace(market, assumptions={**market.assumptions, "planted": said})


def _held(market: MarketSnapshot) -> set[str]:
    """The coins that some kind's investor holds, whatever its seed: others have the choice to go elsewhere."""
    modules = (import_module(f"{__package__}.{kind}") for kind in kinds())
    return {coin for module in modules if hasattr(module, "investor") for coin in module.investor(market).holdings}


def _placed(market: MarketSnapshot, kind: str, seeds: list[int], used: set[str]) -> tuple[MarketSnapshot, set[str]]:
    """The market with one of this kind in it, and the coins that differ."""
    places: list[tuple[MarketSnapshot, set[str]]] = []
    for seed in np.random.default_rng(seeds).integers(2**31, size=_TRIES):
        changed, planted = plant_of(kind)(market, int(seed), _SIZE)
        coins = _changed(market, changed) | {planted.symbol.partition("/")[0]}
        places.append((changed, coins))
        if not coins & used:
            break
    return min(places, key=lambda place: len(place[1] & used))


def _changed(before: MarketSnapshot, after: MarketSnapshot) -> set[str]:
    """The coins of which any number differs, to the bit, in arrays that have the same shape in both."""
    coins: set[str] = set()
    for section in _SECTIONS:
        old, new = getattr(before, section), getattr(after, section)
        if old is None or new is None:
            continue
        earlier = dict(_arrays(old))
        for name, array in _arrays(new):
            was = earlier.get(name)
            if was is array or was is None or was.shape != array.shape or name.endswith("open_time"):
                continue
            differs = was.view(np.uint64) != array.view(np.uint64)
            rows = np.flatnonzero(differs.any(axis=tuple(range(1, array.ndim))))
            coins |= {old.symbols[row].partition("/")[0] for row in rows}
    return coins


def _arrays(value: object, name: str = "") -> Iterator[tuple[str, Array]]:
    """Every array in a section, under the names of the fields that lead to it."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _arrays(item, f"{name}.{key}")
    elif is_dataclass(value):
        for field in fields(value):
            yield from _arrays(getattr(value, field.name), f"{name}.{field.name}")
