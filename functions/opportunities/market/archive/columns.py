"""Which arrays each section of a snapshot has, by the names of its fields, in the order of the file."""

CANDLES = ("open", "high", "low", "close", "volume")
BOOKS = ("bid_price", "bid_size", "ask_price", "ask_size")
RULES = ("contract_size", "tick", "lot", "minimum_notional_usd")
_INTEREST = ("open_interest_usd", "volume_24h_usd")
# One number an instrument: floats, and integers, of which some are 0 or 1.
FLOATS = {
    "spot": ("bid", "ask", "last", "volume_24h_usd"),
    "perpetuals": ("bid", "ask", "mark", "index", "funding_rate", "funding_interval_hours", *_INTEREST),
    "futures": ("bid", "ask", "mark", "index", *_INTEREST),
    "options": (
        *("strike", "bid", "ask", "bid_size", "ask_size", "mark", "mark_iv", "forward", "index"),
        *_INTEREST,
    ),
}
INTS = {
    "spot": (),
    "perpetuals": ("next_funding_time", "inverse"),
    "futures": ("expiry", "inverse"),
    "options": ("expiry", "call", "inverse"),
}
FLAGS = {"inverse", "call"}
