"""What a snapshot holds of dated futures and option chains, as parts of a JSON document and as tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from rich import box
from rich.table import Table

from opportunities.domain import Json
from opportunities.market.snapshot import Futures, Options
from opportunities.maths.arrays import Floats

_DAY = 86_400


@dataclass(frozen=True)
class _Chain:
    """The options of one underlying on one exchange that expire together; `at_the_money` is a volatility."""

    underlying: str
    exchange: str
    expiry: int
    days: float
    forward: float | None
    options: int
    strikes: int
    at_the_money: float | None
    quoted_on_both_sides: int


def summary_of_futures(futures: Futures, captured_at: int) -> list[Json]:
    """One object a contract; the basis is mark over index, less 1, and simple per year."""
    basis, yearly = _basis(futures, captured_at)
    return [
        {
            "symbol": symbol,
            "exchange": futures.exchanges[i],
            "expiry": iso(futures.expiry[i]),
            "inverse": bool(futures.inverse[i]),
            "mark": _number(futures.mark[i]),
            "index": _number(futures.index[i]),
            "basis": _number(basis[i]),
            "basis_per_year": _number(yearly[i]),
        }
        for i, symbol in enumerate(futures.symbols)
    ]


def futures_table(futures: Futures, captured_at: int) -> Table:
    """The same for a reader."""
    table = table_of("future", "exchange", "mark", "basis bps", "a year", "expires in")
    basis, yearly = _basis(futures, captured_at)
    for i, symbol in enumerate(futures.symbols):
        table.add_row(
            symbol,
            futures.exchanges[i],
            f"{futures.mark[i]:.6g}",
            *((f"{basis[i] * 1e4:+.1f}", f"{yearly[i]:+.1%}") if np.isfinite(basis[i]) else ("", "")),
            f"{(futures.expiry[i] - captured_at) / _DAY:.1f} d",
        )
    return table


def summary_of_options(options: Options, captured_at: int) -> list[Json]:
    """One object a chain: the options of one underlying that expire together."""
    return [
        {
            "underlying": chain.underlying,
            "exchange": chain.exchange,
            "expiry": iso(chain.expiry),
            "forward": chain.forward,
            "options": chain.options,
            "strikes": chain.strikes,
            "at_the_money_volatility": chain.at_the_money,
            "quoted_on_both_sides": chain.quoted_on_both_sides,
        }
        for chain in _chains(options, captured_at)
    ]


def options_table(options: Options, captured_at: int) -> Table:
    """The same for a reader."""
    table = table_of("options on", "exchange", "expires in", "forward", "options", "strikes", "volatility", "quoted")
    for chain in _chains(options, captured_at):
        table.add_row(
            chain.underlying,
            chain.exchange,
            f"{chain.days:.1f} d",
            "" if chain.forward is None else f"{chain.forward:.6g}",
            str(chain.options),
            str(chain.strikes),
            "" if chain.at_the_money is None else f"{chain.at_the_money:.1%}",
            f"{chain.quoted_on_both_sides} of {chain.options}",
        )
    return table


def table_of(first: str, *others: str) -> Table:
    """An empty table with these columns, numbers to the right."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(first, no_wrap=True)
    for title in others:
        table.add_column(title, justify="right")
    return table


def iso(time: float) -> str:
    """Epoch seconds as ISO 8601."""
    return datetime.fromtimestamp(int(time), UTC).isoformat().replace("+00:00", "Z")


def minute(time: float) -> str:
    """Epoch seconds for a reader, to the minute."""
    return f"{datetime.fromtimestamp(int(time), UTC):%Y-%m-%d %H:%M}"


def _basis(futures: Futures, captured_at: int) -> tuple[Floats, Floats]:
    basis = futures.mark / futures.index - 1
    return basis, basis * 365 * _DAY / np.maximum(futures.expiry - captured_at, _DAY)


def _chains(options: Options, captured_at: int) -> Iterator[_Chain]:
    """Every chain, by underlying, exchange and expiry; the volatility is that of the strike nearest to the forward."""
    keys = [
        (symbol.partition("-")[0], exchange, int(expiry))
        for symbol, exchange, expiry in zip(options.symbols, options.exchanges, options.expiry, strict=True)
    ]
    both = np.isfinite(options.bid) & np.isfinite(options.ask)
    for key in sorted(set(keys)):
        rows = np.array([i for i, each in enumerate(keys) if each == key])
        known = rows[np.isfinite(options.forward[rows]) & np.isfinite(options.mark_iv[rows])]
        nearest = known[np.abs(options.strike[known] - options.forward[known]).argmin()] if len(known) else None
        yield _Chain(
            *key,
            days=(key[2] - captured_at) / _DAY,
            forward=None if nearest is None else float(options.forward[nearest]),
            options=len(rows),
            strikes=len(np.unique(options.strike[rows])),
            at_the_money=None if nearest is None else float(options.mark_iv[nearest]),
            quoted_on_both_sides=int(both[rows].sum()),
        )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
