"""Options whose quotes contradict each other, or whose volatility is dearer or cheaper than what is realised.

Static arbitrage (`static_arbitrage`): put-call parity against the expiry's own future (`conversion`, `reversal`;
inverse options: C - P = 1 - K/F), two strikes out of order or too far apart (`vertical`), one above the line between
two others (`butterfly`). All at the ask where bought and the bid where sold, never at mark; after the option fee (a
share of the underlying, at most a share of the premium), the same for delivery of what is in the money at the forward,
and the future's fees; in whole lots of every order, up to the sizes quoted. The profit is the floor of what is netted
at expiry, in the premium's currency, valued at today's index; what was paid for it in coins can lose its worth. Where
the expiry's own future has no quotes, its forward price is used, 5 basis points worse (`metadata.hedge` says so). No
quote is used twice: the most profitable structure takes it.

Volatility (`sell_volatility`, `buy_volatility`): the straddle nearest to the forward, of 7 to 60 days, hedged daily in
the future, against the realised variance of the base's own hourly bars. Its expected profit is the premium less
Black-76 at the realised volatility (Carr and Madan, Towards a Theory of Volatility Trading, 1998), less option fees and
the hedging: a straddle of t days left turns over 2/π / √t units of base a day (|change of delta| of two options at the
money; Leland, Option Pricing and Replication with Transactions Costs, 1985), charged with fee and half spread. It
qualifies where the log of implied variance at the quote differs from that of realised with a one-sided p-value of at
most 0.001 (logs of realised variances are about normal: Andersen, Bollerslev, Diebold and Labys, Modeling and
Forecasting Realized Volatility, 2003). The standard error joins what is not known of the past (Newey-West, 48 lags) and
what the time to expiry may bring: s² (1 + n/m) for n bars seen and m to come. One per base: its expiries share one
price series. The size is set by a planned loss: of a variance three standard errors worse, or of a jump by five daily
deviations if that is more. The hedge is no order of it, so what is sold can lose without bound, whatever is planned,
and what is bought can expire worthless.

Inputs: options with forward and index; dated futures of the same name; hourly candles (spot, else perpetual) of the
base, at least 336, at most 2,160. Confidence: `inference.of_edge` of profit and costs for arbitrages,
`inference.confidence` of the p-value for volatility. Bounded work: per expiry of K strikes K²/2 verticals and K³/6
butterflies of each kind. Refuses: no options, or none with a forward, an index and a time to expiry.
"""

from collections.abc import Iterator
from itertools import chain as joined

from opportunities.domain import Investor, Proposals
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import option_structures
from opportunities.trading import option_chains, static_arbitrage, volatility
from opportunities.trading.disjoint import disjoint
from opportunities.trading.option_chains import Expiry
from opportunities.trading.static_arbitrage import Arbitrage

TITLE = "Options"
OPPORTUNITY_TYPES = ("conversion", "reversal", "vertical", "butterfly", "sell_volatility", "buy_volatility")
NEEDS = ("options: quotes, forward and index", "1h candles of the base, for volatility only")


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Static arbitrages and mispriced volatility; `examined` counts options."""
    expiries = option_chains.expiries(market, investor)
    if not expiries:
        raise Unsuitable("no option has a forward price, an index and time to expiry")
    arbitrages = disjoint(joined.from_iterable(_arbitrages(market, investor, each) for each in expiries))
    found = [static_arbitrage.proposal(market, each) for each in arbitrages]
    found += volatility.proposals(market, investor, expiries)
    examined = sum(int((rows >= 0).sum()) for expiry in expiries for rows in expiry.rows.values())
    return Proposals(tuple(found), examined=examined)


def _arbitrages(market: MarketSnapshot, investor: Investor, expiry: Expiry) -> Iterator[Arbitrage]:
    chain = expiry.chain
    structures = joined(
        option_structures.parity(chain, expiry.future.bid, expiry.future.ask),
        option_structures.verticals(chain),
        option_structures.butterflies(chain),
    )
    for structure in structures:
        found = static_arbitrage.evaluate(market, investor, expiry, structure)
        if found is not None:
            yield found
