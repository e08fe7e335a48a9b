"""Whom the scans judge for, and the catalogue of strategies that judge."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from opportunities.domain import Json
from opscan.client.requests import ProfileFields
from opscan.client.values import amounts, count, items, mapping, number, text, texts


@dataclass(frozen=True)
class Profile:
    """The investor. Holdings are quantities by asset, fees rates by exchange and kind; empty limits allow anything.

    `version` counts the changes, 0 was never stored; `document` is the whole answer.
    """

    capital_usd: float | None
    risk_tolerance: str
    holdings: Mapping[str, float]
    fees: Mapping[str, Mapping[str, float]]
    allowed_exchanges: tuple[str, ...]
    allowed_assets: tuple[str, ...]
    version: int
    document: Mapping[str, Json] = field(repr=False)

    @property
    def fields(self) -> ProfileFields:
        """What `put_profile` takes to store this investor again; a limit that allows anything is left out."""
        known = ProfileFields(holdings=self.holdings, fees=self.fees)
        if self.capital_usd is not None:
            known["capital_usd"] = self.capital_usd
        if self.risk_tolerance:
            known["risk_tolerance"] = self.risk_tolerance
        if self.allowed_exchanges:
            known["allowed_exchanges"] = self.allowed_exchanges
        if self.allowed_assets:
            known["allowed_assets"] = self.allowed_assets
        return known

    @classmethod
    def of(cls, document: Mapping[str, Json]) -> "Profile":
        body = mapping(document.get("profile"))
        return cls(
            capital_usd=number(body.get("capital_usd")),
            risk_tolerance=text(body.get("risk_tolerance")),
            holdings=amounts(body.get("holdings")),
            fees={text(exchange): amounts(rates) for exchange, rates in mapping(body.get("fees")).items()},
            allowed_exchanges=texts(body.get("allowed_exchanges")),
            allowed_assets=texts(body.get("allowed_assets")),
            version=count(body.get("version")),
            document=document,
        )


@dataclass(frozen=True)
class Strategy:
    """One strategy of the catalogue; `needs` says what the market or the investor must have."""

    strategy_id: str
    name: str
    summary: str
    opportunity_types: tuple[str, ...]
    needs: tuple[str, ...]

    @classmethod
    def of(cls, value: Json) -> "Strategy":
        body = mapping(value)
        return cls(
            strategy_id=text(body.get("strategy_id")),
            name=text(body.get("name")),
            summary=text(body.get("summary")),
            opportunity_types=texts(body.get("opportunity_types")),
            needs=texts(body.get("needs")),
        )


@dataclass(frozen=True)
class Catalogue:
    """The strategies that there are: iterating gives each. `document` is the whole answer."""

    strategies: tuple[Strategy, ...]
    document: Mapping[str, Json] = field(repr=False)

    def __iter__(self) -> Iterator[Strategy]:
        return iter(self.strategies)

    def __len__(self) -> int:
        return len(self.strategies)

    @classmethod
    def of(cls, document: Mapping[str, Json]) -> "Catalogue":
        return cls(tuple(map(Strategy.of, items(document.get("strategies")))), document)
