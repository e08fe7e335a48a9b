"""A long spot trade between a stop and a target: its size, what it costs, nets and risks, on the best listing."""

from collections.abc import Iterable
from dataclasses import dataclass

from opportunities.domain import AssetTier, Investor, Json, Opportunity, Timeframe
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import sizing
from opportunities.maths.costs import Fill
from opportunities.trading import instruments
from opportunities.trading.instruments import Listing


@dataclass(frozen=True)
class Bracket:
    """Buy at the ask, sell at the bid when it reaches `target` (for `profit_usd`) or `stop` (for -`loss_usd`).

    `exit_now` is what selling at once would get; its distance to the bid is charged on the exit too.
    """

    listing: Listing
    entry: Fill
    exit_now: Fill
    stop: float
    target: float

    @property
    def paid_usd(self) -> float:
        return self.entry.notional_usd + self.entry.fee_usd

    @property
    def profit_usd(self) -> float:
        return self.net_usd(self.target)

    @property
    def loss_usd(self) -> float:
        return -self.net_usd(self.stop)

    @property
    def target_first_driftless(self) -> float:
        """The chance that a driftless price reaches the target before the stop.

        Gambler's ruin (Feller, An Introduction to Probability Theory, volume 1, 1968, XIV.2).
        """
        return (self.listing.liquidity.bid - self.stop) / (self.target - self.stop)

    def net_usd(self, bid: float) -> float:
        """What the trade has made after all costs if it is closed at this bid."""
        return self.entry.quantity * bid * self._slipped * (1 - self.listing.liquidity.fee) - self.paid_usd

    def expected_usd(self, target_first: float) -> float:
        """The expected value, if that is the chance of the target."""
        return target_first * self.profit_usd - (1 - target_first) * self.loss_usd

    def metadata(self, market: MarketSnapshot) -> dict[str, Json]:
        """Size, stop, costs and the order, as every trade of this kind shows them."""
        spot, liquidity = instruments.spot_of(market), self.listing.liquidity
        symbol, exchange = spot.symbols[self.listing.row], spot.exchanges[self.listing.row]
        exit_fee = self.entry.quantity * self.target * self._slipped * liquidity.fee
        return {
            "size": self.entry.quantity,
            "notional_usd": self.entry.notional_usd,
            "stop": self.stop,
            "loss_at_stop_usd": self.loss_usd,
            "fees_usd": self.entry.fee_usd + exit_fee,
            "slippage_usd": self.entry.slippage_usd + self.exit_now.slippage_usd,
            "quotes": instruments.quotes(market, liquidity),
            "legs": [instruments.leg("buy", symbol, exchange, self.entry)],
        }

    def opportunity(
        self,
        market: MarketSnapshot,
        *,
        strategy: str,
        title: str,
        kind: str,
        confidence: float,
        timeframe: Timeframe,
        metadata: dict[str, Json],
    ) -> Opportunity:
        """The trade as an opportunity; `metadata` is what its strategy adds to what every trade shows."""
        spot = instruments.spot_of(market)
        return Opportunity(
            strategy_id=strategy,
            strategy_name=title,
            opportunity_type=kind,
            symbol=spot.symbols[self.listing.row],
            exchange=spot.exchanges[self.listing.row],
            profit_potential_usd=self.profit_usd,
            confidence_score=confidence,
            risk_level=sizing.risk_level(self.loss_usd, self.paid_usd),
            required_capital_usd=self.paid_usd,
            estimated_timeframe=timeframe,
            entry_price=self.entry.price,
            exit_price=self.target,
            asset_tier=AssetTier.of(self.listing.liquidity.volume_24h_usd),
            metadata=metadata | self.metadata(market),
            discovered_at=market.captured_at,
        )

    @property
    def _slipped(self) -> float:
        return self.exit_now.price / self.listing.liquidity.bid


def best_bracket(
    market: MarketSnapshot, investor: Investor, listings: Iterable[Listing], stop: float, target: float
) -> Bracket | None:
    """The trade on the listing where it nets most; None where the target pays the costs nowhere.

    `stop` and `target` are bids. The size is the least of what risk, capital, liquidity and lots allow (`sizing`).
    """
    brackets = [
        bracket
        for listing in listings
        if stop < listing.liquidity.bid
        and (bracket := _bracket(market, investor, listing, stop, target)) is not None
        and bracket.profit_usd > 0
    ]
    return max(brackets, key=lambda bracket: bracket.profit_usd, default=None)


def _bracket(
    market: MarketSnapshot, investor: Investor, listing: Listing, stop: float, target: float
) -> Bracket | None:
    liquidity = listing.liquidity
    if stop <= 0:
        return None
    loss_rate = (liquidity.ask - stop) / liquidity.ask + 2 * liquidity.fee
    notional = sizing.notional_usd(investor, loss_rate, 1 + liquidity.fee, liquidity.capacity_usd)
    rules = instruments.spot_of(market).rules
    size = instruments.orderable(rules, listing.row, notional / liquidity.ask, liquidity.ask)
    if size <= 0:
        return None
    return Bracket(listing, liquidity.buy(size), liquidity.sell(size), stop, target)
