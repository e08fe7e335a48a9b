"""Recorded messages of exchanges, made here in the shapes that exchanges send and recorders write."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from opportunities.market.archive.file import load, save
from opportunities.market.snapshot import MarketSnapshot
from opscan.recorded.files import from_directory
from tests.support.recordings import at

NOW = at(100.5)  # 2024-03-05 04:30 UTC
SPOT, LINEAR, INVERSE = "api.binance.com/api/v3", "fapi.binance.com/fapi/v1", "dapi.binance.com/dapi/v1"
MINUTES = (
    "snapshot_timestamp_ms,instrument_name,candle_close_time_ms,candle_open,candle_close,"
    "perp_futures_best_bid,perp_futures_best_ask\n"
)


def answer(address: str, body: Any, seconds: float = -5.0) -> str:
    return f"https://{address} -> {NOW + seconds}: {json.dumps(body)}"


def came(body: Any, seconds: float = -5.0) -> str:
    return f"{NOW + seconds}: {json.dumps(body)}"


def streamed(body: Any, seconds: float = -5.0) -> str:
    return f"{round((NOW + seconds) * 1e9)} {json.dumps(body)}"


def write(directory: Path, *lines: str, name: str = "recording", packed: bool = True) -> Path:
    path = directory / f"{name}.gz" if packed else directory / name
    text = "\n".join(lines).encode() + b"\n"
    path.write_bytes(gzip.compress(text) if packed else text)
    return path


def depth(update: Any = 10, price: float = 100.0, **more: Any) -> dict[str, Any]:
    return {
        "lastUpdateId": update,
        "bids": [[f"{price - i}", f"{i}.5"] for i in range(1, 4)],
        "asks": [[f"{price + i}", f"{i}.25"] for i in range(1, 4)],
        **more,
    }


def instrument(symbol: str, size: float | None = None) -> dict[str, Any]:
    return {
        "symbol": symbol,
        **({} if size is None else {"contractSize": size}),
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.1"},
            {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "2"},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
        ],
    }


def snapshot(directory: Path, as_of: int = NOW) -> MarketSnapshot:
    found = from_directory([directory], as_of)
    assert save(load(save(found))) == save(found)
    return found


def ticker(name: str, **values: Any) -> dict[str, Any]:
    data = {
        "instrument_name": name,
        "best_bid_price": 0.05,
        "best_ask_price": 0.06,
        "best_bid_amount": 7.0,
        "best_ask_amount": 8.0,
        "mark_price": 0.055,
        "index_price": 100.0,
        "open_interest": 40.0,
        "stats": {"volume_usd": 9.0},
        **values,
    }
    return {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": f"ticker.{name}.raw", "data": data}}


def changes(kind: str) -> list[dict[str, Any]]:
    """Twenty changes of a book, the updates 1 to 40 two by two, as spot's or the contracts' stream numbers them."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(20):
        away, size = rng.integers(1, 12, 2), rng.integers(0, 3, 2)
        own = {"pu": 2 * i, "T": (NOW + i) * 1000} if kind == "usdm" else {}
        sides = {"b": [[f"{100 - away[0]}", f"{size[0]}"]], "a": [[f"{100 + away[1]}", f"{size[1]}"]]}
        rows.append({"e": "depthUpdate", "s": "BTCUSDT", "U": 2 * i + 1, "u": 2 * i + 2, **own, **sides})
    return rows


def minute(name: str, seconds: float, closes: float, quotes: str = ",") -> str:
    return f"{round((NOW + seconds) * 1000)},{name},{round((NOW + closes) * 1000)},100,104,{quotes}\n"
