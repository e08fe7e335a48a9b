"""Buy a coin that has just dropped below its volume-weighted average price, while the book leans up, for minutes.

Idea: in some markets a deviation from the average traded price is gone soon, and the book shows which way it goes: the
imbalance of what is bid and offered (Cartea, Jaimungal and Penalva, Algorithmic and High-Frequency Trading, 2015,
section 10.4.2) and the micro-price (Stoikov, The Micro-Price: A High-Frequency Estimator of Future Prices, 2018), here
its first approximation, the mid weighted by the opposite sides' best sizes, (bid ask_size + ask bid_size) / (sum).
A pair qualifies when, over the first 10 levels, the imbalance (bids - asks) / (bids + asks) is at least 0.2, the
micro-price is above the mid, and the rise expected over the next bar exceeds twice the fee, the spread and the slippage
with a one-sided p-value of at most 0.05. Where spreads are a few basis points and fees ten, that is hardly ever so; a
micro-price lies within the spread and alone can never pay a taker.

Expected rise = b x, with x = ln(VWAP / micro-price), the VWAP being that of the 24 bars before the newest (a bar is not
in its own average), and b from a regression of each bar's log return on x at the bar before, over 475 bars; b is
corrected for the bias that predictors made of the same price have (Stambaugh, Predictive Regressions, 1999, equation
18), with standard errors that hold for changing volatility (Newey-West).

Trade: buy at the ask; target = the VWAP, reached by the bid; stop = bid - ATR(14); out at the end of the bar in any
case. The size is the least of what risk, capital and liquidity allow. `profit_potential_usd` is what reaching the VWAP
nets, `expected_value_usd` what the expected rise does.

Inputs: books; the shortest candles, of an hour at most; order rules where there are any. A pair on several exchanges is
judged by the candles and the book of the one where it nets most.
Confidence: `inference.confidence` of the p-value of "the expected rise is no more than the costs".
Refuses: no spot market, no books, books older than a minute (nothing is staler than a book), no fresh candles of an
hour or less, no pair in USD with books and 500 closed bars.
Long only: a spot market sells nothing short.
"""

from dataclasses import dataclass
from math import exp, log

import numpy as np

from opportunities.domain import Evidence, Investor, Json, Proposal, Proposals
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import Candles, MarketSnapshot
from opportunities.maths import indicators, inference
from opportunities.maths.arrays import Floats
from opportunities.maths.costs import Ladder
from opportunities.maths.inference import Estimate
from opportunities.trading import instruments
from opportunities.trading.bracket import Bracket, best_bracket
from opportunities.trading.instruments import Listing

TITLE = "Scalping"
OPPORTUNITY_TYPES = ("scalping",)
NEEDS = ("spot order books of the last minute", "spot candles: 500 closed bars of 1h or shorter")

_LEVELS = 10
_IMBALANCE = 0.2
_VWAP_BARS = 24
_WINDOW = 475
_LEAST_BARS = _WINDOW + _VWAP_BARS + 1
_LONGEST_BAR = 3600
_STALE_BOOKS = 60
_SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class _BookImbalance:
    """What a book says: the imbalance of its first levels, and the micro-price."""

    listing: Listing
    imbalance: float
    micro: float


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Long trades of minutes that are expected to pay their costs."""
    candles = _candles(market)
    pairs = dict(instruments.spot_pairs(market, investor, candles, _LEAST_BARS))
    judged = {
        row: books
        for row, listings in pairs.items()
        if (books := [book for listing in listings if (book := _imbalance(listing)) is not None])
    }
    if not judged:
        raise Unsuitable(f"no spot pair in USD has a book, volume, volatility and {_LEAST_BARS} closed candles")
    found = [
        proposal
        for row, books in judged.items()
        if (up := [book for book in books if _points_up(book)])
        and (proposal := _proposal(market, investor, candles, row, up)) is not None
    ]
    return Proposals(tuple(found), examined=len(judged))


def _candles(market: MarketSnapshot) -> Candles:
    """The shortest candles. Unsuitable where there are no books or candles to act on within the bar."""
    spot = instruments.spot_of(market)
    if spot.books is None:
        raise Unsuitable(f"no order books of the spot market: {market.missing.get('books', 'the snapshot has none')}")
    age = market.captured_at - market.freshness.get("spot", market.captured_at)
    if age > _STALE_BOOKS:
        raise Unsuitable(f"the order books are {age} seconds old: a scalp needs them within {_STALE_BOOKS}")
    fresh = [
        candles
        for candles in spot.candles.values()
        if candles.seconds <= _LONGEST_BAR and instruments.fresh(candles, market.captured_at)
    ]
    if not fresh:
        raise Unsuitable("no fresh spot candles of an hour or less")
    return min(fresh, key=lambda candles: candles.seconds)


def _imbalance(listing: Listing) -> _BookImbalance | None:
    """What the listing's book says; None where it has none."""
    bids, asks = listing.liquidity.bids, listing.liquidity.asks
    if bids is None or asks is None:
        return None
    bid_size, ask_size = float(bids.size[0]), float(asks.size[0])
    below, above = _offered(bids), _offered(asks)
    if not (bid_size > 0 and ask_size > 0):
        return None
    micro = (listing.liquidity.bid * ask_size + listing.liquidity.ask * bid_size) / (bid_size + ask_size)
    return _BookImbalance(listing, (below - above) / (below + above), micro)


def _offered(side: Ladder) -> float:
    return float(np.nansum(side.size[:_LEVELS]))


def _points_up(book: _BookImbalance) -> bool:
    return book.imbalance >= _IMBALANCE and book.micro > (book.listing.liquidity.bid + book.listing.liquidity.ask) / 2


def _reversion(vwap: Floats, close: Floats) -> Estimate | None:
    """How much of ln(vwap / close) the next bar makes good, shape (bars,) both; None where nothing varies."""
    gap, returns = np.log(vwap / close)[:-1], np.diff(np.log(close))
    centred = gap - gap.mean()
    variance = float(centred @ centred) / len(gap)
    if variance <= 0:
        return None
    slope = float(centred @ returns) / len(gap) / variance
    residuals = returns - returns.mean() - slope * centred
    raw = inference.mean(slope + centred * residuals / variance, inference.lags_for(len(gap)))
    persistence = inference.Ar1.fit(gap).phi
    moved = centred[1:] - persistence * centred[:-1]
    together = float(moved @ residuals[:-1]) / float(moved @ moved)
    bias = -together * (1 + 3 * persistence) / len(gap)
    return Estimate(slope - bias, raw.standard_error, raw.n)


def _proposal(
    market: MarketSnapshot, investor: Investor, candles: Candles, row: int, books: list[_BookImbalance]
) -> Proposal | None:
    """The trade back to the VWAP; None where the rise that the last bars let expect doesn't clearly pay the costs."""
    bars = slice(-_LEAST_BARS, None)
    high, low, close, volume = (
        series[row, bars] for series in (candles.high, candles.low, candles.close, candles.volume)
    )
    traded = np.lib.stride_tricks.sliding_window_view(volume, _VWAP_BARS).sum(axis=1)
    typical = (high + low + close) / 3
    if not (traded.min() > 0 and np.isfinite(typical).all()):
        return None
    vwap = np.lib.stride_tricks.sliding_window_view(typical * volume, _VWAP_BARS).sum(axis=1) / traded
    reversion = _reversion(vwap[:-1], close[_VWAP_BARS:])
    atr = float(indicators.atr(high[None, :], low[None, :], close[None, :])[0, -1])
    if reversion is None or reversion.standard_error <= 0 or atr <= 0:
        return None
    by_row = {book.listing.row: book for book in books}
    stop = min(book.listing.liquidity.bid for book in books) - atr
    trade = best_bracket(market, investor, [book.listing for book in books], stop, float(vwap[-2]))
    if trade is None:
        return None
    return _priced(market, trade, by_row[trade.listing.row], reversion, candles.seconds)


def _priced(
    market: MarketSnapshot, trade: Bracket, book: _BookImbalance, reversion: Estimate, bar_seconds: int
) -> Proposal | None:
    """The trade with its statistics; None where the expected rise is not significantly above the costs."""
    bid, mid = trade.listing.liquidity.bid, (trade.listing.liquidity.bid + trade.listing.liquidity.ask) / 2
    gap = log(trade.target / book.micro)
    # By how much the mid must rise above the micro-price for its bid to win nothing and lose nothing.
    needed = log(trade.paid_usd / (trade.paid_usd + trade.net_usd(bid))) + log(mid / book.micro)
    if gap <= 0:
        return None
    z = (reversion.value * gap - needed) / (reversion.standard_error * gap)
    p = inference.p_value(z)
    if p > _SIGNIFICANCE:
        return None
    expected_bid = book.micro * exp(reversion.value * gap) * bid / mid
    metadata: dict[str, Json] = {
        "imbalance": book.imbalance,
        "micro_price": book.micro,
        "vwap": trade.target,
        "reversion_per_bar": reversion.value,
        "expected_rise": reversion.value * gap,
        "round_trip_costs": needed,
        "bar_seconds": bar_seconds,
        "expected_value_usd": trade.net_usd(expected_bid),
    }
    return trade.proposal(
        market,
        kind=OPPORTUNITY_TYPES[0],
        evidence=Evidence("z of expected rise above costs", z, reversion.n, p),
        horizon_hours=bar_seconds / 3600,
        metadata=metadata,
    )
