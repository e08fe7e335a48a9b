"""The environment as the template sets it. Read when first used, never at import."""

import os


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise LookupError(f"the environment variable {name} is not set; template.yaml sets it for the deployed Lambda")
    return value


def table_name() -> str:
    return _required("TABLE_NAME")


def state_machine_arn() -> str:
    return _required("STATE_MACHINE_ARN")


def workflow_type() -> str:
    """`STANDARD` or `EXPRESS`."""
    return _required("WORKFLOW_TYPE")


def scans_per_minute() -> int:
    """How often one caller may ask for a scan in one minute of the clock."""
    return int(_required("SCANS_PER_MINUTE"))


def snapshot_bucket() -> str:
    return _required("SNAPSHOT_BUCKET")


def snapshot_seconds() -> int:
    """Length of a window in seconds."""
    return int(_required("SNAPSHOT_SECONDS"))


def market_source() -> str:
    """`live`, `simulated` or `planted`."""
    return _required("MARKET_SOURCE")


def exchanges() -> tuple[str, ...]:
    """The exchanges of the live market, by their ccxt names."""
    return tuple(name for each in _required("EXCHANGES").split(",") if (name := each.strip()))


def simulation_seed() -> int:
    return int(_required("SIMULATION_SEED"))


def strategy() -> str:
    """The one strategy that this Lambda runs, by its logical id in the template."""
    return _required("STRATEGY")
