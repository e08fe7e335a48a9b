"""Numbers as people read them."""

from datetime import timedelta

NOTHING = "–"


def money(amount: float | None) -> str:
    """USD, without cents from ten thousand on."""
    if amount is None:
        return NOTHING
    return f"{amount:,.0f}" if abs(amount) >= 10_000 else f"{amount:,.2f}"


def price(amount: float | None) -> str:
    """A price with at least five significant digits, and no exponent where people write none."""
    if amount is None:
        return NOTHING
    size = abs(amount)
    if size >= 1e12:
        return f"{amount:.4e}"
    decimals = next((decimals for least, decimals in ((1000, 2), (1, 4), (0.01, 6), (1e-4, 8)) if size >= least), 10)
    return f"{amount:,.{decimals}f}"


def confidence(score: float | None) -> str:
    """Between 0 and 1; never shown as a certainty, which only rounding makes of it."""
    if score is None:
        return NOTHING
    return ">0.99" if score > 0.99 else f"{score:.2f}"


def many(count: int, thing: str, things: str = "") -> str:
    """As in "1 market" and "2 markets"."""
    return f"{count} {thing}" if count == 1 else f"{count} {things or thing + 's'}"


def ago(age: timedelta) -> str:
    """As in "5 minutes ago", in the largest unit that there are two of."""
    seconds = max(0.0, age.total_seconds())
    units = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
    size, unit = next(((size, unit) for size, unit in units if seconds >= 2 * size), (1, "second"))
    return f"{many(round(seconds / size), unit)} ago"


def duration(hours: float | None) -> str:
    """As in "5 min", "2.5 h", "25 h" and "122 d": days from two days on."""
    if hours is None:
        return NOTHING
    minutes = hours * 60
    if minutes < 60:
        return f"{minutes:.0f} min"
    return f"{hours:.3g} h" if hours < 48 else f"{hours / 24:,.3g} d" if hours < 24_000 else f"{hours / 24:,.0f} d"
