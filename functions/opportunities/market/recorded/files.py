"""The recorded market: a snapshot as of a moment, out of directories of candles, funding, order books and options."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from opportunities.domain import Fees
from opportunities.errors import MarketDataError
from opportunities.market.recorded.catalogue import catalogue
from opportunities.market.recorded.moments import books_of, options_of
from opportunities.market.recorded.sections import (
    Moment,
    contracts,
    fresh,
    perpetual_assumptions,
    perpetuals_section,
    spot_section,
)
from opportunities.market.snapshot import MarketSnapshot, Perpetuals, Spot
from opportunities.market.timeframes import HOUR

BASE_TIER = Fees(spot_taker=0.001, perpetual_taker=0.0005)
"""Binance's taker fees at the base tier, without discounts."""

OPTIONS_EXCHANGE = "deribit"
_OPTIONS_TIER = Fees(
    spot_taker=0.0005, perpetual_taker=0.0005, perpetual_maker=0.0, option_taker=0.0003, option_cap=0.125
)


def from_directory(
    directories: Sequence[Path],
    as_of: int,
    *,
    exchange: str = "binance",
    fees: Fees = BASE_TIER,
    spread_bps: float = 5.0,
) -> MarketSnapshot:
    """The market as of a moment (epoch seconds), as recorded in `directories` and below them: options on Deribit, all
    else on one exchange.

    Only what was known then is in it: bars closed and funding paid at `as_of`, order books of the last 15 minutes and
    option chains of the last day, those stamped within the moment's own minute included; later rows change nothing.
    Exported options carry no time: they count where their forward fits the moment's price. Candles have no bid and
    ask: where there is no book, `spread_bps`, the whole spread, makes them of the last close. Every such assumption
    is in the snapshot's `assumptions`, and everything left out is counted in `excluded`. The next funding rate is
    taken to be the last one paid, the index to be the spot market's last close; open interest is unknown (NaN).

    Raises MarketDataError with file, row and cause for data that is not what it should be, and where no market is
    left.
    """
    files = catalogue(directories)
    excluded = files.excluded
    moment = Moment(as_of, exchange, spread_bps / 2e4)
    spot_series = fresh(files.spot, as_of, excluded)
    listed = contracts(fresh(files.perpetuals, as_of, excluded), as_of, excluded)
    books = books_of(files.books, as_of, excluded)
    contracts_books = {each.symbol: books.pop(each.symbol) for each in listed if each.symbol in books}
    spot_books = {symbol: book for symbol, book in books.items() if ":" not in symbol}
    excluded["order book of a contract without candles and funding"] += len(books) - len(spot_books)
    spot = spot_section(spot_series, spot_books, moment) if spot_series or spot_books else None
    perpetuals = perpetuals_section(listed, contracts_books, spot, moment) if listed else None
    recorded = options_of(files, as_of, _prices(spot, perpetuals), excluded)
    if not (spot or perpetuals or recorded):
        raise MarketDataError(
            f"No recorded market is usable as of {datetime.fromtimestamp(as_of, UTC)}: {_counts(excluded)}."
        )
    freshness, missing = {}, {"futures": "The recordings have no quotes of dated futures."}
    if spot:
        last_bar = int(spot_series[0][1].open_time[-1]) + HOUR if spot_series else 0
        freshness["spot"] = max([last_bar, *(_stamp(book.time, as_of) for book in spot_books.values())])
    else:
        missing["spot"] = "The recordings have no spot market that is fresh at this moment."
    if perpetuals:
        freshness["perpetuals"] = int(listed[0].bars.open_time[-1]) + HOUR
    else:
        missing["perpetuals"] = "The recordings have no perpetual that is fresh at this moment."
    if recorded:
        freshness["options"] = _stamp(recorded.time, as_of)
    else:
        missing["options"] = "The recordings have no options of this moment."
    walked = [*spot_books.values(), *contracts_books.values()]
    if walked:
        freshness["books"] = min(_stamp(book.time, as_of) for book in walked)
    else:
        missing["books"] = "The recordings have no order books of this moment."
    known_fees = {exchange: fees} if spot or perpetuals else {}
    return MarketSnapshot(
        captured_at=as_of,
        source="files",
        fees=known_fees | ({OPTIONS_EXCHANGE: _OPTIONS_TIER} if recorded else {}),
        spot=spot,
        perpetuals=perpetuals,
        options=recorded.section if recorded else None,
        freshness=freshness,
        missing=missing,
        excluded={reason: count for reason, count in sorted(excluded.items()) if count},
        assumptions={
            "fees": f"taker, {fees.spot_taker * 1e4:g} bps spot and {fees.perpetual_taker * 1e4:g} bps perpetuals"
            + (", 3 bps of the underlying and at most 12.5 % of the premium for options" if recorded else "")
            + ", assumed",
            "quotes": f"last close -/+ {spread_bps / 2:g} bps, assumed: candles have no bid and ask"
            + ("; where there is an order book, its own" if walked else ""),
            "24h volumes": "close x volume, summed over the last 24 hourly bars",
        }
        | (perpetual_assumptions(listed, spot) if listed else {})
        | (
            {"books": "at most 15 minutes old; one without a time has that of the others recorded with it"}
            if walked
            else {}
        )
        | (recorded.assumptions if recorded else {}),
    )


def _prices(spot: Spot | None, perpetuals: Perpetuals | None) -> dict[str, float]:
    """What a coin cost at the moment, in USD: on the spot market, or else by its perpetual's mark."""
    marks = zip(perpetuals.symbols, perpetuals.mark.tolist(), strict=True) if perpetuals else ()
    lasts = zip(spot.symbols, spot.last.tolist(), strict=True) if spot else ()
    return {symbol.partition("/")[0]: price for symbol, price in (*marks, *lasts)}


def _stamp(time: float | None, as_of: int) -> int:
    """An observation of the moment's own minute counts as made at the moment."""
    return as_of if time is None else min(int(time), as_of)


def _counts(excluded: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(excluded.items()) if count)
