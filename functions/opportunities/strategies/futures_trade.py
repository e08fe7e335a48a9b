"""Perpetuals in a clear trend, long or short, and dated futures that pay more than carrying the coin costs.

`futures_direction`: time-series momentum (Moskowitz, Ooi and Pedersen, Time Series Momentum, 2012). The mean log
return of the last 168 bars of the perpetual's own candles (four weeks of 4 h, else of 1 h) differs from zero with a
one-sided p-value (Newey-West) of at most 0.0025, and EMA(20) lies on the same side of EMA(50). Stop at 2 ATR(14),
target twice as far. Isolated margin, so that the liquidation price, (entry - margin/quantity) / (1 - (mmr + fee)) of a
long and (entry + margin/quantity) / (1 + mmr + fee) of a short (freqtrade, exchange.py, dry_run_liquidation_price;
maintenance margin rate mmr 1 % assumed), lies 1.5 times as far as the stop, and with freqtrade's buffer of 5 % still
strictly beyond it; leverage at most 2, 3 or 5 by risk tolerance. Funding until the expected exit
(`inference.Ar1.sum_of_next` of 90 payments, else the next rate times their number) is paid or received. Expected value
and time to exit as in spot momentum: driftless. One trade per contract, on the exchange where it nets most.

`futures_basis`: cash and carry, (F/S - 1) over the days to expiry (Hull, Options, Futures, and Other Derivatives,
chapter 5): buy the coin, sell the dated future on the same exchange, hold to expiry. `futures_calendar`: buy the nearer
future, sell the farther one at least 14 days later; the coin, bought at the nearer settlement, is carried between. When
the nearer has expired, nothing hedges the farther until the coin is bought, and that is no order: its loss has no
bound. Both after fees, spreads and financing (`trading.carry`); nothing under 14 days is judged. No contract is traded
twice. Selling the coin short (futures below spot) needs borrowed coins and is not judged; nor are inverse perpetuals,
whose margin in coin is a second position.

Inputs: linear perpetuals with 200 fresh closed bars, or dated futures and spot of the same base. Confidence:
`inference.confidence` of the trend's p-value; `inference.of_edge` of profit and costs for basis and calendar.
Refuses: neither perpetuals with candles nor dated futures with a spot market.
"""

from opportunities.domain import Investor, Proposals
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.trading import carry, carry_legs, trend
from opportunities.trading.carry import Carry, price_carry
from opportunities.trading.carry_legs import MINIMUM_DAYS, CarryLeg
from opportunities.trading.disjoint import disjoint

TITLE = "Futures"
OPPORTUNITY_TYPES = ("futures_direction", "futures_basis", "futures_calendar")
NEEDS = ("linear perpetuals' candles: 200 closed bars of 4h or 1h", "or dated futures and spot quotes of the same base")


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Trends of perpetuals, bases and calendars of dated futures."""
    found, examined = trend.proposals(market, investor)
    if market.futures is not None and market.spot is not None:
        coins = carry_legs.coin_legs(market, investor)
        futures = carry_legs.future_legs(market, investor, coins)
        examined += sum(len(legs) for legs in futures.values())
        carries = [each for base, legs in futures.items() for each in _carries(market, investor, coins[base], legs)]
        found += [carry.proposal(market, each) for each in disjoint(carries)]
    if not examined:
        raise Unsuitable(
            "no linear perpetual has quotes, volume and 200 closed, fresh candles of 4h or 1h, and no dated future with"
            f" {MINIMUM_DAYS:.0f} days to go has quotes, volume and a spot market of its base"
        )
    return Proposals(tuple(found), examined=examined)


def _carries(market: MarketSnapshot, investor: Investor, coins: list[CarryLeg], futures: list[CarryLeg]) -> list[Carry]:
    """Every basis and calendar of one base within an exchange: at most one per coin or pair of futures."""
    contracts = carry_legs.futures_of(market)
    found: list[Carry | None] = []
    for sold in futures:
        here = [coin for coin in coins if coin.exchange == sold.exchange]
        found += [price_carry(market, investor, "futures_basis", (coin, sold), coin) for coin in here]
        for near in futures:
            apart = (sold.expiry or 0) - (near.expiry or 0) >= MINIMUM_DAYS * 86_400
            alike = contracts.inverse[near.row] == contracts.inverse[sold.row] and near.exchange == sold.exchange
            if apart and alike and here:
                found.append(price_carry(market, investor, "futures_calendar", (near, sold), here[0]))
    return [each for each in found if each is not None]
