"""What a snapshot holds, as a JSON document and as tables."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from opportunities.domain import Json
from opportunities.market.snapshot import Candles, MarketSnapshot, Perpetuals, Spot
from opscan.view.snapshot_dated import (
    futures_table,
    iso,
    minute,
    options_table,
    summary_of_futures,
    summary_of_options,
    table_of,
)

_HOURS_A_YEAR = 24 * 365


def summary(snapshot: MarketSnapshot) -> dict[str, Json]:
    """The snapshot without its arrays; times are ISO 8601, rates fractions, money USD, null where unknown."""
    return {
        "source": snapshot.source,
        "captured_at": iso(snapshot.captured_at),
        "fees": {exchange: {**asdict(fees)} for exchange, fees in snapshot.fees.items()},
        "freshness": {section: iso(time) for section, time in snapshot.freshness.items()},
        "spot": _spot(snapshot.spot) if snapshot.spot else None,
        "perpetuals": _perpetuals(snapshot.perpetuals) if snapshot.perpetuals else None,
        "futures": summary_of_futures(snapshot.futures, snapshot.captured_at) if snapshot.futures else None,
        "options": summary_of_options(snapshot.options, snapshot.captured_at) if snapshot.options else None,
        "excluded": dict(snapshot.excluded),
        "missing": dict(snapshot.missing),
        "assumptions": dict(snapshot.assumptions),
    }


def show(snapshot: MarketSnapshot, console: Console) -> None:
    """Prints the same for a reader."""
    console.print(Text(f"Market of {minute(snapshot.captured_at)} UTC, source: {snapshot.source}", style="bold"))
    for exchange, fees in snapshot.fees.items():
        console.print(
            f"Fees at {exchange}: {fees.spot_taker:.3%} spot, {fees.perpetual_taker:.3%} perpetuals (taker), "
            f"{fees.spot_maker:.3%} and {fees.perpetual_maker:.3%} (maker), {fees.option_taker:.3%} options"
        )
    for section, time in snapshot.freshness.items():
        console.print(f"Newest {section}: {minute(time)} ({snapshot.captured_at - time} s before)")
    if snapshot.spot:
        books = "with" if snapshot.spot.books else "without"
        console.print(f"\n{len(snapshot.spot.symbols)} spot markets, {books} order books")
        for exchange in dict.fromkeys(snapshot.spot.exchanges):
            listed = zip(snapshot.spot.symbols, snapshot.spot.exchanges, strict=True)
            console.print(f"{exchange}: {', '.join(symbol for symbol, at in listed if at == exchange)}")
        console.print(_candle_table(snapshot.spot.candles))
    if snapshot.perpetuals:
        console.print(_perpetual_table(snapshot.perpetuals, snapshot.captured_at))
    if snapshot.futures:
        console.print(futures_table(snapshot.futures, snapshot.captured_at))
    if snapshot.options:
        console.print(options_table(snapshot.options, snapshot.captured_at))
    for title, notes in (
        ("Left out", {reason: str(count) for reason, count in snapshot.excluded.items()}),
        ("Missing", snapshot.missing),
        ("Assumed", snapshot.assumptions),
    ):
        for name, note in notes.items():
            console.print(Text.assemble((f"{title}: ", "dim"), f"{name}: {note}"), soft_wrap=True)


def _spot(spot: Spot) -> dict[str, Json]:
    return {
        "symbols": [*spot.symbols],
        "exchanges": [*sorted(set(spot.exchanges))],
        "books": spot.books is not None,
        "volume_24h_usd": float(np.nansum(spot.volume_24h_usd)),
        "candles": {
            name: {
                "bars": len(candles.open_time),
                "first": iso(candles.open_time[0]) if len(candles.open_time) else None,
                "last": iso(candles.open_time[-1]) if len(candles.open_time) else None,
                "symbols_without_gap": _complete(candles),
            }
            for name, candles in spot.candles.items()
        },
    }


def _perpetuals(perpetuals: Perpetuals) -> list[Json]:
    apr = _apr(perpetuals)
    payments = np.isfinite(perpetuals.funding_history).sum(axis=1)
    return [
        {
            "symbol": symbol,
            "exchange": perpetuals.exchanges[i],
            "inverse": bool(perpetuals.inverse[i]),
            "mark": float(perpetuals.mark[i]),
            "index": float(perpetuals.index[i]),
            "funding_rate": _known(perpetuals.funding_rate[i]),
            "funding_interval_hours": _known(perpetuals.funding_interval_hours[i]),
            "funding_apr": _known(apr[i]),
            "next_funding_time": iso(perpetuals.next_funding_time[i]) if perpetuals.next_funding_time[i] else None,
            "payments": int(payments[i]),
        }
        for i, symbol in enumerate(perpetuals.symbols)
    ]


def _candle_table(all_candles: Mapping[str, Candles]) -> Table:
    table = table_of("candles", "bars", "first opens", "last opens", "whole for")
    for name, candles in sorted(all_candles.items(), key=lambda item: item[1].seconds):
        ends = [minute(candles.open_time[i]) for i in (0, -1)] if len(candles.open_time) else ["", ""]
        table.add_row(name, str(len(candles.open_time)), *ends, f"{_complete(candles)} of {len(candles.open)}")
    return table


def _perpetual_table(perpetuals: Perpetuals, captured_at: int) -> Table:
    table = table_of(
        "perpetual", "exchange", "mark", "premium bps", "funding bps", "every", "a year", "next in", "paid"
    )
    apr, premium = _apr(perpetuals), (perpetuals.mark / perpetuals.index - 1) * 1e4
    for i, symbol in enumerate(perpetuals.symbols):
        table.add_row(
            symbol,
            perpetuals.exchanges[i],
            f"{perpetuals.mark[i]:.6g}",
            f"{premium[i]:+.1f}",
            *(
                (
                    f"{perpetuals.funding_rate[i] * 1e4:+.3f}",
                    f"{perpetuals.funding_interval_hours[i]:g} h",
                    f"{apr[i]:+.1%}",
                    f"{(perpetuals.next_funding_time[i] - captured_at) / 3600:.1f} h",
                )
                if np.isfinite(apr[i])
                else ("", "", "", "")
            ),
            str(int(np.isfinite(perpetuals.funding_history[i]).sum())),
        )
    return table


def _apr(perpetuals: Perpetuals) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Simple, not compounded, by each contract's own interval."""
    return perpetuals.funding_rate * _HOURS_A_YEAR / perpetuals.funding_interval_hours


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _complete(candles: Candles) -> int:
    return int(np.isfinite(candles.close).all(axis=1).sum())
