"""What a static arbitrage among the quotes of one expiry nets after all fees, and the proposal it makes."""

from dataclasses import dataclass

import numpy as np

from opportunities.domain import AssetTier, Investor, Json, Leg, Proposal, Purpose
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import inference, option_structures, sizing
from opportunities.maths.costs import FINANCING
from opportunities.trading.margin import LEAST_MARGIN, SHORT_OPTION_MARGIN
from opportunities.trading.option_chains import Expiry, available, in_lots, options_of, premium_of

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Arbitrage:
    """A structure of a size: what it nets, what it costs, and the option rows that it trades."""

    expiry: Expiry
    structure: option_structures.Structure
    units: float
    profit_usd: float
    fees_usd: float
    slippage_usd: float
    financing_usd: float
    capital_usd: float
    max_loss_usd: float
    rows: tuple[int, ...]
    symbols: tuple[str, ...]

    @property
    def kind(self) -> str:
        return self.structure.kind

    @property
    def quotes(self) -> set[tuple[str, str]]:
        """The options that it trades; the future's quotes are not used up."""
        return {(self.expiry.exchange, symbol) for symbol in self.symbols}


def evaluate(
    market: MarketSnapshot, investor: Investor, expiry: Expiry, structure: option_structures.Structure
) -> Arbitrage | None:
    """The largest size that quotes, lots and capital allow; None where nothing is left after fees.

    Fees: every option, its delivery if it is in the money at the forward, the future and its delivery (charged as
    taker fees). Premium that is paid on balance is financed until expiry. The future's price is what its volume makes
    of it (`costs`).
    """
    chain, fees = expiry.chain, expiry.fees
    unit = 1.0 if chain.inverse else expiry.forward
    rows = tuple(int(expiry.rows[leg.call][leg.strike]) for leg in structure.legs)
    fee_rate, premiums = abs(structure.forward) * unit * fees.perpetual_taker * 2, 0.0
    paid = 0.0
    for leg in structure.legs:
        premium, moneyness = premium_of(chain, leg), expiry.forward - float(chain.strike[leg.strike])
        payoff = max(moneyness if leg.call else -moneyness, 0.0) / expiry.forward * unit
        fee_rate += abs(leg.ratio) * (expiry.fee(premium, unit) + expiry.fee(payoff, unit))
        premiums += max(leg.ratio, 0.0) * premium
        paid += leg.ratio * premium
    sold = sum(max(-leg.ratio, 0.0) for leg in structure.legs)
    margin = (SHORT_OPTION_MARGIN * sold + LEAST_MARGIN * abs(structure.forward)) * expiry.forward
    capital_rate = (margin + (premiums + fee_rate) * expiry.coin_usd) / expiry.forward
    loss_rate = fee_rate * expiry.coin_usd / expiry.forward * 2
    units = min(
        available(market, row, bought=leg.ratio > 0) / abs(leg.ratio)
        for row, leg in zip(rows, structure.legs, strict=True)
    )
    if structure.forward:
        units = min(units, expiry.future.capacity_usd / expiry.forward / abs(structure.forward))
    capacity = units * expiry.forward
    units = sizing.notional_usd(investor, max(loss_rate, 1e-9), capital_rate, capacity) / expiry.forward
    legs = [(row, leg.ratio) for row, leg in zip(rows, structure.legs, strict=True)]
    units = in_lots(market, units, legs, expiry, structure.forward)
    if not units:
        return None
    slippage = _slippage_usd(expiry, structure, units)
    financing = FINANCING * expiry.years * max(paid, 0.0) * units * expiry.coin_usd
    profit = units * (structure.edge - fee_rate) * expiry.coin_usd - slippage - financing
    if profit <= _ROUNDING * units * expiry.forward:
        return None
    fees_usd = units * fee_rate * expiry.coin_usd
    capital = units * capital_rate * expiry.forward
    # What is certain is so in the premium's currency: coins that were paid can be worth nothing when they come back.
    max_loss = 2 * fees_usd + (units * max(paid, 0.0) * expiry.coin_usd if chain.inverse else 0.0)
    symbols = tuple(options_of(market).symbols[row] for row in rows)
    return Arbitrage(expiry, structure, units, profit, fees_usd, slippage, financing, capital, max_loss, rows, symbols)


def proposal(market: MarketSnapshot, found: Arbitrage) -> Proposal:
    """The arbitrage as a proposal; its symbol is that of the expiry's own future."""
    options, expiry, structure = options_of(market), found.expiry, found.structure
    costs = found.fees_usd + found.slippage_usd + found.financing_usd
    legs: list[Leg] = []
    for row, leg in zip(found.rows, structure.legs, strict=True):
        premium = premium_of(expiry.chain, leg)
        legs.append(_leg(expiry, leg.ratio, options.symbols[row], found.units, premium))
    if structure.forward:
        price = expiry.future.ask if structure.forward > 0 else expiry.future.bid
        legs.append(_leg(expiry, structure.forward, expiry.name, found.units, price))
    metadata: dict[str, Json] = {
        "size": found.units,
        "notional_usd": found.units * expiry.forward,
        "expected_value_usd": found.profit_usd,
        "edge_before_fees": structure.edge,
        "premium_currency": expiry.base if expiry.chain.inverse else "USD",
        "fees_usd": found.fees_usd,
        "slippage_usd": found.slippage_usd,
        "financing_usd": found.financing_usd,
        "days": expiry.seconds / 86_400,
        "forward": expiry.forward,
    }
    if structure.forward:
        metadata["hedge"] = "future's own quotes" if expiry.future_quoted else "forward price, 5 bp allowed: no quotes"
    return Proposal(
        opportunity_type=structure.kind,
        symbol=expiry.name,
        exchange=expiry.exchange,
        purpose=Purpose.PROFIT,
        benefit_usd=found.profit_usd,
        evidence=inference.of_edge(found.profit_usd, costs, len(legs)),
        max_loss_usd=found.max_loss_usd,
        required_capital_usd=found.capital_usd,
        horizon_hours=expiry.seconds / 3600,
        entry_price=None,
        exit_price=None,
        asset_tier=AssetTier.of(float(np.nansum(options.volume_24h_usd[list(found.rows)]))),
        legs=tuple(legs),
        stop=None,
        metadata=metadata,
    )


def _slippage_usd(expiry: Expiry, structure: option_structures.Structure, units: float) -> float:
    quantity = units * abs(structure.forward)
    if not quantity:
        return 0.0
    fill = expiry.future.buy(quantity) if structure.forward > 0 else expiry.future.sell(quantity)
    return fill.slippage_usd


def _leg(expiry: Expiry, ratio: float, symbol: str, units: float, price: float) -> Leg:
    return Leg("buy" if ratio > 0 else "sell", symbol, expiry.exchange, abs(ratio) * units, price)
