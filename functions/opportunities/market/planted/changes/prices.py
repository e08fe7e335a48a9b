"""A market in which one coin has had other prices, everywhere it trades."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from opportunities.market.snapshot import Books, Candles, MarketSnapshot, Perpetuals, Spot
from opportunities.maths.arrays import Floats, Ints

HOUR = 3_600


def rows_of(symbols: tuple[str, ...], base: str) -> list[int]:
    """The listings of a base."""
    return [row for row, symbol in enumerate(symbols) if symbol.partition("/")[0] == base]


def middle(section: Spot | Perpetuals, row: int) -> float:
    return float(section.bid[row] + section.ask[row]) / 2


def repriced(market: MarketSnapshot, base: str, close: Floats, now: float) -> MarketSnapshot:
    """The market in which the coin's last hourly closes were these, shape (bars,), and its spot middle is `now`.

    The 1h candles tell the old closes; all candles, quotes and books of the coin, of spot markets and perpetuals, are
    multiplied by new over old, earlier bars by the first of these ratios. Volume and depth in USD, spreads and premiums
    stay what they are.
    """
    spot, contracts = market.spot, market.perpetuals
    if spot is None or contracts is None:
        raise ValueError("spot and perpetuals are needed")
    hourly, rows = spot.candles["1h"], rows_of(spot.symbols, base)
    ratio = close / hourly.close[rows[0], -len(close) :]
    at = hourly.open_time[-len(close) :] + HOUR
    factor = now / middle(spot, rows[0])
    contract_rows = rows_of(contracts.symbols, base)
    return replace(
        market,
        spot=replace(
            spot,
            candles=_candles(spot.candles, rows, at, ratio),
            books=_books(spot.books, rows, factor),
            bid=scaled(spot.bid, rows, factor),
            ask=scaled(spot.ask, rows, factor),
            last=scaled(spot.last, rows, factor),
        ),
        perpetuals=replace(
            contracts,
            candles=_candles(contracts.candles, contract_rows, at, ratio),
            books=_books(contracts.books, contract_rows, factor),
            bid=scaled(contracts.bid, contract_rows, factor),
            ask=scaled(contracts.ask, contract_rows, factor),
            mark=scaled(contracts.mark, contract_rows, factor),
            index=scaled(contracts.index, contract_rows, factor),
        ),
    )


def scaled(array: Floats, rows: list[int], factor: float | Floats) -> Floats:
    """A copy with some of its rows multiplied; those that the array doesn't have are left out."""
    copy = array.copy()
    copy[[row for row in rows if row < len(array)]] *= factor
    return copy


def _candles(candles: Mapping[str, Candles], rows: list[int], at: Ints, ratio: Floats) -> dict[str, Candles]:
    changed = {}
    for name, bars in candles.items():
        # Bars begin and end on the hour: np.interp gives the ratios themselves, and nothing computed between two.
        opened = np.interp(bars.open_time, at, ratio)
        closed = np.interp(bars.open_time + bars.seconds, at, ratio)
        changed[name] = replace(
            bars,
            open=scaled(bars.open, rows, opened),
            high=scaled(bars.high, rows, np.maximum(opened, closed)),
            low=scaled(bars.low, rows, np.minimum(opened, closed)),
            close=scaled(bars.close, rows, closed),
            volume=scaled(bars.volume, rows, 1 / closed),
        )
    return changed


def _books(books: Books | None, rows: list[int], factor: float) -> Books | None:
    return books and Books(
        scaled(books.bid_price, rows, factor),
        scaled(books.bid_size, rows, 1 / factor),
        scaled(books.ask_price, rows, factor),
        scaled(books.ask_size, rows, 1 / factor),
    )
