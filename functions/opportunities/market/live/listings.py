"""Which of an exchange's markets belong in a snapshot: traded now, two-sided, in dollars, and what they claim to be."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

from opportunities.market.universe import unfit

_STALE_MS = 60 * 60 * 1000
_LARGEST_RATIO = 1.1


@dataclass(frozen=True)
class Listing:
    """One market of one exchange; prices in USD per unit of base, NaN where unknown; `market` is ccxt's own."""

    exchange: str
    symbol: str
    base: str
    bid: float
    ask: float
    last: float
    volume_24h_usd: float
    market: Mapping[str, Any]
    ticker: Mapping[str, Any]

    @property
    def middle(self) -> float:
        return (self.bid + self.ask) / 2

    @property
    def key(self) -> tuple[str, str]:
        return self.exchange, self.symbol

    @property
    def units(self) -> float:
        """Units of base in one of what sizes are counted in: contracts, or units of base itself."""
        return number(self.market.get("contractSize")) if self.market.get("contract") else 1.0


def number(value: object) -> float:
    """ccxt's number as a float, NaN where it has none."""
    return float(value) if isinstance(value, (int, float)) and isfinite(value) else nan


def listed(
    exchange: str,
    markets: Iterable[Mapping[str, Any]],
    kind: str,
    tickers: Mapping[str, Mapping[str, Any]],
    *,
    now: float,
    excluded: Counter[str],
) -> list[Listing]:
    """The fit markets of a kind ("spot", "swap", "future"); the others are counted by reason."""
    found = []
    for market in markets:
        if market.get("type") != kind:
            continue
        listing = _listing(exchange, market, tickers.get(market["symbol"], {}))
        if reason := _wrong(listing, now):
            excluded[reason] += 1
        else:
            found.append(listing)
    return found


def identified(
    spot: Sequence[Listing], contracts: Sequence[Listing], excluded: Counter[str]
) -> tuple[list[Listing], list[Listing], dict[str, float]]:
    """The spot listings and the contracts that can be the asset they are named after, and each asset's price (USD).

    The price is that of the asset's largest spot market, or its largest contract where it has no spot market. Names
    are not unique across exchanges: whatever trades more than 10 % away from it is another asset, a stale market or a
    quote currency that has lost its peg, and is counted.
    """
    prices: dict[str, float] = {}
    for listing in (*by_volume(spot), *by_volume(contracts)):
        prices.setdefault(listing.base, listing.middle)

    def same(listing: Listing) -> bool:
        ratio = listing.middle / prices[listing.base]
        return 1 / _LARGEST_RATIO <= ratio <= _LARGEST_RATIO

    kept = [[each for each in group if same(each)] for group in (spot, contracts)]
    excluded["price differs across exchanges"] += len(spot) + len(contracts) - len(kept[0]) - len(kept[1])
    return kept[0], kept[1], prices


def by_volume(listings: Iterable[Listing]) -> list[Listing]:
    """The largest first; the same order for the same listings."""
    return sorted(
        listings,
        key=lambda each: (-each.volume_24h_usd if isfinite(each.volume_24h_usd) else 0.0, each.exchange, each.symbol),
    )


def _listing(exchange: str, market: Mapping[str, Any], ticker: Mapping[str, Any]) -> Listing:
    bid, ask, last = (number(ticker.get(name)) for name in ("bid", "ask", "last"))
    last = last if last > 0 else (bid + ask) / 2
    return Listing(
        exchange=exchange,
        symbol=market["symbol"],
        base=market["base"],
        bid=bid,
        ask=ask,
        last=last,
        volume_24h_usd=_volume(market, ticker, last),
        market=market,
        ticker=ticker,
    )


def _wrong(listing: Listing, now: float) -> str | None:
    """Why a market is left out, or None."""
    market, stamp = listing.market, listing.ticker.get("timestamp")
    dated = market["type"] == "future"
    checks = (
        # ccxt gives neither their volume in one unit nor, in bulk, their funding
        (bool(market.get("inverse")) and not dated, "inverse contract"),
        (market.get("active") is False, "not trading"),
        (dated and number(market.get("expiry")) <= now * 1000, "expired"),
        (not listing.ticker, "no ticker"),
        (not (listing.bid > 0 and listing.ask > 0), "no bid or no ask"),
        (listing.bid > listing.ask, "bid above ask"),
        (isinstance(stamp, int) and stamp < now * 1000 - _STALE_MS, "stale"),
        (not dated and not listing.volume_24h_usd > 0, "not traded in 24 hours"),
    )
    settle = None if dated else market.get("settle")
    return unfit(market["base"], market["quote"], settle) or next((why for wrong, why in checks if wrong), None)


def _volume(market: Mapping[str, Any], ticker: Mapping[str, Any], last: float) -> float:
    """Traded USD of 24 hours. Exchanges disagree what an inverse contract's volume counts: only Deribit names USD."""
    stated = number_of_text(ticker.get("info", {}).get("volume_usd"))
    if isfinite(stated):
        return stated
    if market.get("inverse"):
        return nan
    quote = number(ticker.get("quoteVolume"))
    size = number(market.get("contractSize")) if market.get("contract") else 1.0
    return quote if isfinite(quote) else number(ticker.get("baseVolume")) * size * last


def number_of_text(value: object) -> float:
    """A number of an exchange's own answer, where some write it as text; NaN where it is none."""
    if isinstance(value, str):
        try:
            return number(float(value))
        except ValueError:
            return nan
    return number(value)
