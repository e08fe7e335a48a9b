"""Quote both sides of a spot book whose spread is wider than fees, adverse selection and inventory risk are worth.

Idea: a maker earns the distance of the quotes from the mid, and pays the maker fee, the losses to those who know more,
and the risk of what it holds. Fills at the distance d come at the rate A e^(-k d) (Avellaneda and Stoikov,
High-frequency Trading in a Limit Order Book, 2008); the quotes that are then optimal for constant absolute risk
aversion, far from the end, are known in closed form (Guéant, Lehalle and Fernandez-Tapia, Dealing with the Inventory
Risk, 2013: `quoting.optimal`). A pair qualifies when its market's half spread, less a tick where there is room for one,
exceeds that optimal half spread, costs included: then quotes a tick better than everybody's earn more than they must.

Inputs of the formula: k from the first 10 levels of each side of the book (`quoting.decay_of`, the smaller of both);
A such that at the market's own quotes 1 % of the volume of 24 h, half of it a side, trades with us, but at most one
order a side in five minutes (who reads scans requotes no faster); σ from the last 168 bars; the risk aversion
1 / (what the investor risks per trade), so that this loss costs a factor e of utility.
Costs per fill: the maker fee, and adverse selection: a fill is the other side's order, which on average moves the price
against us by its impact, σ(day) √(order / volume of 24 h) (the square-root law, see `costs`; all of it is charged).

Trade: orders of a tenth of the notional that risk, capital and liquidity allow (`sizing`), in whole lots, half of it
held in the coin at the start (a spot market sells nothing short): at most five orders of inventory either way; stop = a
fall of two standard deviations of a day with all of it in the coin. `profit_potential_usd` is that of one day at the
assumed share of the volume, fees and adverse selection paid; it is an expected value, and `expected_value_usd` is the
same. Its risk is the inventory's: σ(day) times the standard deviation of the inventory about that half
(`Quotes.inventory_deviation`). The half itself is an exposure to the coin's price, as of anybody who holds it; the
planned loss counts it.

Confidence: `inference.confidence` of the p-value of z = profit of the day over that risk; at most 0.05 is shown.
Refuses: no spot market, no order books, no pair in USD with 10 levels a side, volume, and 169 closed bars of the
shortest candles, that vary.
A pair on several exchanges is judged on each, and shown where it nets most.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from opportunities.domain import AssetTier, Evidence, Investor, Json, Leg, Proposal, Proposals, Purpose
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import inference, quoting, sizing
from opportunities.maths.costs import Liquidity
from opportunities.maths.quoting import Quotes
from opportunities.trading import instruments, lots

TITLE = "Market making"
OPPORTUNITY_TYPES = ("market_making",)
NEEDS = ("spot order books: 10 levels a side", "spot candles: 169 closed bars")

_LEVELS = 10
_SHARE_OF_VOLUME = 0.01
_REQUOTE_SECONDS = 300
_ORDERS = 5
_STOP_SIGMAS = 2.0
_SIGNIFICANCE = 0.05
_DAY = 86_400


@dataclass(frozen=True)
class _MakerQuote:
    """One listing as a maker would quote it: prices in USD, `size` of one order in units of base, rates per day.

    `distance` is how far from the mid the quotes lie; `fee` and `impact` (adverse selection) are per unit filled.
    """

    row: int
    liquidity: Liquidity
    fee: float
    size: float
    distance: float
    impact: float
    decay: float
    aversion: float
    quotes: Quotes

    @property
    def mid(self) -> float:
        return (self.liquidity.bid + self.liquidity.ask) / 2

    @property
    def fills(self) -> float:
        """Orders filled in a day, both sides."""
        return _fills(self.liquidity, self.size * self.mid)

    @property
    def profit_usd(self) -> float:
        return self.fills * self.size * (self.distance - self.mid * (self.fee + self.impact))

    @property
    def z(self) -> float:
        """The profit of a day over its standard deviation, which is that of the inventory's worth."""
        held = self.size * self.mid * self.quotes.inventory_deviation(self.decay, _ORDERS)
        return self.profit_usd / (held * self.liquidity.daily_volatility)


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Spot pairs worth quoting on both sides for a day."""
    spot = instruments.spot_of(market)
    if spot.books is None:
        raise Unsuitable(f"no order books of the spot market: {market.missing.get('books', 'the snapshot has none')}")
    judged: set[str] = set()
    best: dict[str, _MakerQuote] = {}
    for row, liquidity, decay in _listings(market, investor):
        symbol = spot.symbols[row]
        judged.add(symbol)
        quote = _quote(market, investor, row, liquidity, decay)
        if (
            quote is not None
            and inference.p_value(quote.z) <= _SIGNIFICANCE
            and (symbol not in best or _rank(market, quote) < _rank(market, best[symbol]))
        ):
            best[symbol] = quote
    if not judged:
        raise Unsuitable(f"no spot pair in USD has a book of {_LEVELS} levels a side, volume and volatility")
    found = [_proposal(market, quote) for quote in best.values()]
    return Proposals(tuple(found), examined=len(judged))


def _listings(market: MarketSnapshot, investor: Investor) -> Iterator[tuple[int, Liquidity, float]]:
    """The listings in USD, on any exchange, that have books of enough levels; each with its k."""
    shortest = sorted(instruments.spot_of(market).candles.values(), key=lambda candles: candles.seconds)[:1]
    for candles in shortest:
        for _, listings in instruments.spot_pairs(market, investor, candles, instruments.VOLATILITY_BARS + 1):
            for listing in listings:
                decay = _decay(listing.liquidity)
                if decay is not None:
                    yield listing.row, listing.liquidity, decay


def _decay(liquidity: Liquidity) -> float | None:
    """k of the side where fills stay likeliest far out; None where a side has not enough levels."""
    mid = (liquidity.bid + liquidity.ask) / 2
    sides = [
        (side.price[:_LEVELS], side.size[:_LEVELS]) for side in (liquidity.bids, liquidity.asks) if side is not None
    ]
    if len(sides) < 2 or any(np.count_nonzero(np.isfinite(price) & (size > 0)) < _LEVELS for price, size in sides):
        return None
    return min(quoting.decay_of(price, size, mid) for price, size in sides)


def _quote(
    market: MarketSnapshot, investor: Investor, row: int, liquidity: Liquidity, decay: float
) -> _MakerQuote | None:
    """How to quote the listing; None where the market's spread is narrower than it must be."""
    spot = instruments.spot_of(market)
    fee = instruments.fees_at(market, investor, spot.exchanges[row]).spot_maker
    mid = (liquidity.bid + liquidity.ask) / 2
    half = (liquidity.ask - liquidity.bid) / 2
    tick = float(spot.rules.tick[row]) if spot.rules is not None else 0.0
    distance = half - tick if isfinite(tick) and half > tick else half
    loss_rate = _STOP_SIGMAS * liquidity.daily_volatility + fee + liquidity.fee
    notional = sizing.notional_usd(investor, loss_rate, 1 + fee, liquidity.capacity_usd)
    size = lots.orderable(spot.rules, row, notional / (2 * _ORDERS) / mid, mid - distance)
    if size <= 0:
        return None
    impact = liquidity.daily_volatility * sqrt(size * mid / liquidity.volume_24h_usd)
    cost = mid * (fee + impact)
    if distance <= cost:
        return None
    aversion = 1 / (investor.capital_usd * sizing.LIMITS[investor.risk_tolerance].risk_per_trade)
    at_quotes = _fills(liquidity, size * mid) / 2 / _DAY
    deviation = liquidity.daily_volatility * mid / sqrt(_DAY)
    # Measured from the market's own quotes, where the flow is known: A e^(-k d) = at_quotes e^(-k (d - half)).
    beyond = quoting.optimal(aversion, size, deviation, quoting.Flow(at_quotes, decay), cost - half)
    quotes = Quotes(beyond.half_spread + half, beyond.skew)
    if quotes.half_spread >= distance:
        return None
    return _MakerQuote(row, liquidity, fee, size, distance, impact, decay, aversion, quotes)


def _fills(liquidity: Liquidity, order_usd: float) -> float:
    """Orders of this notional filled in a day, both sides."""
    return min(_SHARE_OF_VOLUME * liquidity.volume_24h_usd / order_usd, 2 * _DAY / _REQUOTE_SECONDS)


def _rank(market: MarketSnapshot, quote: _MakerQuote) -> tuple[float, str]:
    return -quote.profit_usd, instruments.spot_of(market).exchanges[quote.row]


def _proposal(market: MarketSnapshot, quote: _MakerQuote) -> Proposal:
    spot, liquidity = instruments.spot_of(market), quote.liquidity
    symbol, exchange = spot.symbols[quote.row], spot.exchanges[quote.row]
    mid, size = quote.mid, quote.size
    bid, ask = mid - quote.distance, mid + quote.distance
    turnover = quote.fills * size * mid
    notional = 2 * _ORDERS * size * mid
    required = notional * (1 + quote.fee)
    fall = _STOP_SIGMAS * liquidity.daily_volatility
    loss = notional * (fall + quote.fee + liquidity.fee)
    metadata: dict[str, Json] = {
        "size": size,
        "notional_usd": notional,
        "expected_value_usd": quote.profit_usd,
        "loss_at_stop_usd": loss,
        "fees_usd": turnover * quote.fee,
        "slippage_usd": 0.0,
        "adverse_selection_usd": turnover * quote.impact,
        "fills_per_day": quote.fills,
        "share_of_volume": turnover / liquidity.volume_24h_usd,
        "half_spread": {"market": (liquidity.ask - liquidity.bid) / 2, "optimal": quote.quotes.half_spread},
        "skew_per_order": quote.quotes.skew,
        "kappa": quote.decay,
        "gamma": quote.aversion,
        "initial_inventory": _ORDERS * size,
        "quotes": instruments.quotes(market, liquidity),
    }
    return Proposal(
        opportunity_type=OPPORTUNITY_TYPES[0],
        symbol=symbol,
        exchange=exchange,
        purpose=Purpose.PROFIT,
        benefit_usd=quote.profit_usd,
        evidence=Evidence(
            "z of a day's profit over inventory risk",
            quote.z,
            instruments.VOLATILITY_BARS,
            inference.p_value(quote.z),
        ),
        max_loss_usd=loss,
        required_capital_usd=required,
        horizon_hours=24.0,
        entry_price=bid,
        exit_price=ask,
        asset_tier=AssetTier.of(liquidity.volume_24h_usd),
        legs=(Leg("buy", symbol, exchange, size, bid), Leg("sell", symbol, exchange, size, ask)),
        stop=mid * (1 - fall),
        metadata=metadata,
    )
