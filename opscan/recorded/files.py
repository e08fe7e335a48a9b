"""The recorded market: a snapshot as of a moment, made of directories of candles, funding, books and options."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from statistics import median

from opportunities.domain import Fees
from opportunities.errors import MarketDataError
from opportunities.market.snapshot import MarketSnapshot, Options, Perpetuals, Spot
from opportunities.market.timeframes import HOUR
from opscan.recorded import deribit, hyperliquid
from opscan.recorded.catalogue import catalogue
from opscan.recorded.contracts import Contract, assumptions, contracts, futures_section, perpetuals_section
from opscan.recorded.events import Key
from opscan.recorded.minutes import read_minutes
from opscan.recorded.moments import books_of, merged, options_of
from opscan.recorded.replay import replay
from opscan.recorded.sections import Markets, Moment, fresh, spot_section

BASE_TIER = Fees(spot_taker=0.001, perpetual_taker=0.0005)
"""Binance's taker fees at the base tier, without discounts."""

_TIERS = {
    deribit.EXCHANGE: Fees(
        spot_taker=0.0005, perpetual_taker=0.0005, perpetual_maker=0.0, option_taker=0.0003, option_cap=0.125
    ),
    hyperliquid.EXCHANGE: Fees(spot_taker=0.0007, perpetual_taker=0.00045, spot_maker=0.0004, perpetual_maker=0.00015),
}
_MISSING = {
    "spot": "The recordings have no spot market that is fresh at this moment.",
    "perpetuals": "The recordings have no perpetual that is fresh at this moment.",
    "futures": "The recordings have no quotes of dated futures of this moment.",
    "options": "The recordings have no options of this moment.",
    "books": "The recordings have no order books of this moment.",
}


def from_directory(
    directories: Sequence[Path],
    as_of: int,
    *,
    exchange: str = "binance",
    fees: Fees = BASE_TIER,
    spread_bps: float = 5.0,
) -> MarketSnapshot:
    """The market as of a moment (epoch seconds), as recorded in `directories` and below them: option chains on
    Deribit, messages on the exchange that sent them, all else on one exchange.

    Only what was known then is in it: bars closed and funding paid at `as_of`, order books and quotes of the last 15
    minutes and option chains of the last day, those stamped within the moment's own minute included; later rows change
    nothing. Exported options carry no time: they count where their forward fits the moment's price. Candles have no
    bid and ask: where none were recorded, `spread_bps`, the whole spread, makes them of the last close. Every such
    assumption is in the snapshot's `assumptions`, and everything left out is counted in `excluded`.

    Raises MarketDataError with file, row and cause for data that is not what it should be, and where no market is
    left.
    """
    files = catalogue(directories)
    excluded = files.excluded
    moment = Moment(as_of, exchange, spread_bps / 2e4)
    spot_series = fresh(files.spot, as_of, excluded)
    listed = contracts(fresh(files.perpetuals, as_of, excluded), exchange, as_of, excluded)
    observed = merged(
        chain(
            books_of(files.books, as_of, exchange, excluded),
            read_minutes(files.minutes, as_of, excluded),
            replay(files.recordings, as_of, excluded),
        ),
        as_of,
        excluded,
    )
    markets: dict[str, Markets] = {
        section: {key: each for key, each in observed.items() if key.section == section}
        for section in ("spot", "perpetuals", "futures", "options")
    }
    spot = spot_section(spot_series, markets["spot"], moment) if spot_series or markets["spot"] else None
    heard = options_of(files, as_of, markets["options"].values(), _prices(spot, listed), excluded)
    prices = _prices(spot, {}, heard.section if heard else None)
    known = listed or markets["perpetuals"]
    perpetuals = perpetuals_section(listed, markets["perpetuals"], prices, moment) if known else None
    underlying = _marks(perpetuals) | prices
    futures = futures_section(markets["futures"], underlying, moment) if markets["futures"] else None
    if not (spot or perpetuals or futures or heard):
        raise MarketDataError(
            f"No recorded market is usable as of {datetime.fromtimestamp(as_of, UTC)}: {_counts(excluded)}."
        )
    times = {name: [_stamp(each.time, as_of) for each in found.values()] for name, found in markets.items()}
    times["spot"] += [int(bars.open_time[-1]) + HOUR for _, bars in spot_series[:1]]
    times["perpetuals"] += [int(each.bars.open_time[-1]) + HOUR for each in list(listed.values())[:1]]
    times["options"] = [_stamp(heard.time, as_of)] if heard else []
    freshness = {name: max(found) for name, found in times.items() if found}
    walked = [each for name in ("spot", "perpetuals") for each in markets[name].values() if each.book]
    if walked:
        freshness["books"] = min(_stamp(each.booked, as_of) for each in walked)
    sections = (spot, perpetuals, futures, heard.section if heard else None)
    exchanges = {name for section in sections if section for name in section.exchanges}
    return MarketSnapshot(
        captured_at=as_of,
        source="files",
        fees={name: fees if name == exchange else _TIERS.get(name, BASE_TIER) for name in sorted(exchanges)},
        spot=spot,
        perpetuals=perpetuals,
        futures=futures,
        options=heard.section if heard else None,
        freshness=freshness,
        missing={name: reason for name, reason in _MISSING.items() if name not in freshness},
        excluded={reason: count for reason, count in sorted(excluded.items()) if count},
        assumptions={
            "fees": f"taker, {fees.spot_taker * 1e4:g} bps spot and {fees.perpetual_taker * 1e4:g} bps perpetuals"
            + (", 3 bps of the underlying and at most 12.5 % of the premium for options" if heard else "")
            + "".join(f", the base tier of {name}" for name in sorted(exchanges - {exchange}))
            + ", assumed",
            "quotes": f"last close -/+ {spread_bps / 2:g} bps, assumed: candles have no bid and ask"
            + ("; where there is an order book or a quote, its own" if observed else ""),
            "24h volumes": "close x volume, summed over the last 24 hourly bars",
        }
        | assumptions(listed, {**markets["perpetuals"], **markets["futures"]}, prices, underlying)
        | (
            {"books": "at most 15 minutes old; one without a time has that of the others recorded with it"}
            if walked
            else {}
        )
        | (heard.assumptions if heard else {}),
    )


def _prices(spot: Spot | None, listed: Mapping[Key, Contract], options: Options | None = None) -> dict[str, float]:
    """What pairs and coins cost at the moment, in USD: on the spot market, else a coin's perpetual's mark, or the
    index beside its options.
    """
    prices: dict[str, float] = {}
    for symbol, price in zip(spot.symbols, spot.last.tolist(), strict=True) if spot else ():
        prices.setdefault(symbol, price)
        prices.setdefault(symbol.partition("/")[0], price)
    for key, each in listed.items():
        prices.setdefault(key.base, float(each.bars.close[-1]) if each.mark is None else each.mark)
    indices: dict[str, list[float]] = {}
    for symbol, price in zip(options.symbols, options.index.tolist(), strict=True) if options else ():
        if price > 0:
            indices.setdefault(symbol.partition("/")[0], []).append(price)
    return {base: median(found) for base, found in indices.items()} | prices


def _marks(perpetuals: Perpetuals | None) -> dict[str, float]:
    """The marks of perpetuals by pair and by coin: what is nearest to an index where none was recorded."""
    marks: dict[str, float] = {}
    for symbol, mark in zip(perpetuals.symbols, perpetuals.mark.tolist(), strict=True) if perpetuals else ():
        marks.setdefault(symbol.partition(":")[0], mark)
        marks.setdefault(symbol.partition("/")[0], mark)
    return marks


def _stamp(time: float | None, as_of: int) -> int:
    """An observation of the moment's own minute counts as made at the moment."""
    return as_of if time is None else min(int(time), as_of)


def _counts(excluded: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(excluded.items()) if count)
