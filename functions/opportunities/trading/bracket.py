"""A long spot trade between a stop and a target: its size, what it costs, nets and risks, on the best listing."""

from collections.abc import Iterable
from dataclasses import dataclass

from opportunities.domain import AssetTier, Evidence, Investor, Json, Proposal, Purpose
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import sizing
from opportunities.maths.costs import Fill
from opportunities.trading import instruments, lots
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

    def driftless_hours(self) -> float:
        """Until a driftless price is expected to reach stop or target: (bid - stop)(target - bid) / σ² (XIV.3)."""
        bid = self.listing.liquidity.bid
        deviation = bid * self.listing.liquidity.daily_volatility
        return 24 * (bid - self.stop) * (self.target - bid) / deviation**2

    def driftless(self) -> dict[str, Json]:
        """What a price without drift makes of the trade, about minus its costs, and when it would break even."""
        return {
            "expected_value_usd": self.expected_usd(self.target_first_driftless),
            "probability": {
                "target_first_driftless": self.target_first_driftless,
                "break_even": self.loss_usd / (self.profit_usd + self.loss_usd),
            },
        }

    def expected_usd(self, target_first: float) -> float:
        """The expected value, if that is the chance of the target."""
        return target_first * self.profit_usd - (1 - target_first) * self.loss_usd

    def proposal(
        self, market: MarketSnapshot, *, kind: str, evidence: Evidence, horizon_hours: float, metadata: dict[str, Json]
    ) -> Proposal:
        """The trade as a proposal; `metadata` is what its strategy adds to what every trade shows."""
        spot, liquidity = instruments.spot_of(market), self.listing.liquidity
        symbol, exchange = spot.symbols[self.listing.row], spot.exchanges[self.listing.row]
        exit_fee = self.entry.quantity * self.target * self._slipped * liquidity.fee
        shown: dict[str, Json] = {
            "size": self.entry.quantity,
            "notional_usd": self.entry.notional_usd,
            "loss_at_stop_usd": self.loss_usd,
            "fees_usd": self.entry.fee_usd + exit_fee,
            "slippage_usd": self.entry.slippage_usd + self.exit_now.slippage_usd,
            "quotes": instruments.quotes(market, liquidity),
        }
        return Proposal(
            opportunity_type=kind,
            symbol=symbol,
            exchange=exchange,
            purpose=Purpose.PROFIT,
            benefit_usd=self.profit_usd,
            evidence=evidence,
            max_loss_usd=self.loss_usd,
            required_capital_usd=self.paid_usd,
            horizon_hours=horizon_hours,
            entry_price=self.entry.price,
            exit_price=self.target,
            asset_tier=AssetTier.of(liquidity.volume_24h_usd),
            legs=(instruments.leg("buy", symbol, exchange, self.entry),),
            stop=self.stop,
            metadata=metadata | shown,
        )

    @property
    def _slipped(self) -> float:
        return self.exit_now.price / self.listing.liquidity.bid


def best_bracket(
    market: MarketSnapshot, investor: Investor, listings: Iterable[Listing], stop: float, target: float
) -> Bracket | None:
    """The trade on the listing where it nets most; None where the target pays the costs nowhere.

    `stop` and `target` are bids. The size is the least of what risk, capital and liquidity allow (`sizing`), in
    whole lots (`lots`).
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
    size = lots.orderable(rules, listing.row, notional / liquidity.ask, liquidity.ask)
    if size <= 0:
        return None
    return Bracket(listing, liquidity.buy(size), liquidity.sell(size), stop, target)
