"""Several orders at once that end with more than they began with: cycles of conversions, cross-exchange carry, boxes.

Idea: prices that contradict each other by more than trading them costs are an arbitrage, whatever comes. Conversions
between assets are edges of a graph with weights -log(rate after fees); a cycle of negative weight pays (Cherkassky and
Goldberg, Negative-cycle detection algorithms, 1999). Then the books are walked level by level for the size that nets
most (`cycles.walk`), within lots, minimum notionals and the investor's capital.

`triangular`: three or four conversions on one exchange (`cycles.paying` enumerates all of them). `cross_exchange`: one
pair bought on one exchange and sold on another; coin and money must lie there before, since transfers take time and
fees that no snapshot has: `metadata.transfer_risk` says so, and the capital is counted twice. Prices further apart
than 5 % are not taken for the same coin, nor is a cycle believed that nets more. `cross_exchange_carry`: the coin on
one exchange against a dated future on another (`trading.carry`: at least 14 days, fees, spreads, financing), where that
nets more than carrying it on the future's own exchange. `box`: two synthetic forwards of one option expiry against each
other (`option_structures.boxes`; of inverse options the one that is certain in coins), held to expiry; what is paid for
it is charged with the same financing. No quote is used by two opportunities: the most profitable takes it.

Inputs: spot listings with books (else quotes, volume and volatility: one level, `costs`), dated futures, options.
Confidence: `inference.of_edge` of profit and costs. Bounded work: per exchange of n assets and H quote
currencies H²/2 times 2n paths, and at most 200² pairs of them that pay; per pair on v exchanges v² spreads; per option
expiry of K strikes K² boxes. Refuses: no cycle could exist: no pair on two exchanges, no three pairs that close, no
future with the coin elsewhere, no expiry with two strikes.
"""

from opportunities.domain import Investor, Proposal, Proposals
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import option_structures
from opportunities.maths.cycles import core
from opportunities.trading import carry, carry_legs, conversions, cycles, option_chains, static_arbitrage
from opportunities.trading.carry import Carry, price_carry
from opportunities.trading.conversions import Listing
from opportunities.trading.cycles import Cycle
from opportunities.trading.disjoint import disjoint

TITLE = "Multi-leg arbitrage"
OPPORTUNITY_TYPES = ("triangular", "cross_exchange", "cross_exchange_carry", "box")
NEEDS = ("spot: several exchanges, or pairs between coins", "or dated futures, or options of one expiry")


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Arbitrages of several legs; `examined` counts the instruments of possible ones."""
    found: list[Proposal] = []
    examined = 0
    if market.spot is not None:
        listings = conversions.listings(market, investor)
        candidates: list[Cycle | Carry] = [*cycles.triangles(market, investor, listings)]
        candidates += cycles.across(market, investor, listings)
        carries, contracts = _carries(market, investor)
        examined += _in_cycles(listings) + contracts
        found += [
            cycles.proposal(market, each) if isinstance(each, Cycle) else carry.proposal(market, each)
            for each in disjoint([*candidates, *carries])
        ]
    if market.options is not None:
        boxes, options = _boxes(market, investor)
        examined += options
        found += [static_arbitrage.proposal(market, each) for each in boxes]
    if not examined:
        raise Unsuitable(
            "no arbitrage of several legs could exist: no pair is on two exchanges, no three pairs close a cycle, no"
            " dated future has its coin on another exchange, and no option expiry has a call and a put at two strikes"
        )
    return Proposals(tuple(found), examined=examined)


def _in_cycles(listings: list[Listing]) -> int:
    """How many listings are part of a cycle that could pay: of three on an exchange, or the same pair elsewhere."""
    exchanges: dict[str, set[tuple[str, str]]] = {}
    listed: dict[tuple[str, str], int] = {}
    for listing in listings:
        pair = (listing.base, listing.quote)
        exchanges.setdefault(listing.exchange, set()).add(pair)
        listed[pair] = listed.get(pair, 0) + 1
    closed = {exchange: core(pairs) for exchange, pairs in exchanges.items()}
    pairs = ((listing.exchange, (listing.base, listing.quote)) for listing in listings)
    return sum(pair in closed[exchange] or listed[pair] > 1 for exchange, pair in pairs)


def _carries(market: MarketSnapshot, investor: Investor) -> tuple[list[Carry], int]:
    """Futures against coins of another exchange that net more than on their own, and how many were judged."""
    if market.futures is None:
        return [], 0
    coins = carry_legs.coin_legs(market, investor)
    found, judged = [], 0
    for base, contracts in carry_legs.future_legs(market, investor, coins).items():
        for sold in contracts:
            elsewhere = [coin for coin in coins[base] if coin.exchange != sold.exchange]
            own = [
                price_carry(market, investor, "futures_basis", (coin, sold), coin)
                for coin in coins[base]
                if coin.exchange == sold.exchange
            ]
            least = max((each.profit_usd for each in own if each is not None), default=0.0)
            carries = [price_carry(market, investor, "cross_exchange_carry", (coin, sold), coin) for coin in elsewhere]
            found += [each for each in carries if each is not None and each.profit_usd > least]
            judged += bool(elsewhere)
    return found, judged


def _boxes(market: MarketSnapshot, investor: Investor) -> tuple[list[static_arbitrage.Arbitrage], int]:
    """Boxes that net more than their financing, and how many options could be part of one."""
    found, examined = [], 0
    for expiry in option_chains.expiries(market, investor):
        both = sum((expiry.rows[True] >= 0) & (expiry.rows[False] >= 0))
        examined += 2 * int(both) if both > 1 else 0
        for structure in option_structures.boxes(expiry.chain):
            arbitrage = static_arbitrage.evaluate(market, investor, expiry, structure)
            if arbitrage is not None:
                found.append(arbitrage)
    return disjoint(found), examined
