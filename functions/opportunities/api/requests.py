"""Checks what callers send: pydantic models of bodies and queries, which read or refuse every field."""

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    GetPydanticSchema,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import no_info_after_validator_function

from opportunities import strategies
from opportunities.api.field_types import MOST_ITEMS, choices, like, moment, texts
from opportunities.domain import AssetTier, Fees, Filters, Investor, RiskLevel, RiskTolerance, StatedFees, Timeframe
from opportunities.errors import InvalidRequest
from opportunities.services import pagination

_STATUSES = ("scanning", "complete", "failed", "cancelled")
_ASSET = r"[A-Z0-9]{1,20}"
_EXCHANGE = r"[a-z0-9]{1,32}"
_SYMBOL = r"[A-Z0-9]{1,20}(/[A-Z0-9]{1,20}(:[A-Z0-9-]{1,30})?)?"
IDEMPOTENCY_KEY = r"[!-~]{1,255}"
_MOST_USD = 1e12


def _at_most(names: int) -> FieldInfo:
    """A mapping from names to something, for JSON Schema a closed one."""
    closed: FieldInfo = Field(max_length=names, json_schema_extra={"additionalProperties": False})
    return closed


def _opportunity_types() -> tuple[str, ...]:
    described = map(strategies.describe, strategies.names())
    return tuple(sorted({kind for one in described for kind in one.opportunity_types}))


_Symbol = Annotated[str, *like(_SYMBOL, "BTC, BTC/USDT or BTC/USDT:USDT")]
_Asset = Annotated[str, *like(_ASSET, "BTC")]
_Exchange = Annotated[str, *like(_EXCHANGE, "binance")]
_Moment = Annotated[AwareDatetime, moment()]
_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
_QUERY = ConfigDict(extra="forbid", frozen=True)


class DiscoverRequest(BaseModel):
    """What to scan, and what to show of it; every field is optional."""

    model_config = _STRICT

    force_refresh: bool = Field(default=False, description="A new scan, even if this window has one.")
    include_strategy_recommendations: bool = Field(
        default=True, description="Whether the results say what would let a skipped strategy judge."
    )
    filter_by_risk_level: RiskLevel | None = Field(None, description="Exactly this level.")
    min_profit_potential: Annotated[FiniteFloat, Field(ge=0, le=_MOST_USD)] | None = Field(None, description="USD.")
    max_required_capital: Annotated[FiniteFloat, Field(gt=0, le=_MOST_USD)] | None = Field(None, description="USD.")
    preferred_timeframes: Annotated[list[Timeframe], *choices(tuple(Timeframe), "Timeframes")] | None = None
    opportunity_type: Annotated[list[str], *choices(_opportunity_types(), "Opportunity types")] | None = None
    symbols: Annotated[list[_Symbol], *texts(_SYMBOL, "Assets, pairs or instruments", upper=True)] | None = None
    asset_tiers: Annotated[list[AssetTier], *choices(tuple(AssetTier), "Tiers by 24 hour volume")] | None = None
    strategy_ids: Annotated[list[str], *choices(strategies.names(), "Strategies")] | None = None
    snapshot: Annotated[str, *like(r"[a-z0-9][a-z0-9._-]{0,63}", "april-2024")] | None = Field(
        None, description="The name of an uploaded snapshot to judge instead of the current market."
    )

    def filters(self) -> Filters:
        given = {one.name: getattr(self, one.name) for one in fields(Filters)}
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return Filters(**values)


def _fees_body() -> type[BaseModel]:
    rules = dict.fromkeys((one.name for one in fields(Fees)), Annotated[FiniteFloat, Field(ge=-0.01, le=0.1)])
    rules["option_cap"] = Annotated[FiniteFloat, Field(ge=0, le=1)]
    names: dict[str, Any] = {name: (rule | None, None) for name, rule in rules.items()}
    text = "Fees of one exchange, as fractions of the notional; those left out are the market's."
    return create_model("FeesBody", __config__=_STRICT, __doc__=text, **names)


def _stated(body: BaseModel) -> StatedFees:
    return body.model_dump(exclude_none=True)


_Fees = Annotated[
    StatedFees,
    GetPydanticSchema(lambda _, handler: no_info_after_validator_function(_stated, handler(_fees_body()))),
]


class ProfileBody(BaseModel):
    """The whole investor, in place of what was stored."""

    model_config = _STRICT

    capital_usd: Annotated[FiniteFloat, Field(gt=0, le=1e12)]
    risk_tolerance: RiskTolerance = RiskTolerance.MEDIUM
    holdings: Annotated[dict[_Asset, Annotated[FiniteFloat, Field(gt=0, le=1e15)]], _at_most(MOST_ITEMS)] = {}
    fees: Annotated[dict[_Exchange, _Fees], _at_most(20)] = {}
    allowed_exchanges: Annotated[list[_Exchange], *texts(_EXCHANGE, "Where they trade; empty means anywhere")] = []
    allowed_assets: Annotated[list[_Asset], *texts(_ASSET, "What they trade; empty means anything", upper=True)] = []

    def investor(self) -> Investor:
        return Investor(
            capital_usd=self.capital_usd,
            risk_tolerance=self.risk_tolerance,
            holdings=self.holdings,
            fees=self.fees,
            allowed_exchanges=tuple(self.allowed_exchanges),
            allowed_assets=tuple(self.allowed_assets),
        )


_Idempotency: TypeAdapter[str] = TypeAdapter(
    Annotated[
        str,
        *like(
            IDEMPOTENCY_KEY, "9f1c2e1a-5b3d-4d0e-8f5a-2c7b6a1d0e9f: 1 to 255 visible ASCII characters, without spaces"
        ),
    ]
)


def idempotency_key(text: str | None) -> str | None:
    """The header `Idempotency-Key`, if it was sent. Raises `InvalidRequest`."""
    try:
        return None if text is None else _Idempotency.validate_python(text)
    except ValidationError as error:
        raise InvalidRequest({"Idempotency-Key": _plain(error.errors()[0]["msg"])}) from error


class ScansQuery(BaseModel):
    """The query of GET /opportunities/scans; both times are inclusive."""

    model_config = _QUERY

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, *like(pagination.AFTER_SCAN, f"1795291200.25-scan_{32 * '0'}")] | None = None
    # An empty one would say neither that none is wanted nor that any is.
    status: Annotated[list[str], *choices(_STATUSES, "States", least=1)] = []
    created_after: _Moment | None = None
    created_before: _Moment | None = None


class ResultsQuery(BaseModel):
    """The query of GET /opportunities/results/{scan_id}."""

    model_config = _QUERY

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[str, *like(pagination.AFTER_RANK, "after-100")] | None = None
    partial: Literal["true", "false"] = "false"


def parse[Model: BaseModel](model: type[Model], content: bytes | dict[str, Any]) -> Model:
    """Validates a JSON body (empty is `{}`) or a query; raises `InvalidRequest`, field by field."""
    try:
        if isinstance(content, bytes):
            return model.model_validate_json(content or b"{}")
        return model.model_validate(content)
    except ValidationError as error:
        raise InvalidRequest({_field(one["loc"]): _said(one, model) for one in error.errors()}) from error


def _said(error: ErrorDetails, model: type[BaseModel]) -> str:
    """pydantic's message, plainer where it is for programmers."""
    if error["type"] == "extra_forbidden":
        known = f"; there are {', '.join(model.model_fields)}" if len(error["loc"]) == 1 else ""
        return f"unknown field{known}"
    return _plain(error["msg"])


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "body"
