"""The JSON header of a snapshot file, checked field by field: it is untrusted input."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from opportunities.domain import Fees
from opportunities.errors import MarketDataError

_LARGEST = 1 << 53
_FEES = tuple(field.name for field in dataclasses.fields(Fees))


@dataclass(frozen=True)
class Section:
    """The markets of one section: what it has of `timeframes` (name to seconds), `books` and `rules`."""

    symbols: tuple[str, ...]
    exchanges: tuple[str, ...]
    timeframes: Mapping[str, int]
    books: bool
    rules: bool


@dataclass(frozen=True)
class Header:
    """What a snapshot file says about itself, beside its arrays."""

    arrays: tuple[str, ...]
    captured_at: int
    source: str
    fees: Mapping[str, Fees]
    freshness: Mapping[str, int]
    missing: Mapping[str, str]
    excluded: Mapping[str, int]
    assumptions: Mapping[str, str]
    spot: Section | None
    perpetuals: Section | None
    futures: Section | None
    options: Section | None


def read_header(text: bytes, expected_format: int) -> Header:
    """The header in `text`, JSON of the given format version; raises MarketDataError where it is anything else."""
    try:
        document = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MarketDataError("The snapshot's header is not JSON.") from error
    fields = _object(document, "header")
    if fields.get("format") != expected_format:
        raise MarketDataError(f"The snapshot has the format {fields.get('format')!r:.40}, not {expected_format}.")
    return Header(
        arrays=_texts(fields.get("arrays"), "arrays"),
        captured_at=_integer(fields.get("captured_at"), "captured_at"),
        source=_text(fields.get("source"), "source"),
        fees={_text(name, "fees"): _fees(value) for name, value in _object(fields.get("fees"), "fees").items()},
        freshness=_integers(fields.get("freshness"), "freshness"),
        missing=_named_texts(fields.get("missing"), "missing"),
        excluded=_integers(fields.get("excluded"), "excluded"),
        assumptions=_named_texts(fields.get("assumptions"), "assumptions"),
        spot=_section(fields.get("spot"), "spot"),
        perpetuals=_section(fields.get("perpetuals"), "perpetuals"),
        futures=_section(fields.get("futures"), "futures"),
        options=_section(fields.get("options"), "options"),
    )


def _section(value: object, where: str) -> Section | None:
    if value is None:
        return None
    fields = _object(value, where)
    symbols = _texts(fields.get("symbols"), f"{where}.symbols")
    exchanges = _texts(fields.get("exchanges"), f"{where}.exchanges")
    if len(exchanges) != len(symbols):
        raise MarketDataError(
            f"The snapshot's header has {len(symbols)} {where} symbols on {len(exchanges)} exchanges."
        )
    timeframes = _integers(fields.get("timeframes", {}), f"{where}.timeframes")
    if not all(timeframes.values()):
        raise MarketDataError("The snapshot's header has a timeframe of 0 seconds.")
    return Section(symbols, exchanges, timeframes, books=fields.get("books") is True, rules=fields.get("rules") is True)


def _fees(value: object) -> Fees:
    fields = _object(value, "fees")
    return Fees(**{name: _fraction(fields.get(name)) for name in _FEES})


def _fraction(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _wrong("fees")
    return float(value)


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _wrong(where)
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise _wrong(where)
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(where)
    return tuple(_text(item, where) for item in value)


def _integer(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST:
        raise _wrong(where)
    return value


def _integers(value: object, where: str) -> dict[str, int]:
    return {_text(name, where): _integer(item, where) for name, item in _object(value, where).items()}


def _named_texts(value: object, where: str) -> dict[str, str]:
    return {_text(name, where): _text(item, where) for name, item in _object(value, where).items()}


def _wrong(where: str) -> MarketDataError:
    return MarketDataError(f"The snapshot's header has no usable '{where}'.")


def _refuse(constant: str) -> None:
    raise ValueError(constant)
