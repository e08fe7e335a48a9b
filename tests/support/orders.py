"""What a leg trades: its listing in a snapshot, with the listing's order rules and its prices in USD."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opportunities.domain import DOLLARS
from opportunities.market.snapshot import MarketSnapshot


@dataclass(frozen=True)
class Listing:
    """`kind` is the section; `usd` what a unit of what its price counts is worth: the quote, or an option's coin."""

    market: MarketSnapshot
    kind: str
    row: int
    base: str
    usd: float

    @property
    def section(self) -> Any:
        return getattr(self.market, self.kind)

    @property
    def inverse(self) -> bool:
        return self.kind != "spot" and bool(self.section.inverse[self.row])

    @property
    def expiry(self) -> int | None:
        return int(self.section.expiry[self.row]) if self.kind in {"futures", "options"} else None

    @property
    def lot(self) -> float:
        return float(self.section.rules.lot[self.row] * self.section.rules.contract_size[self.row])

    @property
    def minimum_usd(self) -> float:
        return float(self.section.rules.minimum_notional_usd[self.row])

    def amount(self, leg: Mapping[str, Any]) -> float:
        """What is ordered, in the unit of lots: coins, or the USD of an inverse contract."""
        return float(leg["quantity"] * (leg["price"] if self.inverse and self.kind != "options" else 1.0))

    def worth_usd(self, leg: Mapping[str, Any]) -> float:
        """The worth of the coins that the order is about."""
        if self.kind == "options":
            return float(leg["quantity"] * self.section.forward[self.row])
        return float(leg["quantity"] * leg["price"] * self.usd)


def listing_of(market: MarketSnapshot, symbol: str, exchange: str) -> Listing:
    """The listing of a symbol on an exchange."""
    pair, _, contract = symbol.partition(":")
    base, _, quote = pair.partition("/")
    kind = "spot" if not contract else "perpetuals" if "-" not in contract else "futures"
    kind = "options" if contract.endswith(("-C", "-P")) else kind
    section = getattr(market, kind)
    row = list(zip(section.symbols, section.exchanges, strict=True)).index((symbol, exchange))
    if kind == "options":
        usd = float(section.index[row]) if section.inverse[row] else 1.0
    else:
        usd = 1.0 if quote in DOLLARS else price_usd(market, quote)
    return Listing(market, kind, row, base, usd)


def price_usd(market: MarketSnapshot, asset: str) -> float:
    """The middle of the asset's first listing in dollars; a dollar is worth 1."""
    spot = market.spot
    if asset in DOLLARS:
        return 1.0
    assert spot is not None
    row = next(
        row
        for row, symbol in enumerate(spot.symbols)
        if symbol.partition("/")[0] == asset and symbol.partition("/")[2] in DOLLARS
    )
    return float(spot.bid[row] + spot.ask[row]) / 2
