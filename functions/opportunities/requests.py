"""What callers may send: pydantic models of the request bodies. Every field is honoured or refused, none is ignored."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    TypeAdapter,
    ValidationError,
)

from opportunities import strategies
from opportunities.domain import AssetTier, Fees, Filters, Investor, RiskLevel, RiskTolerance, Timeframe
from opportunities.errors import InvalidRequest

_MOST_ITEMS = 100


def _split(value: object) -> object:
    """A list may also come as comma-separated text."""
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, list):
        value = [item.strip() if isinstance(item, str) else item for item in value]
        return [item for item in value if item != ""]
    return value


def _lower(value: object) -> object:
    return [item.lower() if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


def _upper(value: object) -> object:
    return [item.upper() if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


def _once[T: str](values: list[T]) -> list[T]:
    """Sorted and each once: the order and the repetition of a filter mean nothing."""
    return sorted(set(values))


def _known(known: tuple[str, ...], what: str) -> AfterValidator:
    def check(values: list[str]) -> list[str]:
        unknown = [value for value in values if value not in known]
        if unknown:
            raise ValueError(f"unknown {what} {', '.join(unknown)}; there are {', '.join(known)}")
        return values

    return AfterValidator(check)


def _opportunity_types() -> tuple[str, ...]:
    described = map(strategies.describe, strategies.names())
    return tuple(sorted({kind for one in described for kind in one.opportunity_types}))


_Lower = (BeforeValidator(_lower), BeforeValidator(_split), AfterValidator(_once), Field(max_length=_MOST_ITEMS))
_Upper = (BeforeValidator(_upper), BeforeValidator(_split), AfterValidator(_once), Field(max_length=_MOST_ITEMS))


def _like(pattern: str, example: str) -> AfterValidator:
    """A pattern whose refusal shows an example instead of a regular expression."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"should look like {example}")
        return value

    return AfterValidator(check)


_Symbol = Annotated[
    str, _like(r"[A-Z0-9]{1,20}(/[A-Z0-9]{1,20}(:[A-Z0-9-]{1,30})?)?", "BTC, BTC/USDT or BTC/USDT:USDT")
]


class DiscoverRequest(BaseModel):
    """The body of POST /opportunities/discover; every field is optional."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    force_refresh: bool = False
    include_strategy_recommendations: bool = True
    filter_by_risk_level: RiskLevel | None = None
    min_profit_potential: Annotated[FiniteFloat, Field(ge=0, le=1e12)] | None = None
    max_required_capital: Annotated[FiniteFloat, Field(gt=0, le=1e12)] | None = None
    preferred_timeframes: Annotated[list[Timeframe], *_Lower] | None = None
    opportunity_type: Annotated[list[str], *_Lower, _known(_opportunity_types(), "opportunity types")] | None = None
    symbols: Annotated[list[_Symbol], *_Upper] | None = None
    asset_tiers: Annotated[list[AssetTier], *_Lower] | None = None
    strategy_ids: Annotated[list[str], *_Lower, _known(strategies.names(), "strategies")] | None = None
    snapshot: Annotated[str, _like(r"[a-z0-9][a-z0-9._-]{0,63}", "april-2024, at most 64 characters")] | None = None

    def filters(self) -> Filters:
        return Filters(
            strategy_ids=tuple(self.strategy_ids or ()),
            symbols=tuple(self.symbols or ()),
            asset_tiers=tuple(self.asset_tiers or ()),
            opportunity_type=tuple(self.opportunity_type or ()),
            preferred_timeframes=tuple(self.preferred_timeframes or ()),
            filter_by_risk_level=self.filter_by_risk_level,
            min_profit_potential=self.min_profit_potential,
            max_required_capital=self.max_required_capital,
            include_strategy_recommendations=self.include_strategy_recommendations,
            snapshot=self.snapshot,
        )


_Fee = Annotated[FiniteFloat, Field(ge=-0.01, le=0.1)]
_Asset = Annotated[str, _like(r"[A-Z0-9]{1,20}", "BTC")]
_Exchange = Annotated[str, _like(r"[a-z0-9]{1,32}", "binance")]


class FeesBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    spot_taker: _Fee
    perpetual_taker: _Fee
    spot_maker: _Fee = Fees.spot_maker
    perpetual_maker: _Fee = Fees.perpetual_maker
    option_taker: _Fee = Fees.option_taker
    option_cap: Annotated[FiniteFloat, Field(ge=0, le=1)] = Fees.option_cap


class ProfileBody(BaseModel):
    """The body of PUT /opportunities/profile: the whole investor, in place of what was stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    capital_usd: Annotated[FiniteFloat, Field(gt=0, le=1e12)]
    risk_tolerance: RiskTolerance = RiskTolerance.MEDIUM
    holdings: Annotated[dict[_Asset, Annotated[FiniteFloat, Field(gt=0, le=1e15)]], Field(max_length=_MOST_ITEMS)] = {}
    fees: Annotated[dict[_Exchange, FeesBody], Field(max_length=20)] = {}
    allowed_exchanges: Annotated[list[_Exchange], *_Lower] = []
    allowed_assets: Annotated[list[_Asset], *_Upper] = []

    def investor(self) -> Investor:
        return Investor(
            capital_usd=self.capital_usd,
            risk_tolerance=self.risk_tolerance,
            holdings=self.holdings,
            fees={name: Fees(**one.model_dump()) for name, one in self.fees.items()},
            allowed_exchanges=tuple(self.allowed_exchanges),
            allowed_assets=tuple(self.allowed_assets),
        )


_Idempotency: TypeAdapter[str] = TypeAdapter(
    Annotated[str, _like(r"[!-~]{1,255}", "a UUID: 1 to 255 visible ASCII characters")]
)


def idempotency_key(text: str | None) -> str | None:
    """The header `Idempotency-Key`, if it was sent. Raises `InvalidRequest`."""
    try:
        return None if text is None else _Idempotency.validate_python(text)
    except ValidationError as error:
        raise InvalidRequest({"Idempotency-Key": _plain(error.errors()[0]["msg"])}) from error


class ScansQuery(BaseModel):
    """The query of GET /opportunities/scans; both times are inclusive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=200)] | None = None
    status: Annotated[list[Literal["scanning", "complete", "failed", "cancelled"]], *_Lower] = []
    created_after: AwareDatetime | None = None
    created_before: AwareDatetime | None = None


class ResultsQuery(BaseModel):
    """The query of GET /opportunities/results/{scan_id}."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[str, Field(max_length=200)] | None = None
    partial: Literal["true", "false"] = "false"


def parse[Model: BaseModel](model: type[Model], content: bytes | dict[str, Any]) -> Model:
    """Validates a JSON body (empty is `{}`) or a query; raises `InvalidRequest`, field by field."""
    try:
        if isinstance(content, bytes):
            return model.model_validate_json(content or b"{}")
        return model.model_validate(content)
    except ValidationError as error:
        raise InvalidRequest(
            {_field(one["loc"]): _said(one["type"], one["msg"], model) for one in error.errors()}
        ) from error


def _said(kind: str, message: str, model: type[BaseModel]) -> str:
    """pydantic's message, plainer where it is for programmers."""
    if kind == "extra_forbidden":
        return f"unknown field; there are {', '.join(model.model_fields)}"
    return _plain(message)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "body"
