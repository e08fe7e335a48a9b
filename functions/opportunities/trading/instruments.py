"""The instruments of a snapshot as the strategies meet them: which are quoted in USD, and what trading one costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

import numpy as np

from opportunities.domain import DOLLARS, Fees, Investor, Json, Leg
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import Books, Candles, MarketSnapshot, Perpetuals, Spot
from opportunities.maths import indicators
from opportunities.maths.costs import Fill, Ladder, Liquidity

VOLATILITY_BARS = 168

SAME_COIN_WITHIN = 0.05
"""Listings of one name whose prices lie further apart are not taken for the same coin."""

_DAY = 86_400


def spot_of(market: MarketSnapshot) -> Spot:
    """The spot section. Unsuitable, with the reason, if there is none."""
    if market.spot is None:
        raise Unsuitable(f"no spot market: {market.missing.get('spot', 'the snapshot has none')}")
    return market.spot


def perpetuals_of(market: MarketSnapshot) -> Perpetuals:
    """The perpetuals section. Unsuitable, with the reason, if there is none."""
    if market.perpetuals is None:
        raise Unsuitable(f"no perpetuals: {market.missing.get('perpetuals', 'the snapshot has none')}")
    return market.perpetuals


def linear_perpetuals_of(market: MarketSnapshot) -> Perpetuals:
    """The perpetuals section where it has a linear contract; of the others the caller takes none. Unsuitable if it has
    not: the margin of an inverse contract is itself exposed to the price, so it is no plain long or short in USD.
    """
    perpetuals = perpetuals_of(market)
    if perpetuals.inverse.all():
        raise Unsuitable(f"no linear perpetuals: all {len(perpetuals.symbols)} are margined in coin")
    return perpetuals


def base_in_usd(symbol: str) -> str | None:
    """The base of a pair quoted in USD or a dollar stablecoin, taken at par; None for any other quote."""
    base, _, quote = symbol.partition(":")[0].partition("/")
    return base if quote in DOLLARS and base not in DOLLARS else None


def is_cash(asset: str) -> bool:
    """Whether the asset is a USD, or a stablecoin that is taken for one."""
    return asset in DOLLARS


def same_coin(price: float, other: float, within: float = SAME_COIN_WITHIN) -> bool:
    """Whether two prices under one name are near enough to be of one coin."""
    return abs(price / other - 1) <= within


def fresh(candles: Candles, captured_at: int) -> bool:
    """Whether the newest bar opened at most two bars and five minutes ago (freqtrade's rule); else one is missing."""
    return captured_at - int(candles.open_time[-1]) <= 2 * candles.seconds + 300


@dataclass(frozen=True)
class Listing:
    """One listing of a spot pair (a row of the spot section) and what trading there costs."""

    row: int
    liquidity: Liquidity


def spot_pairs(
    market: MarketSnapshot, investor: Investor, candles: Candles, least_bars: int
) -> Iterator[tuple[int, list[Listing]]]:
    """Every pair in USD with `least_bars` closed bars: the row of its candles, and the listings where it trades.

    A pair with candles of several exchanges is judged once, by those of its largest listing (by 24 h volume, then by
    exchange); so no price series counts twice, and the order of rows is of no account. Pairs that trade nowhere are
    left out.
    """
    spot = spot_of(market)
    enough = np.flatnonzero(indicators.bars(candles.close) >= least_bars).tolist()
    largest: dict[str, int] = {}
    for row in sorted(enough, key=lambda row: (-float(np.nan_to_num(spot.volume_24h_usd[row])), spot.exchanges[row])):
        if base_in_usd(spot.symbols[row]):
            largest.setdefault(spot.symbols[row], row)
    listed: dict[str, list[int]] = {}
    for row, symbol in enumerate(spot.symbols):
        listed.setdefault(symbol, []).append(row)
    for symbol, history in sorted(largest.items(), key=lambda item: item[1]):
        rows = sorted(listed[symbol], key=lambda row: spot.exchanges[row])
        liquid = ((row, spot_liquidity(market, investor, row, history)) for row in rows)
        listings = [Listing(row, liquidity) for row, liquidity in liquid if liquidity.tradable]
        if listings:
            yield history, listings


def spot_pairs_by_timeframe(
    market: MarketSnapshot, investor: Investor, timeframes: Sequence[str], least_bars: int
) -> list[tuple[str, Candles, dict[int, list[Listing]]]]:
    """Each pair of `spot_pairs` in the first of these timeframes whose candles are fresh and have `least_bars`.

    A list of timeframe, candles, and the listings by row of the candles. Unsuitable if no pair has them in any.
    """
    spot = spot_of(market)
    seen: set[str] = set()
    found = []
    for timeframe in timeframes:
        candles = spot.candles.get(timeframe)
        if candles is None or not fresh(candles, market.captured_at):
            continue
        pairs = {
            row: listings
            for row, listings in spot_pairs(market, investor, candles, least_bars)
            if spot.symbols[row] not in seen
        }
        seen |= {spot.symbols[row] for row in pairs}
        found.append((timeframe, candles, pairs))
    if not seen:
        raise Unsuitable(
            f"no spot pair in USD has quotes, volume, volatility and {least_bars} closed, fresh candles of"
            f" {' or '.join(timeframes)}"
        )
    return found


def spot_liquidity(market: MarketSnapshot, investor: Investor, row: int, history: int | None = None) -> Liquidity:
    """What trading spot listing `row` costs; not `tradable` if the market doesn't say enough.

    Volatility is told by the candles of row `history`: another listing of the same pair, if this one has none.
    """
    spot = spot_of(market)
    bids, asks = _ladders(spot.books, row)
    return Liquidity(
        bid=float(spot.bid[row]),
        ask=float(spot.ask[row]),
        fee=fees_at(market, investor, spot.exchanges[row]).spot_taker,
        volume_24h_usd=float(spot.volume_24h_usd[row]),
        daily_volatility=daily_volatility(spot, row if history is None else history),
        bids=bids,
        asks=asks,
    )


def perpetual_liquidity(market: MarketSnapshot, investor: Investor, row: int, daily_volatility: float) -> Liquidity:
    """What trading contract `row` costs, given the volatility of its underlying."""
    perpetuals = perpetuals_of(market)
    bids, asks = _ladders(perpetuals.books, row)
    return Liquidity(
        bid=float(perpetuals.bid[row]),
        ask=float(perpetuals.ask[row]),
        fee=fees_at(market, investor, perpetuals.exchanges[row]).perpetual_taker,
        volume_24h_usd=float(perpetuals.volume_24h_usd[row]),
        daily_volatility=daily_volatility,
        bids=bids,
        asks=asks,
    )


def daily_volatility(spot: Spot, row: int) -> float:
    """Standard deviation of a day's log return, from the last 168 bars of the shortest timeframe that has them."""
    for candles in sorted(spot.candles.values(), key=lambda candles: candles.seconds):
        if row < len(candles.close) and int(indicators.bars(candles.close[row : row + 1])[0]) > VOLATILITY_BARS:
            per_bar = float(indicators.volatility(candles.close[row : row + 1], VOLATILITY_BARS)[0])
            return per_bar * sqrt(_DAY / candles.seconds)
    return float("nan")


def leg(side: Literal["buy", "sell"], symbol: str, exchange: str, fill: Fill) -> Leg:
    """The order that gets this fill."""
    return Leg(side, symbol, exchange, fill.quantity, fill.price)


def quotes(market: MarketSnapshot, *traded: Liquidity) -> dict[str, Json]:
    """Where slippage comes from, books or the impact law, and what was assumed of the quotes if they were."""
    basis: dict[str, Json] = {"slippage": "+".join(sorted({liquidity.basis for liquidity in traded}))}
    if "quotes" in market.assumptions:
        basis["assumed"] = market.assumptions["quotes"]
    return basis


def _ladders(books: Books | None, row: int) -> tuple[Ladder | None, Ladder | None]:
    """Bids and asks of one row, both or none."""
    if books is None or row >= len(books.bid_price):
        return None, None
    best = np.array([books.bid_price[row, 0], books.ask_price[row, 0]])
    if not (np.isfinite(best) & (best > 0)).all():
        return None, None
    return Ladder(books.bid_price[row], books.bid_size[row]), Ladder(books.ask_price[row], books.ask_size[row])


def fees_at(market: MarketSnapshot, investor: Investor, exchange: str) -> Fees:
    """What the investor pays on an exchange: what they state, and for the rest what the market says. Unsuitable if it
    says nothing of the exchange."""
    usual = market.fees.get(exchange)
    if usual is None:
        raise Unsuitable(f"no fees are known for {exchange}: the market does not state them")
    return replace(usual, **investor.fees.get(exchange, {}))
