"""The client of the Opportunity Scan API: `from opscan import Client`, and the command line `opscan`.

The library is loaded when one of its names is first asked for, so that `opscan --help` need not wait for httpx.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opscan.client.asynchronous import AsyncClient, AsyncScan
    from opscan.client.blocking import Client, Scan
    from opscan.client.errors import (
        ApiError,
        Conflict,
        InvalidRequest,
        NotFound,
        RequestTimeout,
        ScanFailed,
        ScanTimeout,
        TooManyRequests,
        Unauthorized,
        Unavailable,
        UnexpectedAnswer,
        Unreachable,
    )
    from opscan.client.investor import Catalogue, Profile, Strategy
    from opscan.client.opportunity import Evidence, Leg, Opportunity, Stop
    from opscan.client.results import Market, Recommendation, Results
    from opscan.client.scans import Best, Progress, ScanList, ScanSummary, Status, StrategyState

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncScan",
    "Best",
    "Catalogue",
    "Client",
    "Conflict",
    "Evidence",
    "InvalidRequest",
    "Leg",
    "Market",
    "NotFound",
    "Opportunity",
    "Profile",
    "Progress",
    "Recommendation",
    "RequestTimeout",
    "Results",
    "Scan",
    "ScanFailed",
    "ScanList",
    "ScanSummary",
    "ScanTimeout",
    "Status",
    "Stop",
    "Strategy",
    "StrategyState",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
]
_ROOMS = ("blocking", "asynchronous", "errors", "investor", "opportunity", "results", "scans")


def __getattr__(name: str) -> object:
    if name in __all__:
        for room in _ROOMS:
            module = import_module(f"opscan.client.{room}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
