"""A market with some of its exchanges only, for an investor who may not trade on the others."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot

_SECTIONS = ("spot", "perpetuals", "futures", "options")


def on_exchanges(market: MarketSnapshot, exchanges: tuple[str, ...]) -> MarketSnapshot:
    """The market as `exchanges` alone have it, the order of listings kept; a section that they lack says so.

    Unsuitable if the market has none of them.
    """
    had = {exchange for name in _SECTIONS if (section := getattr(market, name)) for exchange in section.exchanges}
    if not had & {*exchanges}:
        raise Unsuitable(f"the profile allows none of this market's exchanges: {', '.join(sorted(had))}")
    sections: dict[str, Any] = {}
    missing = dict(market.missing)
    for name in _SECTIONS:
        section = getattr(market, name)
        if section is None:
            continue
        rows = np.flatnonzero(np.isin(section.exchanges, exchanges))
        sections[name] = _kept(section, rows, len(section.symbols)) if len(rows) else None
        if not len(rows):
            missing[name] = f"none on the exchanges that the investor allows ({', '.join(exchanges)})"
    return replace(market, **sections, missing=missing)


def _kept(part: Any, rows: np.ndarray, listings: int) -> Any:  # noqa: ANN401 - any section, and what is in it
    """Those rows of every array. Candles and books may have fewer rows than listings, and then lack the last ones."""
    changes: dict[str, Any] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, np.ndarray) and field.name != "open_time":
            changes[field.name] = value[rows[rows < len(value)]]
        elif isinstance(value, tuple) and len(value) == listings:
            changes[field.name] = tuple(value[row] for row in rows.tolist())
        elif isinstance(value, Mapping):
            changes[field.name] = {key: _kept(each, rows, listings) for key, each in value.items()}
        elif is_dataclass(value):
            changes[field.name] = _kept(value, rows, listings)
    return replace(part, **changes)
