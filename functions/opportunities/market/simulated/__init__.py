"""The simulated market: a whole snapshot out of a seed and a moment, without a network."""

import numpy as np

from opportunities.domain import Fees
from opportunities.errors import MarketUnavailable
from opportunities.market import draws
from opportunities.market.simulated.assets import ASSETS
from opportunities.market.simulated.futures import futures_of
from opportunities.market.simulated.moment import (
    ELSEWHERE,
    EXCHANGE,
    LARGEST_DAILY_USD,
    SMALLEST_DAILY_USD,
    Moment,
    decimals_of,
    rounded,
)
from opportunities.market.simulated.options import options_of
from opportunities.market.simulated.paths import simulate
from opportunities.market.simulated.perpetuals import perpetuals_of, premium_levels
from opportunities.market.simulated.spot import spot_of
from opportunities.market.snapshot import MarketSnapshot
from opportunities.market.timeframes import HOUR
from opportunities.maths import elementary

FEES = {
    EXCHANGE: Fees(spot_taker=0.001, perpetual_taker=0.0005),
    ELSEWHERE: Fees(spot_taker=0.001, perpetual_taker=0.00055, spot_maker=0.0008),
}


def simulated(seed: int, captured_at: int, assets: int = len(ASSETS), *, fair: bool = False) -> MarketSnapshot:
    """The simulated market at `captured_at` (epoch seconds), its `assets` largest markets; the same for the same
    arguments. Captures within one period of 30 days show one market as it goes on.

    A fair market has no opportunity beyond costs: prices are driftless martingales with fat tails and clusters of
    volatility, funding is noise around 0, futures lie on spot, options are worth what the simulated volatility makes
    them, exchanges agree within costs, books are balanced, and spreads are less than a maker's two fees.

    Raises MarketUnavailable where there are not so many assets.
    """
    if not 1 <= assets <= len(ASSETS):
        raise MarketUnavailable(f"The simulated market has 1 to {len(ASSETS)} assets, not {assets}.")
    moment = _moment(seed, captured_at, assets, fair=fair)
    spot = spot_of(moment)
    perpetuals = perpetuals_of(moment)
    futures = futures_of(moment, perpetuals)
    kind = "simulated as a fair market" if fair else "simulated"
    return MarketSnapshot(
        captured_at=captured_at,
        source="simulated",
        fees=FEES,
        spot=spot,
        perpetuals=perpetuals,
        futures=futures,
        options=options_of(moment, perpetuals, futures),
        freshness=dict.fromkeys(("spot", "perpetuals", "futures", "options"), captured_at),
        assumptions={"market": f"{kind} from seed {seed}: no number in it was observed"},
    )


def _moment(seed: int, captured_at: int, assets: int, *, fair: bool) -> Moment:
    chosen = ASSETS[:assets]
    ranks = np.arange(assets) / (len(ASSETS) - 1)
    daily_usd = LARGEST_DAILY_USD * elementary.power(SMALLEST_DAILY_USD / LARGEST_DAILY_USD, ranks)
    paths = simulate(seed, captured_at, chosen, daily_usd, premium_levels(chosen), fair=fair)
    hours, elapsed = divmod(captured_at - paths.begins_at, HOUR)
    share = elapsed / HOUR
    rng = np.random.default_rng([seed, captured_at])
    opened, closes = elementary.log(paths.close[:, hours]), elementary.log(paths.close[:, hours + 1])
    bridge = paths.volatility[:, hours] * np.sqrt(share * (1 - share)) * draws.normal(rng, assets)
    inside = np.clip(
        opened + share * (closes - opened) + bridge,
        elementary.log(paths.low[:, hours]),
        elementary.log(paths.high[:, hours]),
    )
    decimals = decimals_of(np.array([asset.price for asset in chosen]))
    return Moment(
        captured_at=captured_at,
        assets=chosen,
        paths=paths,
        hours=hours,
        share=share,
        fair=fair,
        rng=rng,
        last=rounded(elementary.exp(inside), decimals),
    )
