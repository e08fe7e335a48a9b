"""What a proposal's orders are in words: one short sentence that says what to buy and what to sell."""

from decimal import Decimal

from opportunities.domain import Leg, Proposal, Purpose

_SHOWN = 2


def action(proposal: Proposal) -> str:
    """What to do, side first: "buy 0.5 BTC/USDT", "sell 1.2 BTC you hold", "sell 120 IMX/USDT:USDT and 2 more".

    At most two orders are named. One for another exchange than the proposal's says which. A maker's two quotes are no
    two orders: "quote 500 DOGE/USDT on both sides, holding 2500".
    """
    inventory = proposal.metadata.get("initial_inventory")
    if isinstance(inventory, float):
        quote = proposal.legs[0]
        return f"quote {_plain(quote.quantity)} {quote.symbol} on both sides, holding {_plain(inventory)}"
    more = len(proposal.legs) - _SHOWN
    named = ", ".join(_order(leg, proposal) for leg in proposal.legs[:_SHOWN])
    return f"{named} and {more} more" if more > 0 else named


def _order(leg: Leg, proposal: Proposal) -> str:
    # Spot markets sell nothing short: whoever lowers a risk there sells what they have.
    held = leg.side == "sell" and ":" not in leg.symbol and proposal.purpose is Purpose.RISK_REDUCTION
    what = f"{leg.symbol.partition('/')[0]} you hold" if held else leg.symbol
    where = "" if leg.exchange == proposal.exchange else f" on {leg.exchange}"
    return f"{leg.side} {_plain(leg.quantity)} {what}{where}"


def _plain(quantity: float) -> str:
    """To seven significant digits, without an exponent."""
    return f"{Decimal(f'{quantity:.7g}').normalize():f}"
