"""Minute candles of Deribit's perpetuals, recorded beside its option chains, one a row and hours apart.

They are too far apart for a series, so the newest one gives a price only: its close if it was closed at the moment,
else its open.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from opscan.recorded import deribit
from opscan.recorded.events import Key, ticker
from opscan.recorded.replay import MINUTE, QUOTES_LAST, Observed
from opscan.recorded.tables import read_table

_DATE = "snapshot_timestamp_ms"
_PRICES = ("candle_open", "candle_close")
_QUOTES = {"perp_futures_best_bid": "bid", "perp_futures_best_ask": "ask"}
COLUMNS = (_DATE, "instrument_name", "candle_close_time_ms", *_PRICES, *_QUOTES)


def read_minutes(paths: Iterable[Path], as_of: int, excluded: Counter[str]) -> list[Observed]:
    """The last price of each contract with a candle that began in the last 15 minutes or in the minute that begins at
    the moment; the others are counted. Raises MarketDataError with file, row and cause for what is no such table.
    """
    found: dict[Key, Observed] = {}
    for path in paths:
        table = read_table(path, COLUMNS)
        times = table.dates / 1000
        current = (times >= as_of - QUOTES_LAST) & (times < as_of + MINUTE)
        excluded["minute candle of another time"] += int((~current).sum())
        rows = np.flatnonzero(current)
        columns = {name: table.numbers(name, rows) for name in COLUMNS[2:]}
        for i, row in enumerate(rows.tolist()):
            name = table.columns["instrument_name"][row]
            key = deribit.named(str(name))
            if key is None or key.section != "perpetuals":
                table.refuse(row, f"{name!r:.40} is not the name of a perpetual, like BTC-PERPETUAL")
            closed = columns["candle_close_time_ms"][i] <= as_of * 1000
            price = float(columns["candle_close" if closed else "candle_open"][i])
            if not price > 0:
                excluded["minute candle without a price"] += 1
                continue
            quotes = {short: float(columns[long][i]) for long, short in _QUOTES.items()}
            known = ticker(key, {"last": price, **quotes})
            excluded["minute candle with a newer one"] += key in found
            if key not in found or times[row] >= found[key].quoted:
                found[key] = Observed(deribit.assumed(key), None, known.values, float(times[row]))
    return list(found.values())
