"""What an exchange takes as an order: whole lots, and no less than its minimum."""

from dataclasses import dataclass
from math import ceil, floor, isfinite

from opportunities.market.snapshot import Rules
from opportunities.maths import sizing
from opportunities.maths.costs import Liquidity

# How often the coins of a whole number of USD are priced anew: each round is some hundred times nearer.
_ROUNDS = 5


def lot_of(rules: Rules | None, row: int, price: float, *, inverse: bool = False) -> float:
    """The smallest step of an order's quantity, in units of base; 0 where the exchange says none.

    Lots of an inverse contract are USD: at `price` they are so many coins.
    """
    lot = float(rules.lot[row] * rules.contract_size[row]) if rules is not None else 0.0
    if not (isfinite(lot) and lot > 0):
        return 0.0
    return lot / price if inverse else lot


def least_notional(rules: Rules | None, row: int) -> float:
    """The least worth of an order in USD: what the exchange says, and `sizing.MINIMUM_NOTIONAL_USD` everywhere."""
    minimum = float(rules.minimum_notional_usd[row]) if rules is not None else 0.0
    return max(minimum, sizing.MINIMUM_NOTIONAL_USD) if isfinite(minimum) else sizing.MINIMUM_NOTIONAL_USD


def orderable(rules: Rules | None, row: int, quantity: float, price: float, *, inverse: bool = False) -> float:
    """The largest quantity up to this one (units of base, > 0) that listing `row` takes, in whole lots; 0 if none.

    Less than its minimum notional at `price` is taken nowhere.
    """
    lot = lot_of(rules, row, price, inverse=inverse)
    if lot:
        quantity = floor(quantity / lot * (1 + 1e-12)) * lot
    return quantity if quantity * price >= least_notional(rules, row) else 0.0


@dataclass(frozen=True)
class LotOrder:
    """A listing that an order is meant for, and its rules; lots of an inverse contract are USD."""

    rules: Rules | None
    row: int
    liquidity: Liquidity
    buy: bool = False
    inverse: bool = False

    def orderable(self, quantity: float) -> float:
        """The largest quantity up to this one that it takes, in whole lots at the price that it gets; 0 if none."""
        if not self.inverse:
            return orderable(self.rules, self.row, quantity, self.liquidity.bid)
        if quantity <= 0:
            return 0.0
        price = self._price(quantity)
        whole = orderable(self.rules, self.row, quantity, price, inverse=True)
        usd = whole * price
        for _ in range(_ROUNDS if whole else 0):
            whole = usd / self._price(whole)
        return whole

    def _price(self, quantity: float) -> float:
        return (self.liquidity.buy(quantity) if self.buy else self.liquidity.sell(quantity)).price


def hedged(bought: LotOrder, sold: LotOrder, quantity: float) -> tuple[float, float]:
    """The largest quantities up to this one to buy of a coin and to sell against it, each in its own lots; else zeros.

    What is sold is never more than what is bought, and less only by what the lots leave over.
    """
    short = sold.orderable(bought.orderable(quantity))
    lot = lot_of(bought.rules, bought.row, bought.liquidity.bid)
    long = ceil(short / lot * (1 - 1e-12)) * lot if lot else short
    return (long, short) if short and bought.orderable(long) else (0.0, 0.0)
