"""Margins: what exchanges are assumed to ask of perpetuals, futures and options, and what a position puts up."""

from math import sqrt

LEAST_MARGIN = 1 / 3
"""Of the notional: leverage is at most three."""
MAINTENANCE_MARGIN = 0.01
SHORT_OPTION_MARGIN = 0.15
"""Of the underlying: Deribit's initial margin of a short option before the credit for being out of the money."""
LIQUIDATION_BUFFER = 0.05
"""Of the way from liquidation to entry: freqtrade keeps stops so far from liquidation."""
_BUFFER_SIGMAS = 3.0


def margin_rate(daily_volatility: float, days: float) -> float:
    """Margin per unit of notional that bears a move of 3 standard deviations in so many days, and is at least a third.

    The move lies above the maintenance margin.
    """
    return max(LEAST_MARGIN, MAINTENANCE_MARGIN + _BUFFER_SIGMAS * daily_volatility * sqrt(days))


def liquidation_price(entry: float, margin_rate: float, fee: float, side: int) -> float:
    """Where an isolated position is liquidated, `margin_rate` per unit of notional; side 1 long, -1 short.

    (entry - margin/quantity) / (1 - (mmr + fee)) of a long, (entry + margin/quantity) / (1 + mmr + fee) of a short
    (freqtrade, exchange.py, dry_run_liquidation_price).
    """
    return entry * (1 - side * margin_rate) / (1 - side * (MAINTENANCE_MARGIN + fee))
