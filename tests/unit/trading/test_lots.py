"""Orders in whole lots: the quantities that an exchange takes, alone and against one another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities.market.snapshot import Rules
from opportunities.maths.costs import Liquidity
from opportunities.trading.lots import LotOrder, hedged, orderable

LOTS = st.sampled_from([0.0, 1e-5, 2e-4, 0.001, 0.005, 0.01, 0.1, 1.0, 5.0])
PRICE = 100.0


def rules(lot: float, least: float = np.nan, contract: float = 1.0) -> Rules:
    return Rules(np.array([contract]), np.array([0.01]), np.array([lot]), np.array([least]))


def order(lot: float, least: float = np.nan, **changes: bool) -> LotOrder:
    liquidity = Liquidity(PRICE * 0.999, PRICE * 1.001, 0.001, 1e7, 0.03)
    return LotOrder(rules(lot, least), 0, liquidity, **changes)


def whole(amount: float) -> bool:
    return amount == pytest.approx(round(amount), abs=1e-6 * max(1.0, abs(amount)))


@given(lot=LOTS, least=st.sampled_from([np.nan, 5.0, 50.0, 500.0]), quantity=st.floats(1e-6, 1e4))
def test_an_order_is_whole_no_larger_than_wanted_and_large_enough(lot: float, least: float, quantity: float) -> None:
    found = orderable(rules(lot, least), 0, quantity, PRICE)
    assert found <= quantity * (1 + 1e-9)
    if found:
        assert not lot or whole(found / lot)
        assert found * PRICE >= max(10.0, np.nan_to_num(least))
    elif quantity >= lot and (quantity - lot) * PRICE >= 500:
        pytest.fail("an order was possible")


@given(coin=LOTS, sold=LOTS, quantity=st.floats(0.01, 1e4), least=st.sampled_from([np.nan, 5.0, 500.0]))
def test_contracts_sold_against_a_coin_are_never_more_than_the_coin(
    coin: float, sold: float, quantity: float, least: float
) -> None:
    long, short = hedged(order(coin, least), order(sold, least), quantity)
    assert 0 <= short <= long * (1 + 1e-9)
    assert long <= quantity * (1 + 1e-9)
    assert long - short <= coin * (1 + 1e-9)
    assert not coin or whole(long / coin)
    assert not sold or whole(short / sold)


@given(dollars=st.sampled_from([1.0, 10.0, 100.0]), quantity=st.floats(0.2, 1e4))
def test_inverse_contracts_are_sold_in_whole_dollars_at_the_price_that_they_get(
    dollars: float, quantity: float
) -> None:
    contract = order(dollars, inverse=True)
    found = contract.orderable(quantity)
    sold = found * contract.liquidity.sell(found).price if found else 0.0
    assert sold / dollars == pytest.approx(round(sold / dollars), abs=1e-6)
    assert found <= quantity * (1 + 1e-9)
    long, short = hedged(order(0.001), contract, quantity)
    assert short <= long * (1 + 1e-9) <= short + 0.001 * (1 + 1e-6) + 1e-9 * long
