"""OKX on this machine: what its public REST API v5 answers, with markets made here, as `exchanges` has the others."""

from typing import Any

from tests.support.exchanges import DECEMBER, FORWARD, HOUR, LAST_OPEN, NOW, PRICES, Query, Route, bars

CONTRACT = 0.01  # BTC of a linear contract; an inverse one is 100 USD
PAYMENTS = 5


def okx() -> dict[str, Route]:
    def wrapped(rows: list[Any]) -> dict[str, Any]:
        return {"code": "0", "msg": "", "data": rows}

    def instrument(kind: str, name: str, **changes: str) -> dict[str, str]:
        """All fields that OKX sends are there, those that do not apply empty, as it has them."""
        row = dict.fromkeys(("baseCcy", "quoteCcy", "settleCcy", "uly", "ctVal", "ctValCcy", "ctType", "expTime"), "")
        return row | {
            "instType": kind,
            "instId": name,
            "instFamily": "",
            "alias": "",
            "ctMult": "",
            "lever": "10",
            "listTime": "1606468572000",
            "lotSz": "0.00000001" if kind == "SPOT" else "1",
            "minSz": "0.00001" if kind == "SPOT" else "1",
            "tickSz": "0.1",
            "maxMktSz": "1000000",
            "maxLmtSz": "9999999999",
            "state": "live",
            **changes,
        }

    def spot(base: str, **changes: str) -> dict[str, str]:
        return instrument("SPOT", f"{base}-USDT", baseCcy=base, quoteCcy="USDT", **changes)

    def contract(kind: str, name: str, quote: str, **changes: str) -> dict[str, str]:
        linear = quote == "USDT"
        return instrument(
            kind,
            name,
            uly=f"BTC-{quote}",
            settleCcy=quote if linear else "BTC",
            ctVal=str(CONTRACT) if linear else "100",
            ctValCcy="BTC" if linear else "USD",
            ctType="linear" if linear else "inverse",
            **changes,
        )

    dated = {"expTime": str(DECEMBER * 1000), "alias": "quarter"}
    listed = {
        "SPOT": [spot("BTC"), spot("ETH"), spot("OLD", state="suspend")],
        "SWAP": [contract("SWAP", "BTC-USDT-SWAP", "USDT"), contract("SWAP", "BTC-USD-SWAP", "USD")],
        "FUTURES": [
            contract("FUTURES", "BTC-USDT-261225", "USDT", **dated),
            contract("FUTURES", "BTC-USD-261225", "USD", **dated),
        ],
    }

    def price(row: dict[str, str]) -> float:
        return FORWARD if row["instType"] == "FUTURES" else PRICES.get(row["instId"].split("-")[0], 1.0)

    def ticker(row: dict[str, str]) -> dict[str, str]:
        is_spot = row["instType"] == "SPOT"
        return {
            "instType": row["instType"],
            "instId": row["instId"],
            "last": f"{price(row)}",
            "lastSz": "1",
            "askPx": f"{price(row) + 6}",
            "askSz": "11",
            "bidPx": f"{price(row) - 6}",
            "bidSz": "12",
            "open24h": f"{price(row)}",
            "high24h": f"{price(row)}",
            "low24h": f"{price(row)}",
            # contracts and base; on spot markets base and quote
            "vol24h": "2000" if is_spot else "500000",
            "volCcy24h": f"{2000 * price(row)}" if is_spot else "5000",
            "ts": str(NOW * 1000 - 500),
        }

    def paid(query: Query) -> dict[str, Any]:
        last = LAST_OPEN // (8 * HOUR) * 8 * HOUR
        return wrapped(
            [
                {
                    "instType": "SWAP",
                    "instId": query["instId"],
                    "fundingRate": "0.5",  # the forecast; what was paid is the realised rate
                    "realizedRate": f"{0.0001 * (i + 1):.8f}",
                    "fundingTime": str((last - 8 * i * HOUR) * 1000),
                }
                for i in range(PAYMENTS)
            ]
        )

    def rates(_: Query) -> dict[str, Any]:
        due = (LAST_OPEN // (8 * HOUR) + 1) * 8 * HOUR * 1000
        return wrapped(
            [
                {
                    "instType": "SWAP",
                    "instId": row["instId"],
                    "fundingRate": "0.00025",
                    "fundingTime": str(due),
                    "nextFundingRate": "",
                    "nextFundingTime": str(due + 8 * HOUR * 1000),
                }
                for row in listed["SWAP"]
            ]
        )

    def candles(query: Query) -> dict[str, Any]:
        """Newest first, the open one among them; sizes are base, or contracts and then base."""
        is_swap = query["instId"].endswith("SWAP")
        return wrapped(
            [
                [
                    str(row[0] * 1000),
                    *map(str, row[1:5]),
                    str(row[5] / CONTRACT if is_swap else row[5]),
                    str(row[5]),
                    str(row[5] * row[4]),
                    "0" if row[0] == LAST_OPEN else "1",
                ]
                for row in reversed(bars(query["instId"].split("-")[0]))
            ]
        )

    def book(query: Query) -> dict[str, Any]:
        middle = PRICES[query["instId"].split("-")[0]]
        sides = {
            side: [[f"{middle + sign * (6 + i)}", f"{i + 1}", "0", "1"] for i in range(3)]
            for side, sign in (("bids", -1), ("asks", 1))
        }
        return wrapped([{**sides, "ts": str(NOW * 1000)}])

    at = "www.okx.com/api/v5"
    return {
        f"{at}/public/instruments": lambda query: wrapped(listed[query["instType"]]),
        f"{at}/market/tickers": lambda query: wrapped([ticker(row) for row in listed[query["instType"]]]),
        f"{at}/public/funding-rate": rates,
        f"{at}/public/funding-rate-history": paid,
        f"{at}/market/candles": candles,
        f"{at}/market/books": book,
    }
