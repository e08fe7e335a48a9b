"""The live market: a snapshot of what several exchanges show now, or as much of it as could be had in time."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from opportunities.domain import Fees
from opportunities.errors import MarketUnavailable
from opportunities.market.live.chain import options_section
from opportunities.market.live.exchange import Exchange, connect
from opportunities.market.live.listings import Listing, by_volume, identified, listed, number
from opportunities.market.live.reading import Reading
from opportunities.market.live.sections import Notes, futures_section, perpetuals_section, spot_section
from opportunities.market.snapshot import MarketSnapshot

BUDGET_SECONDS = 24.0
"""From the first request to the last answer; the capture Lambda's timeout leaves the rest to its start."""

_BULK_SHARE = 0.5
_LONGEST = 400
ASSETS = 100
_WITH_BOOK, _WITH_BOOK_EVERYWHERE = 40, 10
PERPETUALS, _PERPETUALS_IN_DETAIL = 40, 20


@dataclass(frozen=True, eq=False)
class _Chosen:
    """The listings of the snapshot, largest first, and each asset's price in USD."""

    spot: list[Listing]
    perpetuals: list[Listing]
    futures: list[Listing]
    prices: Mapping[str, float]


def live(
    exchanges: Sequence[str],
    *,
    budget: float = BUDGET_SECONDS,
    clock: Callable[[], float] = time.time,
    connected: Callable[[str], Any] = connect,
) -> MarketSnapshot:
    """The market now, of exchanges by their ccxt names: all spot listings of the `ASSETS` largest assets, hourly
    candles of each asset's largest listing, order books of the largest, perpetuals of the `PERPETUALS` largest with
    their funding, dated futures, and Deribit's coin-quoted options of BTC and ETH.

    Exchanges are asked at once, each within its rate limit, for at most `budget` seconds. What could not be had is in
    `missing` with its reason, by section, or as "books on kraken" where only an exchange's part of it is missing.
    Tickers are of `captured_at`; order books are up to `budget` seconds younger.

    Raises MarketUnavailable, with every exchange's reason, where no section could be had.
    """
    return asyncio.run(_capture(list(dict.fromkeys(exchanges)), budget, clock, connected))


async def _capture(
    names: Sequence[str], budget: float, clock: Callable[[], float], connected: Callable[[str], Any]
) -> MarketSnapshot:
    readings: dict[str, Reading] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            readings[name] = Reading(Exchange(name, connected(name)))
        except MarketUnavailable as error:
            missing[f"all on {name}"] = str(error)
    begun = asyncio.get_running_loop().time()
    try:
        await asyncio.gather(*(each.bulk(begun + budget * _BULK_SHARE) for each in readings.values()))
        captured_at = int(clock())
        fees = {name: known for name, each in readings.items() if (known := _fees(each))}
        usable = {name: each for name, each in readings.items() if name in fees}
        missing |= {
            f"all on {name}": "ccxt knows no fees of it"
            for name, each in readings.items()
            if each.markets and name not in fees
        }
        excluded: Counter[str] = Counter()
        chosen = _choose(usable, captured_at, excluded)
        await asyncio.gather(*_details(usable, chosen, begun + budget))
        missing |= {f"{what} on {name}": why for name, each in readings.items() for what, why in each.failed.items()}
        return _snapshot(usable, chosen, fees, captured_at, Notes(excluded, missing=missing))
    finally:
        await asyncio.gather(*(each.exchange.exchange.close() for each in readings.values()))


def _choose(readings: Mapping[str, Reading], now: int, excluded: Counter[str]) -> _Chosen:
    found: dict[str, list[Listing]] = {"spot": [], "swap": [], "future": []}
    for name, reading in readings.items():
        markets = [market for market in reading.markets.values() if _answered(reading, market)]
        for kind in found:
            found[kind] += listed(name, markets, kind, reading.tickers, now=now, excluded=excluded)
    paying = [each for each in found["swap"] if _pays(readings[each.exchange], each)]
    excluded["no funding rate"] += len(found["swap"]) - len(paying)
    spot, contracts, prices = identified(found["spot"], [*paying, *found["future"]], excluded)
    perpetuals = [each for each in contracts if each.market["type"] == "swap"]
    return _Chosen(
        spot=_largest(spot, ASSETS, "spot", excluded),
        perpetuals=_largest(perpetuals, PERPETUALS, "perpetual", excluded),
        futures=[each for each in contracts if each.market["type"] == "future"],
        prices=prices,
    )


def _answered(reading: Reading, market: Mapping[str, Any]) -> bool:
    """Whether there is a ticker, or none in a complete answer: one that failed says so once for all its markets, and
    those that were not asked for are none of this capture's.
    """
    part = reading.part_of(market)
    return market["symbol"] in reading.tickers or (part is not None and part not in reading.failed)


def _pays(reading: Reading, listing: Listing) -> bool:
    rate = number(reading.funding.get(listing.symbol, {}).get("fundingRate"))
    return abs(rate) < 1


def _largest(listings: Iterable[Listing], assets: int, kind: str, excluded: Counter[str]) -> list[Listing]:
    """The listings of the assets with the largest single listing, largest first."""
    ranked = by_volume(listings)
    bases = list(dict.fromkeys(each.base for each in ranked))[:assets]
    kept = [each for each in ranked if each.base in set(bases)]
    excluded[f"{kind} market of none of the {assets} largest assets"] += len(ranked) - len(kept)
    return kept


def _details(readings: Mapping[str, Reading], chosen: _Chosen, deadline: float) -> Iterable[Any]:
    """What to ask of each exchange about the chosen, most important first."""
    first = _firsts(chosen.spot, lambda each: each.base)
    everywhere = {each.base for each in first[:_WITH_BOOK_EVERYWHERE]}
    best_listings = _firsts(chosen.spot, lambda each: f"{each.base} {each.exchange}")
    books = [each for each in best_listings if each.base in everywhere]
    books += [each for each in first[:_WITH_BOOK] if each not in books]
    perpetuals = _firsts(chosen.perpetuals, lambda each: each.base)[:_PERPETUALS_IN_DETAIL]
    for name, reading in readings.items():
        yield reading.details(
            deadline,
            books=[each.symbol for each in (*books, *perpetuals) if each.exchange == name],
            bars=[each.symbol for each in (*first, *perpetuals) if each.exchange == name],
            payments=[each.symbol for each in chosen.perpetuals if each.exchange == name]
            if reading.exchange.has("fetchFundingRateHistory")
            else [],
        )


def _firsts(listings: Iterable[Listing], key: Callable[[Listing], str]) -> list[Listing]:
    found: dict[str, Listing] = {}
    for each in listings:
        found.setdefault(key(each), each)
    return list(found.values())


def _snapshot(
    readings: Mapping[str, Reading],
    chosen: _Chosen,
    fees: Mapping[str, Fees],
    captured_at: int,
    notes: Notes,
) -> MarketSnapshot:
    spot = spot_section(chosen.spot, readings, captured_at, notes) if chosen.spot else None
    perpetuals = (
        perpetuals_section(chosen.perpetuals, readings, chosen.prices, captured_at, notes)
        if chosen.perpetuals
        else None
    )
    futures = futures_section(chosen.futures, readings, chosen.prices, notes) if chosen.futures else None
    chains = [options_section(each, captured_at, notes) for each in readings.values()]
    options = next((chain for chain in chains if chain is not None), None)
    sections = {"spot": spot, "perpetuals": perpetuals, "futures": futures, "options": options}
    said = "; ".join(f"{what}: {why}" for what, why in notes.missing.items())
    if not any(section is not None for section in sections.values()):
        raise MarketUnavailable(f"no exchange could be read ({said or 'none lists a market that fits'})"[:_LONGEST])
    for name, section in sections.items():
        if section is None:
            notes.missing[name] = f"No exchange showed any{f' ({said})' if said else ''}."[:_LONGEST]
    notes.assumptions["fees"] = "the base tiers that ccxt knows of each exchange"
    return MarketSnapshot(
        captured_at=captured_at,
        source=f"live ({', '.join(readings)})",
        fees=fees,
        spot=spot,
        perpetuals=perpetuals,
        futures=futures,
        options=options,
        freshness={name: captured_at for name, section in sections.items() if section is not None},
        missing=notes.missing,
        excluded={reason: count for reason, count in sorted(notes.excluded.items()) if count},
        assumptions=notes.assumptions,
    )


def _fees(reading: Reading) -> Fees | None:
    """The usual fees of the exchange's spot markets and its swaps, where it lacks one of these those of the other, or
    of its futures; None where ccxt knows none.
    """

    def usual(side: str, *kinds: str) -> float | None:
        for kind in kinds:
            known = [number(each.get(side)) for each in reading.markets.values() if each["type"] == kind]
            if finite := [fee for fee in known if abs(fee) < 1]:
                return median(finite)
        return None

    taker, maker = (usual(side, "spot", "swap", "future") for side in ("taker", "maker"))
    swap_taker, swap_maker = (usual(side, "swap", "future", "spot") for side in ("taker", "maker"))
    if taker is None or maker is None or swap_taker is None or swap_maker is None:
        return None
    return Fees(spot_taker=taker, perpetual_taker=swap_taker, spot_maker=maker, perpetual_maker=swap_maker)
