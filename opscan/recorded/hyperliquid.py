"""Hyperliquid's messages: order books of its perpetuals, which are linear and settled in USDC."""

from collections.abc import Iterator

from opscan.recorded.binance import TRADES
from opscan.recorded.events import Book, Event, Ignored, Instrument, Key, side
from opscan.recorded.messages import Message

EXCHANGE = "hyperliquid"


def assumed(key: Key) -> Instrument:
    """Sizes are units of base."""
    return Instrument(key, contract_size=1.0, unit=1.0, assumed=True)


def events(message: Message) -> Iterator[Event]:
    """What a message says; nothing if it is not Hyperliquid's. Raises as the other exchanges' do for a bad one."""
    body = message.body
    if not isinstance(body, dict) or "channel" not in body or "data" not in body:
        return
    channel, data = body["channel"], body["data"]
    if channel != "l2Book":
        yield Ignored(TRADES if channel == "trades" else f"channel {channel}, which is not read")
        return
    coin = str(data["coin"])
    if not coin.isalnum():
        yield Ignored(f"spot market of {EXCHANGE}, which is not read")
        return
    bids, asks = (side([[level["px"], level["sz"]] for level in levels]) for levels in data["levels"])
    yield Book(Key(EXCHANGE, f"{coin}/USDC:USDC"), bids, asks)
