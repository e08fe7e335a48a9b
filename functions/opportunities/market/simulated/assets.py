"""The assets of the simulated market: real names, sectors and orders of magnitude, largest market first."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Asset:
    """`price` is in USD, about where the simulated path begins."""

    name: str
    sector: str
    price: float


ASSETS = tuple(
    Asset(name, sector, price)
    for name, sector, price in (
        ("BTC", "store of value", 64_000.0),
        ("ETH", "platform", 3_200.0),
        ("SOL", "platform", 150.0),
        ("XRP", "payments", 0.55),
        ("BNB", "platform", 560.0),
        ("DOGE", "meme", 0.14),
        ("ADA", "platform", 0.45),
        ("AVAX", "platform", 34.0),
        ("LINK", "infrastructure", 14.5),
        ("TRX", "payments", 0.12),
        ("DOT", "platform", 7.0),
        ("LTC", "payments", 80.0),
        ("BCH", "payments", 430.0),
        ("SHIB", "meme", 0.000023),
        ("UNI", "finance", 9.5),
        ("NEAR", "platform", 6.2),
        ("PEPE", "meme", 0.0000082),
        ("APT", "platform", 9.0),
        ("ICP", "infrastructure", 12.0),
        ("ETC", "platform", 26.0),
        ("ARB", "scaling", 1.05),
        ("OP", "scaling", 2.4),
        ("FIL", "infrastructure", 5.9),
        ("ATOM", "infrastructure", 8.4),
        ("INJ", "finance", 24.0),
        ("SUI", "platform", 1.1),
        ("STX", "scaling", 2.2),
        ("AAVE", "finance", 92.0),
        ("XLM", "payments", 0.11),
        ("HBAR", "platform", 0.09),
        ("IMX", "scaling", 2.0),
        ("MKR", "finance", 2_800.0),
        ("GRT", "infrastructure", 0.26),
        ("FET", "computing", 2.1),
        ("RNDR", "computing", 8.6),
        ("TIA", "scaling", 9.8),
        ("SEI", "platform", 0.52),
        ("WIF", "meme", 2.9),
        ("BONK", "meme", 0.000024),
        ("FLOKI", "meme", 0.00017),
        ("ALGO", "platform", 0.18),
        ("THETA", "infrastructure", 2.1),
        ("LDO", "finance", 2.0),
        ("CRV", "finance", 0.43),
        ("SNX", "finance", 2.8),
        ("DYDX", "finance", 2.1),
        ("ENS", "infrastructure", 15.0),
        ("COMP", "finance", 56.0),
        ("BAL", "finance", 3.6),
        ("KNC", "finance", 0.62),
    )
)

FOLLOWERS = {"BCH": "LTC", "OP": "ARB"}
"""Cointegrated pairs of the lively market: the first one's price follows the second's, which is the larger market."""

RANGING = ("TRX", "XLM")
"""Assets whose price in USD stays in a range in the lively market, whatever the others do."""
