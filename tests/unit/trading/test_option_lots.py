"""Units of an option structure: every order in whole lots, of the options and of the future that hedges them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opportunities.domain import Investor
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot, Rules
from opportunities.trading.option_chains import Expiry, expiries, in_lots

MARKET = simulated(3, 1_795_291_200, fair=True)


def ruled(lot: float, contract_usd: float) -> tuple[MarketSnapshot, Expiry]:
    """The market with these lots everywhere, and its first expiry with a listed, coin-margined future."""
    options, futures = MARKET.options, MARKET.futures
    assert options is not None
    assert futures is not None

    def all_of(count: int, step: float) -> Rules:
        ones = np.ones(count)
        return Rules(ones, ones * 1e-4, ones * step, ones * np.nan)

    market = replace(
        MARKET,
        options=replace(options, rules=all_of(len(options.symbols), lot)),
        futures=replace(futures, rules=all_of(len(futures.symbols), contract_usd)),
    )
    found = expiries(market, Investor())
    return market, next(
        each
        for each in found
        if each.future_row is not None and futures.inverse[each.future_row] and each.future_quoted
    )


@settings(max_examples=60, deadline=None)
@given(
    lot=st.sampled_from([1e-12, 0.01, 0.1, 0.25, 1.0]),
    contract=st.sampled_from([1.0, 10.0, 100.0]),
    units=st.floats(0.01, 5_000),
    place=st.integers(0, 10**6),
)
def test_both_options_and_the_dollars_of_their_future_are_whole(
    lot: float, contract: float, units: float, place: int
) -> None:
    market, expiry = ruled(lot, contract)
    at = place % len(expiry.chain.strike)
    strike = float(expiry.chain.strike[at])
    legs = [(int(expiry.rows[call][at]), 1.0 if call else -1.0) for call in (True, False)]
    found = in_lots(market, units, legs, expiry, -strike / expiry.future.bid)
    assert found <= units * (1 + 1e-9)
    if found:
        assert found * expiry.forward >= 10
        assert found / max(lot, 1e-9) == pytest.approx(round(found / max(lot, 1e-9)), abs=1e-3)
        usd = found * strike / contract
        assert usd == pytest.approx(round(usd), abs=1e-3)


def test_lots_that_do_not_divide_one_another_meet_in_a_common_multiple() -> None:
    market, expiry = ruled(0.25, 1.0)
    options = market.options
    assert options is not None
    assert options.rules is not None
    rows = [int(expiry.rows[True][0]), int(expiry.rows[True][1])]
    steps = options.rules.lot.copy()
    steps[rows[1]] = 0.1
    market = replace(market, options=replace(options, rules=replace(options.rules, lot=steps)))
    assert in_lots(market, 3.2, [(rows[0], 1.0), (rows[1], -1.0)], expiry) == pytest.approx(3.0)
    assert in_lots(market, 0.4, [(rows[0], 1.0), (rows[1], -1.0)], expiry) == 0.0
