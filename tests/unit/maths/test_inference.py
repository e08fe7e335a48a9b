import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import yule_walker

from opportunities.maths import inference


@pytest.mark.parametrize("lags", [0, 4, 46])
def test_the_mean_and_its_error_equal_statsmodels_hac_regression_on_a_constant(lags: int) -> None:
    sample = np.convolve(np.random.default_rng(2).normal(0.1, 1, 320), np.ones(20), "valid")
    fit = sm.OLS(sample, np.ones(len(sample))).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    found = inference.mean(sample, lags)
    assert found.value == pytest.approx(fit.params[0], rel=1e-9)
    assert found.standard_error == pytest.approx(fit.bse[0], rel=1e-9)
    assert found.z() == pytest.approx(fit.tvalues[0], rel=1e-9)


def test_standard_error_without_lags_is_the_textbooks() -> None:
    sample = np.random.default_rng(3).normal(size=50)
    assert inference.mean(sample, 0).standard_error == pytest.approx(stats.sem(sample), rel=1e-9)


def test_the_autoregression_equals_statsmodels_yule_walker() -> None:
    sample = np.cumsum(np.random.default_rng(4).normal(size=200)) * 0.1
    phi, shock = yule_walker(sample, order=1, method="mle", result_object=False)
    fitted = inference.Ar1.fit(sample)
    assert fitted.phi == pytest.approx(phi[0], rel=1e-9)
    assert fitted.shock == pytest.approx(shock, rel=1e-9)
    assert abs(fitted.phi) < 1


@pytest.mark.parametrize("phi", [-0.4, 0.0, 0.9])
def test_the_expected_sum_equals_adding_the_forecasts_one_by_one(phi: float) -> None:
    model = inference.Ar1(mean=2e-4, phi=phi, shock=1e-4, n=100)
    gap, total = 5e-4 - model.mean, 0.0
    for _ in range(21):
        total += model.mean + gap
        gap *= phi
    assert model.sum_of_next(5e-4, 21).value == pytest.approx(total, rel=1e-12)


def test_the_error_of_the_sum_equals_that_of_many_simulated_futures() -> None:
    model = inference.Ar1(mean=0.0, phi=0.8, shock=1.0, n=10**12)
    rng = np.random.default_rng(5)
    value, total = np.full(200_000, 3.0), np.full(200_000, 3.0)
    for _ in range(29):
        value = 0.8 * value + rng.normal(size=value.shape)
        total += value
    forecast = model.sum_of_next(3.0, 30)
    assert forecast.value == pytest.approx(total.mean(), abs=0.3)
    assert forecast.standard_error == pytest.approx(total.std(), rel=0.01)


def test_the_error_of_the_sum_counts_that_the_mean_is_only_estimated() -> None:
    known, unknown = (inference.Ar1(0.0, 0.5, 1.0, n).sum_of_next(0.0, 10).standard_error for n in (10**12, 100))
    weights = (1 - 0.5**10) / 0.5
    assert unknown**2 - known**2 == pytest.approx((10 - weights) ** 2 * 4 / 100, rel=1e-6)


@given(z=st.floats(-8, 8))
def test_the_p_value_is_the_upper_tail_of_the_normal(z: float) -> None:
    assert inference.p_value(z) == pytest.approx(stats.norm.sf(z), rel=1e-9)


@given(p=st.floats(0, 1), more=st.floats(0, 1))
def test_confidence_lies_between_0_and_1_and_never_rises_with_p(p: float, more: float) -> None:
    low, high = sorted((p, more))
    assert 0 <= inference.confidence(high) <= inference.confidence(low) <= 1


@pytest.mark.parametrize(("p", "expected"), [(0.05, 0.711), (0.01, 0.889), (0.001, 0.982), (1.0, 0.0)])
def test_confidence_equals_the_table_of_sellke_bayarri_and_berger(p: float, expected: float) -> None:
    assert inference.confidence(p) == pytest.approx(expected, abs=5e-4)


def test_confidence_has_no_step_where_its_two_parts_meet() -> None:
    edge = 1 / math.e
    assert inference.confidence(edge - 1e-9) == pytest.approx(inference.confidence(edge + 1e-9), abs=1e-6)
