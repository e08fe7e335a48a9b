"""Hold a coin and short its perpetual: no exposure to the price, and longs pay the funding.

Idea: while funding is positive, long spot plus short perpetual of the same base earns it; the trade pays when the
funding of the holding time exceeds two entries and two exits. (Negative funding needs borrowed coins: not judged.)

Expected funding is not the current rate times n. The rate of each contract, at its own interval, is fitted as a first
order autoregression to the payments made at that interval; the sum of the payments of the next 30 days and its
standard error follow (`inference.Ar1.sum_of_next`, with `funding_rate` as the next payment). The contract qualifies
if that sum exceeds the costs, with a one-sided p-value of at most 0.05, and the trade still nets more than nothing.
The fit can't foresee a change of regime: the mean BTC rate of 2024 was thirty times that of 2026.

Costs per unit of notional: spot and perpetual taker fees at entry and exit, both spreads and slippage (all orders as
if at once: the exit at today's quotes), and a perpetual below spot is charged with closing that gap (a premium is
not credited). Break-even periods = costs / mean expected rate.

Trade: buy spot at the ask, sell as much of the perpetual at the bid, each in its own lots and never more sold than
bought. The margin of a linear contract's short bears a rise of 3 standard deviations in a week (it is topped up weekly,
from the spot gain) above the maintenance margin, 1 % assumed, and is at least a third (leverage at most 3). Isolated
liquidation price (margin + notional) / (quantity (1 + maintenance + taker fee)), as freqtrade computes it (exchange.py,
dry_run_liquidation_price). Required capital is spot, margin and entry fees; the most that it can lose is what leaving
at once does, and what lots leave unhedged.

Of an inverse contract as many USD are sold as the coins bought are worth at its bid, and these coins are its margin:
what N = q x bid USD short pay, N (1/exit - 1/entry) coins, makes the q coins worth N USD at every price (Alexander,
Choi, Park and Sohn, BitMEX Bitcoin Derivatives, Journal of Futures Markets, 2020, on inverse payoffs). So no other
margin is needed, no rise liquidates it, and funding, the rate times N USD, comes in coins that are sold as they come.

Inputs: perpetuals with at least 90 payments at the contract's interval, the last at most two intervals ago; the same
base in spot (in the same quote; of an inverse contract in any dollar), on the same exchange if it is there, else
where it is cheapest, within 5 % of the perpetual's price (else it is another coin of that name). Confidence:
`inference.confidence` of the p-value above.
Refuses: no perpetuals, no spot, no contract with all of this.
"""

from dataclasses import dataclass

import numpy as np

from opportunities.domain import AssetTier, Evidence, Investor, Json, Proposal, Proposals, Purpose
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot, Perpetuals
from opportunities.maths import inference, sizing
from opportunities.maths.arrays import Floats
from opportunities.maths.costs import Fill, Liquidity
from opportunities.trading import instruments, lots
from opportunities.trading.lots import LotOrder
from opportunities.trading.margin import liquidation_price, margin_rate

TITLE = "Funding arbitrage"
OPPORTUNITY_TYPES = ("funding_arbitrage",)
NEEDS = ("perpetuals: 90 funding payments", "spot quotes and candles of the same base")

_MINIMUM_PAYMENTS = 90
_HORIZON_DAYS = 30
_SIGNIFICANCE = 0.05
_BUFFER_DAYS = 7


@dataclass(frozen=True)
class _Pair:
    """One contract and the spot market that hedges it."""

    contract: int
    spot: int
    perpetual: Liquidity
    coin: Liquidity
    payments: Floats
    inverse: bool

    @property
    def basis(self) -> float:
        """Mid of the perpetual over mid of the spot, less one."""
        return (self.perpetual.bid + self.perpetual.ask) / (self.coin.bid + self.coin.ask) - 1

    @property
    def margin_rate(self) -> float:
        """Margin per unit of notional of the short, beside the coins bought."""
        if self.inverse:
            return 0.0
        return margin_rate(self.coin.daily_volatility, _BUFFER_DAYS)


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Spot against perpetual where 30 days of funding are expected to pay all costs."""
    perpetuals = instruments.perpetuals_of(market)
    instruments.spot_of(market)
    pairs = [pair for row in range(len(perpetuals.symbols)) if (pair := _pair(market, investor, row)) is not None]
    if not pairs:
        raise Unsuitable(
            f"no perpetual has quotes, volume, {_MINIMUM_PAYMENTS} recent funding payments that vary,"
            " and a spot market of the same base"
        )
    found = [proposal for pair in pairs if (proposal := _proposal(market, investor, pair)) is not None]
    return Proposals(tuple(found), examined=len(pairs))


def break_even_periods(cost_rate: float, rate: float) -> float:
    """After how many payments of `rate` the costs, both per unit of notional, are paid."""
    return cost_rate / rate


def _pair(market: MarketSnapshot, investor: Investor, contract: int) -> _Pair | None:
    """The contract with its spot market, if the market says enough of both."""
    perpetuals = instruments.perpetuals_of(market)
    payments = _payments(perpetuals, contract, market.captured_at)
    enough = len(payments) >= _MINIMUM_PAYMENTS and np.ptp(payments) > 0
    if not enough or not np.isfinite(perpetuals.funding_rate[contract]):
        return None
    candidates: list[tuple[bool, float, str, _Pair]] = []
    inverse = bool(perpetuals.inverse[contract])
    for row in _spot_rows(market, perpetuals.symbols[contract], any_dollar=inverse):
        exchange = instruments.spot_of(market).exchanges[row]
        coin = instruments.spot_liquidity(market, investor, row)
        perpetual = instruments.perpetual_liquidity(market, investor, contract, coin.daily_volatility)
        pair = _Pair(contract, row, perpetual, coin, payments, inverse)
        if coin.tradable and perpetual.tradable and instruments.same_coin(1 + pair.basis, 1.0):
            candidates.append((exchange != perpetuals.exchanges[contract], coin.ask, exchange, pair))
    return min(candidates, key=lambda candidate: candidate[:3])[3] if candidates else None


def _spot_rows(market: MarketSnapshot, contract: str, *, any_dollar: bool) -> list[int]:
    """The spot markets of the contract's pair ("BTC/USDT:USDT" is hedged by "BTC/USDT"), or in any dollar."""
    pair, base = contract.partition(":")[0], instruments.base_in_usd(contract)
    if base is None:
        return []
    symbols = instruments.spot_of(market).symbols
    if any_dollar:
        return [row for row, symbol in enumerate(symbols) if instruments.base_in_usd(symbol) == base]
    return [row for row, symbol in enumerate(symbols) if symbol == pair]


def _payments(perpetuals: Perpetuals, contract: int, captured_at: int) -> Floats:
    """The newest unbroken run of payments at the contract's present interval; empty if the last one is stale."""
    interval = perpetuals.funding_interval_hours[contract] * 3600
    paid = np.isfinite(perpetuals.funding_history[contract])
    rates: Floats = perpetuals.funding_history[contract][paid]
    times = perpetuals.funding_time[contract][paid]
    if not len(rates) or captured_at - times[-1] > 2 * interval:
        return rates[:0]
    odd = np.flatnonzero(np.abs(np.diff(times) - interval) > 0.1 * interval)
    return rates[odd[-1] + 1 if len(odd) else 0 :]


def _proposal(market: MarketSnapshot, investor: Investor, pair: _Pair) -> Proposal | None:
    """The trade; None where the expected funding doesn't clearly exceed the costs."""
    perpetuals, spot = instruments.perpetuals_of(market), instruments.spot_of(market)
    coin, perpetual = pair.coin, pair.perpetual
    interval = float(perpetuals.funding_interval_hours[pair.contract])
    periods = int(_HORIZON_DAYS * 24 / interval)
    autoregression = inference.Ar1.fit(pair.payments)
    funding = autoregression.sum_of_next(float(perpetuals.funding_rate[pair.contract]), periods)

    capital_rate = 1 + coin.fee + pair.margin_rate + perpetual.fee
    loss_rate = 2 * (coin.fee + perpetual.fee) + (coin.ask - coin.bid + perpetual.ask - perpetual.bid) / coin.ask
    capacity = min(coin.capacity_usd, perpetual.capacity_usd)
    size, short = lots.hedged(
        LotOrder(spot.rules, pair.spot, coin),
        LotOrder(perpetuals.rules, pair.contract, perpetual, inverse=pair.inverse),
        sizing.notional_usd(investor, loss_rate, capital_rate, capacity) / coin.ask,
    )
    if not short:
        return None
    bought, sold_back = coin.buy(size), coin.sell(size)
    shorted, bought_back = perpetual.sell(short), perpetual.buy(short)
    fills = (bought, sold_back, shorted, bought_back)
    notional = shorted.notional_usd
    round_trip = _round_trip_usd(*fills, inverse=pair.inverse)
    costs = round_trip + max(0.0, -pair.basis) * notional
    p = inference.p_value(funding.z(costs / notional))
    profit = funding.value * notional - costs
    if profit <= 0 or p > _SIGNIFICANCE:
        return None

    margin = pair.margin_rate * notional
    required = bought.notional_usd + bought.fee_usd + margin + shorted.fee_usd
    symbol, exchange = perpetuals.symbols[pair.contract], perpetuals.exchanges[pair.contract]
    metadata: dict[str, Json] = {
        "size": size,
        "notional_usd": notional,
        "expected_value_usd": profit,
        "costs_usd": costs,
        "fees_usd": sum(fill.fee_usd for fill in fills),
        "slippage_usd": sum(fill.slippage_usd for fill in fills),
        "funding": {
            "interval_hours": interval,
            "next_rate": float(perpetuals.funding_rate[pair.contract]),
            "mean_rate": autoregression.mean,
            "phi": autoregression.phi,
            "positive_share": float(np.mean(pair.payments > 0)),
            "periods": periods,
            "expected_sum": funding.value,
            "break_even_periods": break_even_periods(costs / notional, funding.value / periods),
        },
        "basis": pair.basis,
        "inverse": pair.inverse,
        "leverage": 1.0 if pair.inverse else 1 / pair.margin_rate,
        "liquidation_price": None
        if pair.inverse
        else liquidation_price(shorted.price, pair.margin_rate, perpetual.fee, -1),
        "quotes": instruments.quotes(market, coin, perpetual),
    }
    return Proposal(
        opportunity_type=OPPORTUNITY_TYPES[0],
        symbol=symbol,
        exchange=exchange,
        purpose=Purpose.PROFIT,
        benefit_usd=profit,
        evidence=Evidence("z of 30 d funding above costs", funding.z(costs / notional), funding.n, p),
        max_loss_usd=costs + (size - short) * bought.price,
        required_capital_usd=required,
        horizon_hours=24.0 * _HORIZON_DAYS,
        entry_price=shorted.price,
        exit_price=bought_back.price,
        asset_tier=AssetTier.of(coin.volume_24h_usd),
        legs=(
            instruments.leg("buy", spot.symbols[pair.spot], spot.exchanges[pair.spot], bought),
            instruments.leg("sell", symbol, exchange, shorted),
        ),
        stop=None,
        metadata=metadata,
    )


def _round_trip_usd(bought: Fill, sold_back: Fill, shorted: Fill, bought_back: Fill, *, inverse: bool) -> float:
    """What entering and leaving both legs at today's quotes would lose, without any funding.

    The coins that an inverse short loses, N (1/entry - 1/exit), are missing from those that are sold at the end.
    """
    covered = bought_back.notional_usd - shorted.notional_usd
    covered *= sold_back.price / bought_back.price if inverse else 1.0
    spread = bought.notional_usd - sold_back.notional_usd + covered
    return spread + bought.fee_usd + sold_back.fee_usd + shorted.fee_usd + bought_back.fee_usd
