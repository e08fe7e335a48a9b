import subprocess
import sys
from pathlib import Path

import pytest

from opportunities import strategies


def test_the_catalogue_has_every_module_of_the_package_and_nothing_else() -> None:
    files = {path.stem for path in Path(strategies.__file__).parent.glob("*.py")}
    assert set(strategies.names()) == {name for name in files if not name.startswith("_")}
    assert list(strategies.names()) == sorted(strategies.names())
    assert {"funding_arbitrage", "risk_management", "spot_momentum_strategy"} <= set(strategies.names())


@pytest.mark.parametrize("name", strategies.names())
def test_a_description_says_what_the_module_says(name: str) -> None:
    strategies.load(name)
    module = sys.modules[f"opportunities.strategies.{name}"]
    found = strategies.describe(name)
    assert found.strategy_id == name
    assert (found.name, found.opportunity_types, found.needs) == (module.TITLE, module.OPPORTUNITY_TYPES, module.NEEDS)
    assert found.summary.endswith(".")
    assert (module.__doc__ or "").startswith(found.summary)


@pytest.mark.parametrize("name", ["", "_instruments", "os", "../errors", "__init__"])
def test_a_name_that_is_no_strategy_is_refused(name: str) -> None:
    with pytest.raises(LookupError, match="is no strategy"):
        strategies.describe(name)
    with pytest.raises(LookupError, match="is no strategy"):
        strategies.load(name)


def test_the_catalogue_is_told_without_importing_numpy_or_any_strategy() -> None:
    program = (
        "import sys; from opportunities import strategies as s; [s.describe(n) for n in s.names()];"
        "loaded = [m for m in sys.modules if m.partition('.')[0] in ('numpy', 'talib')"
        " or m.startswith('opportunities.strategies.') or m.startswith('opportunities.market')];"
        "sys.exit(str(loaded) if loaded else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
