"""Deribit's option chains, out of what ccxt makes of them and what it drops."""

from math import nan

from opportunities.market import option_chains
from opportunities.market.live.listings import number, number_of_text
from opportunities.market.live.reading import Reading
from opportunities.market.live.sections import Notes
from opportunities.market.option_chains import Contract, Quote, positive, with_forwards
from opportunities.market.snapshot import Options


def options_section(reading: Reading, captured_at: int, notes: Notes) -> Options | None:
    """The coin-quoted options of one exchange; None where there is none.

    ccxt drops Deribit's volatility and index and gives no time, so they are read from the exchange's own answer. The
    nearest expiries have no future of their own: their forward is the one that put-call parity implies.
    """
    quotes = []
    for symbol, row in sorted(reading.options.items()):
        market, info = reading.markets.get(symbol), row["info"]
        if not market or not market.get("inverse") or not market.get("option"):
            notes.excluded["option not quoted in coin"] += 1
            continue
        expiry = int(market["expiry"]) // 1000
        if expiry <= captured_at or market.get("active") is False:
            notes.excluded["expired"] += 1
            continue
        index = positive(number_of_text(info.get("estimated_delivery_price")))
        own_future = info.get("underlying_index") != "index_price"
        bid, ask = positive(row["bidPrice"]), positive(row["askPrice"])
        if bid > ask:
            notes.excluded["bid above ask"] += 1
            continue
        quotes.append(
            Quote(
                contract=Contract(market["base"], expiry, float(market["strike"]), market["optionType"] == "call"),
                bid=bid,
                ask=ask,
                mark=positive(row["markPrice"]),
                forward=positive(row["underlyingPrice"]) if own_future else nan,
                index=index,
                mark_iv=positive(number_of_text(info.get("mark_iv"))) / 100,
                open_interest_usd=number(row["openInterest"]) * index,
                volume_24h_usd=number(row["quoteVolume"]),
                tick=number(market["precision"]["price"]),
                lot=number(market["precision"]["amount"]),
            )
        )
    filled, derived = with_forwards(quotes)
    if derived:
        notes.assumptions["option forwards"] = f"by put-call parity for {len(derived)} expiries that have no future"
    return option_chains.options_section(filled, reading.exchange.name) if filled else None
