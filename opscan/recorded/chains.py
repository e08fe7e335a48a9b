"""Recorded option chains of Deribit: whole-chain snapshots, and the single expiries that its web page exports.

Quotes are in coin. Errors name the file, the row (the first row of data is 1) and the cause.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, isnan, nan
from pathlib import Path

import numpy as np

from opportunities.errors import MarketDataError
from opportunities.market.option_chains import Contract, Quote, deribit_contract, parity_forward, positive
from opscan.recorded.tables import Table, read_lines, read_table

_SNAPSHOT = (
    *("timestamp", "instrument_name", "option_type", "strike"),
    *("bid_price", "ask_price", "mark_price", "futures_price", "implied_volatility"),
    *("open_interest", "index_price", "volume_usd"),
)
_EXPORT = ("Instrument", "Volume", "Open", "IV Bid", "Bid", "Mark", "Ask", "IV Ask")
_NOTHING = "-"
_LARGEST_PREMIUM = 0.02
_OTHER_SETTLEMENT = ("_USDC-", "_USDT-")


@dataclass(frozen=True)
class Chain:
    """Quotes and the epoch seconds of the newest of them, None where the file does not say."""

    quotes: tuple[Quote, ...]
    time: int | None


def read_snapshot(path: Path, until: int, excluded: Counter[str]) -> Chain:
    """The options of a whole-chain snapshot that were quoted before `until` and expire later; others are counted.

    A forward is the price of the expiry's own future where it was recorded, else NaN; open interest is at the index.
    """
    table = read_table(path, _SNAPSHOT)
    kept = np.flatnonzero(table.dates < until * 1000)
    excluded["quoted after the moment"] += len(table.dates) - len(kept)
    numbers = {name: table.numbers(name, kept) for name in _SNAPSHOT[3:]}
    quotes: dict[Contract, Quote] = {}
    for i, row in enumerate(kept.tolist()):
        name = table.columns["instrument_name"][row]
        if any(mark in name for mark in _OTHER_SETTLEMENT):
            excluded["option not quoted in coin"] += 1
            continue
        contract = _contract(table, row, name)
        if table.columns["option_type"][row] != ("call" if contract.call else "put"):
            table.refuse(row, f"{name} is called a {table.columns['option_type'][row]!r:.20}")
        if numbers["strike"][i] != contract.strike:
            table.refuse(row, f"{name} is given the strike {numbers['strike'][i]}")
        if contract in quotes:
            table.refuse(row, f"it repeats {name}")
        if contract.expiry <= table.dates[row] / 1000:
            excluded["expired"] += 1
            continue
        own = {key: _not_negative(table, row, key, float(values[i])) for key, values in numbers.items()}
        index = positive(own["index_price"])
        quotes[contract] = Quote(
            contract=contract,
            bid=positive(own["bid_price"]),
            ask=positive(own["ask_price"]),
            mark=positive(own["mark_price"]),
            forward=positive(own["futures_price"]),
            index=index,
            mark_iv=positive(own["implied_volatility"]),
            open_interest_usd=own["open_interest"] * index,
            volume_24h_usd=own["volume_usd"],
        )
    newest = int(table.dates[kept].max() // 1000) if len(kept) else None
    return Chain(tuple(quotes.values()), newest)


def read_export(path: Path, as_of: int, prices: Mapping[str, float], excluded: Counter[str]) -> Chain:
    """The options of an exported expiry, if it can be of this moment; else none, and it is counted.

    The file has no time. It counts if it has not expired and the forward that its own parity implies is within 2 % of
    the coin's price in `prices` (USD by coin). Volatilities are the middle of those of bid and ask, where both are
    quoted; volumes (premium) are at the mark, open interest at the coin's price.
    """
    header, lines = read_lines(path)
    missing = [name for name in _EXPORT if header.count(name) != 1] + ["Size"] * (header.count("Size") != 2)
    if missing:
        raise MarketDataError(f"{path}: it does not have {', '.join(missing)} as Deribit exports them.")
    bid_size = header.index("Size")
    places = {name: header.index(name) for name in _EXPORT}
    places |= {"Bid Size": bid_size, "Ask Size": header.index("Size", bid_size + 1)}
    columns = {
        name: ["" if line[place] == _NOTHING else line[place] for line in lines] for name, place in places.items()
    }
    table = Table(path, np.zeros(len(lines), np.int64), columns)
    rows = np.arange(len(lines))
    numbers = {name: table.numbers(name, rows) for name in columns if name != "Instrument"}
    quotes: dict[Contract, Quote] = {}
    for row in rows.tolist():
        contract = _contract(table, row, columns["Instrument"][row])
        if contract in quotes:
            table.refuse(row, f"it repeats {columns['Instrument'][row]}")
        own = {name: _not_negative(table, row, name, float(values[row])) for name, values in numbers.items()}
        price = prices.get(contract.coin, nan)
        quotes[contract] = Quote(
            contract=contract,
            bid=positive(own["Bid"]),
            ask=positive(own["Ask"]),
            mark=positive(own["Mark"]),
            forward=nan,
            index=price,
            bid_size=positive(own["Bid Size"]),
            ask_size=positive(own["Ask Size"]),
            mark_iv=(positive(own["IV Bid"]) + positive(own["IV Ask"])) / 200,
            open_interest_usd=(0.0 if isnan(own["Open"]) else own["Open"]) * price,
            volume_24h_usd=(0.0 if isnan(own["Volume"]) else own["Volume"]) * own["Mark"] * price,
        )
    reason = _foreign(list(quotes.values()), as_of)
    if reason:
        excluded[reason] += 1
    return Chain(() if reason else tuple(quotes.values()), None)


def _foreign(quotes: list[Quote], as_of: int) -> str | None:
    """Why an export is not of the moment, or None."""
    if len({(quote.contract.coin, quote.contract.expiry) for quote in quotes}) != 1:
        return "option export of no single expiry"
    if quotes[0].contract.expiry <= as_of:
        return "option export of an expiry that is past"
    premium = parity_forward(quotes) / quotes[0].index - 1
    if not isfinite(premium) or abs(premium) > _LARGEST_PREMIUM:
        return "option export whose forward does not fit the moment's price"
    return None


def _contract(table: Table, row: int, name: str) -> Contract:
    contract = deribit_contract(name)
    if contract is None:
        table.refuse(row, f"{name!r:.40} is not the name of an option, like BTC-26APR24-70000-C")
    return contract


def _not_negative(table: Table, row: int, name: str, value: float) -> float:
    if value < 0 or value == float("inf"):
        table.refuse(row, f"the {name} {value} is not a number from 0 on")
    return value
