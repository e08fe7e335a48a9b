"""Which coins have strayed from the factors that all coins share, and how far: the statistics of their residuals."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from opportunities.maths import inference, reversion
from opportunities.maths.arrays import Floats
from opportunities.maths.cointegration import MOST_REGRESSORS, engle_granger
from opportunities.maths.factors import Factors, principal
from opportunities.maths.relation import fewest
from opportunities.trading.formation import RECENT, Formation
from opportunities.trading.spread import Coin

_EXPLAINED = 0.55
_LEAST_OTHERS = 0.5
_FALSE_DISCOVERIES = 0.05
_HALF_LIFE_HOURS = (0.5, 36.0)
_FORGOTTEN_HALF_LIVES = 5.0
_OPEN, _TOO_FAR = 1.25, 3.5


@dataclass(frozen=True, eq=False)
class Universe:
    """The coins, their log prices (coins, bars + 1), which end with the quotes, and the factors of the formation."""

    coins: list[Coin]
    log_price: Floats
    factors: Factors
    hours: int


@dataclass(frozen=True, eq=False)
class Residual:
    """A coin whose residual reverts: `loadings` (factors,) on the factors, `s` the score now.

    `statistic` and `p_value` are of the test on all factors over `hours`, `adjusted` for all coins tested; `factors` of
    them are in the relation.
    """

    index: int
    loadings: Floats
    deviation: float
    half_life: float
    s: float
    statistic: float
    p_value: float
    adjusted: float
    hours: int

    @property
    def factors(self) -> int:
        return int(np.count_nonzero(self.loadings))


def universe_of(formation: Formation) -> Universe:
    """The coins with their factors; at least one coin."""
    log_price = np.column_stack([formation.log_price, np.log([coin.spot.middle for coin in formation.coins])])
    factors = principal(np.diff(log_price[:, : formation.hours], axis=1), _EXPLAINED, MOST_REGRESSORS)
    return Universe(formation.coins, log_price, factors, formation.hours)


def residuals(universe: Universe) -> Iterator[Residual]:
    """The coins whose residual reverts and is stretched."""
    log_price, factors, hours = universe.log_price, universe.factors, universe.hours
    level = factors.weights @ (log_price - log_price[:, :1])
    fitted = level[:, :hours]
    test = engle_granger(log_price[:, :hours], np.broadcast_to(fitted, (len(log_price), *fitted.shape)))
    adjusted = inference.false_discovery(test.p_value)
    for i in np.flatnonzero(adjusted <= _FALSE_DISCOVERIES).tolist():
        half_life = reversion.half_life(test.residual[i])
        if not _tradable(half_life):
            continue
        until = level.shape[1] - 1 - min(RECENT, ceil(_FORGOTTEN_HALF_LIVES * half_life))
        relation = fewest(log_price[i, :until], level[:, :until], half_life)
        half_life, deviation = reversion.half_life(relation.residual), float(np.std(relation.residual))
        others = 1 - float(relation.beta @ factors.weights[:, i])
        s = float(log_price[i, -1] - relation.intercept - relation.beta @ level[:, -1]) / deviation
        if _tradable(half_life) and _OPEN < abs(s) < _TOO_FAR and others > _LEAST_OTHERS:
            yield Residual(
                index=i,
                loadings=relation.beta,
                deviation=deviation / others,
                half_life=half_life,
                s=s,
                statistic=float(test.statistic[i]),
                p_value=float(test.p_value[i]),
                adjusted=float(adjusted[i]),
                hours=hours,
            )


def _tradable(half_life: float) -> bool:
    least, most = _HALF_LIFE_HOURS
    return least <= half_life <= most
