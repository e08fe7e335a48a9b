"""What the orders of an opportunity pay at any prices to come, from the orders alone: no strategy's code is used.

Money is in USD, fees are left out. Spot coins are worth their price; what is sold of them the caller had. A perpetual
or a future pays quantity x (price - entry), to a long, also where it is margined in coin: N (1/entry - 1/exit) coins
are worth N (exit/entry - 1) USD. An option pays its intrinsic value; premiums in coin are bought today where they are
paid on balance, and kept where they are received. Contracts of different expiries meet different prices of one coin:
between the two nothing hedges the later one. What has no expiry can be kept until the last.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf
from typing import Any

from opportunities.domain import Opportunity
from opportunities.market.snapshot import MarketSnapshot
from tests.support.orders import Listing, listing_of, price_usd

_FAR = (1e3, 1e4)


@dataclass(frozen=True)
class Position:
    """One order, signed: `quantity` of it bought, or sold if negative."""

    listing: Listing
    quantity: float
    price: float


def positions(market: MarketSnapshot, one: Opportunity) -> list[Position]:
    legs: Any = one.metadata["legs"]
    return [
        Position(
            listing_of(market, leg["symbol"], leg.get("exchange", one.exchange)),
            leg["quantity"] * (1 if leg["side"] == "buy" else -1),
            leg["price"],
        )
        for leg in legs
    ]


def worst_loss_usd(market: MarketSnapshot, one: Opportunity) -> float:
    """The most that the orders can lose if they are held to their expiries; `inf` where that has no bound."""
    held = positions(market, one)
    bases = sorted({each.listing.base for each in held})
    lost = 0.0
    for base in bases:
        mine = [each for each in held if each.listing.base == base]
        lost += _worst_of_coin(market, base, mine)
    return lost + _spot(market, held)


def _spot(market: MarketSnapshot, held: Sequence[Position]) -> float:
    """What coins bought on balance cost beyond what those sold brought, if the former become worthless."""
    coins: dict[str, float] = {}
    cash = 0.0
    for each in held:
        if each.listing.kind == "spot" and not _hedged_by_contracts(each, held):
            pair = each.listing.section.symbols[each.listing.row].split("/")
            coins[pair[0]] = coins.get(pair[0], 0.0) + each.quantity
            quote = -each.quantity * each.price
            if each.listing.usd == 1.0 and price_usd(market, pair[1]) == 1.0:
                cash += quote
            else:
                coins[pair[1]] = coins.get(pair[1], 0.0) + quote
    # What is sold on balance was the caller's: they have its worth instead.
    cash -= sum(-quantity * price_usd(market, asset) for asset, quantity in coins.items() if quantity < 0)
    return -cash


def _hedged_by_contracts(spot: Position, held: Sequence[Position]) -> bool:
    return any(each.listing.kind != "spot" and each.listing.base == spot.listing.base for each in held)


def _worst_of_coin(market: MarketSnapshot, base: str, mine: Sequence[Position]) -> float:
    if all(each.listing.kind == "spot" for each in mine):
        return 0.0
    now = price_usd(market, base)
    expiries = sorted({each.listing.expiry or 0 for each in mine} - {0}) or [0]
    strikes = {float(each.listing.section.strike[each.listing.row]) for each in mine if each.listing.kind == "options"}
    near = [1e-9 * now, now, *sorted(strikes)]
    far = [now * each for each in _FAR]
    slopes = [
        paid_usd(mine, {**dict.fromkeys(expiries, now), expiry: far[1]}, expiries[-1])
        - paid_usd(mine, {**dict.fromkeys(expiries, now), expiry: far[0]}, expiries[-1])
        for expiry in expiries
    ]
    together = paid_usd(mine, dict.fromkeys(expiries, far[1]), expiries[-1]) - paid_usd(
        mine, dict.fromkeys(expiries, far[0]), expiries[-1]
    )
    size = sum(abs(each.quantity) for each in mine) * (far[1] - far[0])
    if min(*slopes, together) < -1e-6 * size:
        return inf
    return -min(paid_usd(mine, prices, expiries[-1]) for prices in _paths(expiries, [*near, far[0]]))


def _paths(expiries: Sequence[int], prices: Sequence[float]) -> Iterator[Mapping[int, float]]:
    for each in product(prices, repeat=len(expiries)):
        yield dict(zip(expiries, each, strict=True))


def paid_usd(mine: Sequence[Position], prices: Mapping[int, float], last: int) -> float:
    """What the positions in one coin have made if these are its prices; what has no expiry is kept to the last."""
    made = coins = 0.0
    for each in mine:
        price = prices[each.listing.expiry or last]
        if each.listing.kind != "options":
            made += each.quantity * (price - each.price)
            continue
        section, row = each.listing.section, each.listing.row
        away = price - float(section.strike[row])
        made += each.quantity * max(away if section.call[row] else -away, 0.0)
        if each.listing.inverse:
            coins -= each.quantity * each.price
        else:
            made -= each.quantity * each.price
    options = next((each.listing for each in mine if each.listing.kind == "options"), None)
    if options is None:
        return made
    kept = prices[options.expiry or last]
    return made + coins * (kept if coins > 0 else options.usd)
