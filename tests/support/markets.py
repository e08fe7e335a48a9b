"""Small markets for the strategies' tests: every array is made here, so that a test knows what is in it."""

from dataclasses import replace

import numpy as np

from opportunities.domain import Fees
from opportunities.market.snapshot import Books, Candles, MarketSnapshot, Perpetuals, Spot
from opportunities.maths.arrays import Floats

CAPTURED_AT = 1_712_588_400
HOUR = 3600
FEES = Fees(spot_taker=0.001, perpetual_taker=0.0005)


def candles(close: Floats, seconds: int, captured_at: int = CAPTURED_AT) -> Candles:
    """Bars that ended with the last whole `seconds` before `captured_at`; highs and lows lie 0.3 % outside."""
    end = captured_at // seconds * seconds
    opened = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    return Candles(
        seconds=seconds,
        open_time=end + seconds * np.arange(-close.shape[1], 0, dtype=np.int64),
        open=opened,
        high=np.maximum(opened, close) * 1.003,
        low=np.minimum(opened, close) / 1.003,
        close=close,
        volume=np.ones_like(close),
    )


def market(timeframes: dict[str, Floats], **changes: object) -> MarketSnapshot:
    """A spot market of rows A0/USDT, A1/USDT ... with these closes, a spread of 2 basis points, no books."""
    seconds = {"1h": HOUR, "4h": 4 * HOUR, "1d": 24 * HOUR}
    rows = {name: candles(close, seconds[name]) for name, close in timeframes.items()}
    last = next(iter(timeframes.values()))[:, -1]
    spot = Spot(
        symbols=tuple(f"A{i}/USDT" for i in range(len(last))),
        exchanges=("venue",) * len(last),
        bid=last * (1 - 1e-4),
        ask=last * (1 + 1e-4),
        last=last,
        volume_24h_usd=np.full(len(last), 20e6),
        candles=rows,
    )
    return MarketSnapshot(CAPTURED_AT, "test", {"venue": FEES}, spot=replace(spot, **changes))  # type: ignore[arg-type]


def walks(seed: int, symbols: int, bars: int, volatility: float = 0.01) -> Floats:
    """Driftless random walks of log prices, fat-tailed (Student's t with 4 degrees of freedom)."""
    steps = np.random.default_rng(seed).standard_t(4, (symbols, bars)) / np.sqrt(2) * volatility
    return 100 * np.exp(np.cumsum(steps, axis=1))


def zigzag(bars: int = 260, step: float = 0.004, growth: float = 1.004) -> Floats:
    """A steady, slowly steepening rise: two steps up, one down, in turn. RSI about 67. Shape (bars,)."""
    moves = np.where(np.arange(bars) % 2 == 0, 2 * step, -step) * growth ** np.arange(bars)
    return 100 * np.exp(np.cumsum(moves / growth**bars))


def books(spot: Spot, seed: int, levels: int = 30) -> Books:
    """Books around the quotes: levels 1 to 2 basis points apart, 200 to 3,000 USD on each."""
    rng = np.random.default_rng(seed)
    shape = (len(spot.symbols), levels)
    away = np.cumsum(rng.uniform(1e-4, 2e-4, shape), axis=1)
    away -= away[:, :1]
    bid, ask = spot.bid[:, None] * (1 - away), spot.ask[:, None] * (1 + away)
    return Books(bid, rng.uniform(200, 3000, shape) / bid, ask, rng.uniform(200, 3000, shape) / ask)


def funding(seed: int, mean: Floats, payments: int = 300, phi: float = 0.7, deviation: float = 5e-5) -> Floats:
    """Rates of first order autoregressions around each mean: shape (contracts, payments)."""
    rng = np.random.default_rng(seed)
    gap = np.zeros(len(mean))
    rows = []
    for _ in range(payments):
        gap = phi * gap + deviation * np.sqrt(1 - phi**2) * rng.standard_normal(len(mean))
        rows.append(mean + gap)
    return np.array(rows).T


def perpetuals(spot: Spot, history: Floats, hours: float = 8.0, basis: float = 2e-4, **changes: object) -> Perpetuals:
    """A contract for each of the first symbols, as many as `history` has rows; the last payment an hour ago."""
    n = len(history)
    mid = (spot.bid[:n] + spot.ask[:n]) / 2 * (1 + basis)
    step = int(hours * HOUR)
    ago = np.arange(history.shape[1] - 1, -1, -1, dtype=np.int64) * step
    contracts = Perpetuals(
        symbols=tuple(f"{symbol}:USDT" for symbol in spot.symbols[:n]),
        exchanges=spot.exchanges[:n],
        bid=mid * (1 - 5e-5),
        ask=mid * (1 + 5e-5),
        mark=mid,
        index=spot.last[:n],
        funding_rate=history[:, -1].copy(),
        funding_interval_hours=np.full(n, hours),
        next_funding_time=np.full(n, CAPTURED_AT - HOUR + step),
        inverse=np.zeros(n, dtype=np.int64),
        open_interest_usd=np.full(n, np.nan),
        volume_24h_usd=np.full(n, 50e6),
        funding_history=history,
        funding_time=np.broadcast_to(CAPTURED_AT - HOUR - ago, history.shape).copy(),
    )
    return replace(contracts, **changes)  # type: ignore[arg-type]


def picked(snapshot: MarketSnapshot, rows: list[int]) -> MarketSnapshot:
    """The same market with its spot symbols in this order, or only some of them."""
    spot = snapshot.spot
    assert spot is not None
    bars = {
        name: replace(
            each,
            **{field: getattr(each, field)[rows] for field in ("open", "high", "low", "close", "volume")},
        )
        for name, each in spot.candles.items()
    }
    ladders = spot.books and Books(
        *(getattr(spot.books, field)[rows] for field in ("bid_price", "bid_size", "ask_price", "ask_size"))
    )
    arrays = {field: getattr(spot, field)[rows] for field in ("bid", "ask", "last", "volume_24h_usd")}
    return replace(
        snapshot,
        spot=replace(
            spot,
            symbols=tuple(spot.symbols[row] for row in rows),
            exchanges=tuple(spot.exchanges[row] for row in rows),
            candles=bars,
            books=ladders,
            **arrays,
        ),
    )


def scaled(snapshot: MarketSnapshot, factor: float) -> MarketSnapshot:
    """The same market with its coins cut into pieces of 1/factor: prices times factor, sizes over it."""
    spot, contracts = snapshot.spot, snapshot.perpetuals
    assert spot is not None
    bars = {
        name: replace(each, **{field: getattr(each, field) * factor for field in ("open", "high", "low", "close")})
        for name, each in spot.candles.items()
    }
    ladders = spot.books and Books(
        spot.books.bid_price * factor,
        spot.books.bid_size / factor,
        spot.books.ask_price * factor,
        spot.books.ask_size / factor,
    )
    prices = {field: getattr(spot, field) * factor for field in ("bid", "ask", "last")}
    quotes = (
        {field: getattr(contracts, field) * factor for field in ("bid", "ask", "mark", "index")} if contracts else {}
    )
    return replace(
        snapshot,
        spot=replace(spot, candles=bars, books=ladders, **prices),
        perpetuals=contracts and replace(contracts, **quotes),
    )
