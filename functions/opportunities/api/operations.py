"""Lists every operation of the API: what it takes and what it may answer. `openapi` writes it down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from opportunities import responses
from opportunities.api import examples
from opportunities.api.requests import DiscoverRequest, ProfileBody, ResultsQuery, ScansQuery

type Example = Callable[[], Mapping[str, object]]


@dataclass(frozen=True)
class Reply:
    """One answer that an operation may give, of one status code."""

    description: str
    model: type[Mapping[str, Any]] | None = None
    headers: tuple[str, ...] = ()
    example: Example | None = None


@dataclass(frozen=True)
class Operation:
    """`refusals` are the status codes of its problems, those that all have aside; `waits` if it honours `Prefer`."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    replies: Mapping[int, Reply]
    body: type[BaseModel] | None = None
    body_required: bool = False
    query: type[BaseModel] | None = None
    refusals: tuple[int, ...] = ()
    waits: bool = False
    keyed: bool = False
    public: bool = False

    @property
    def of_scan(self) -> bool:
        """Whether the path names a scan."""
        return "{scan_id}" in self.path


OPERATIONS = (
    Operation(
        id="discover",
        method="post",
        path="/opportunities/discover",
        summary="Start a scan",
        description=(
            "Returns the id of a scan that can be read at once. Identical requests of one window (five minutes, unless "
            "the deployment says otherwise) share one scan; requests with the same `Idempotency-Key` share one scan "
            "for a week."
        ),
        replies={
            200: Reply(
                "With `Prefer: wait`: the scan has ended in time.",
                responses.Discovered,
                ("Location", "Preference-Applied"),
                examples.discovered_and_ended,
            ),
            202: Reply(
                "The scan runs; or an earlier one of the same request has ended, as its status says.",
                responses.Discovered,
                ("Location", "Retry-After", "Preference-Applied"),
                examples.discovered,
            ),
        },
        body=DiscoverRequest,
        refusals=(404, 409, 413, 415, 422, 429, 503),
        waits=True,
        keyed=True,
    ),
    Operation(
        id="getStatus",
        method="get",
        path="/opportunities/status/{scan_id}",
        summary="See how far a scan is",
        description=(
            "One strongly consistent read. With `Prefer: wait` the answer is held back until a strategy or the scan "
            "has ended."
        ),
        replies={
            200: Reply(
                "The scan as it is now.", responses.Status, ("Retry-After", "Preference-Applied"), examples.scanning
            )
        },
        refusals=(404, 422, 503),
        waits=True,
    ),
    Operation(
        id="getResults",
        method="get",
        path="/opportunities/results/{scan_id}",
        summary="Read what was found",
        description="Ranked by expected return on capital per day, weighted by confidence.",
        replies={
            200: Reply("A page of the ranking.", responses.Results, (), examples.found),
            202: Reply(
                "The scan is running: how far it is. `partial=true` gives what is there.",
                responses.Status,
                ("Retry-After",),
                examples.scanning,
            ),
        },
        query=ResultsQuery,
        refusals=(404, 422, 503),
    ),
    Operation(
        id="cancel",
        method="post",
        path="/opportunities/cancel/{scan_id}",
        summary="End a running scan",
        description="At once: what strategies find afterwards changes nothing. What was found before stays readable.",
        replies={200: Reply("The scan is cancelled.", responses.Status, (), examples.cancelled)},
        refusals=(404, 409, 422, 503),
    ),
    Operation(
        id="listScans",
        method="get",
        path="/opportunities/scans",
        summary="List your scans",
        description="Newest first, each as it is now. Scans are kept for a week.",
        replies={200: Reply("A page of the list.", responses.ScanList, (), examples.listed)},
        query=ScansQuery,
        refusals=(422, 503),
    ),
    Operation(
        id="deleteScan",
        method="delete",
        path="/opportunities/scans/{scan_id}",
        summary="Forget a scan that has ended",
        description="With its results. Its id is not used again.",
        replies={204: Reply("It is gone.")},
        refusals=(404, 409, 422, 503),
    ),
    Operation(
        id="getProfile",
        method="get",
        path="/opportunities/profile",
        summary="Read the investor",
        description="Scans run for this investor: capital, holdings, risk tolerance, fees, where and what they trade.",
        replies={
            200: Reply(
                "The investor; the default one while none is stored.", responses.StoredProfile, (), examples.profile
            )
        },
        refusals=(422, 503),
    ),
    Operation(
        id="putProfile",
        method="put",
        path="/opportunities/profile",
        summary="Replace the investor",
        description="The whole investor. Scans that run go on for the one they started with.",
        replies={200: Reply("The investor as stored.", responses.StoredProfile, (), examples.profile)},
        body=ProfileBody,
        body_required=True,
        refusals=(413, 415, 422, 503),
    ),
    Operation(
        id="listStrategies",
        method="get",
        path="/opportunities/strategies",
        summary="Read the catalogue",
        description="What each strategy looks for and what it needs.",
        replies={200: Reply("The catalogue.", responses.Catalogue)},
        refusals=(422,),
    ),
    Operation(
        id="getOpenApi",
        method="get",
        path="/opportunities/openapi.json",
        summary="Read this description",
        description="The only route that wants no token.",
        replies={200: Reply("OpenAPI 3.1.", responses.OpenApi)},
        refusals=(422,),
        public=True,
    ),
)


def methods(path: str) -> tuple[str, ...]:
    """The methods that a path of a request has, in upper case; none if there is no such path."""
    return tuple(sorted(one.method.upper() for one in OPERATIONS if fits(one.path, path)))


def fits(template: str, path: str) -> bool:
    """Whether a request's path is one of this template's."""
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(
        (one if part == "{scan_id}" else part == one) for part, one in zip(parts, given, strict=True)
    )
