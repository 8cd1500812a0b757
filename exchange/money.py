"""Money and prices are integers in 1/10 000 of the currency; text and YAML are where decimals live."""

from decimal import Decimal, InvalidOperation
from typing import Final

UNITS: Final = 10_000
"""Units of money in one unit of the currency: 20.55 is 205 500."""
MONEY_MAX: Final = 2**53 - 1
"""Largest amount anywhere: exact in a 64-bit integer and in a browser's number (some 900 billion of the currency)."""
QUANTITY_MAX: Final = 1_000_000_000_000
"""Largest number of shares anywhere; a trade's value is bounded by MONEY_MAX besides."""
BASIS_POINTS: Final = 10_000


def parse_money(text: str | int | float) -> int:
    """Units for a decimal amount, "20.55" → 205500.

    Raises ValueError, in words, for text that is no number, has more than four decimals or exceeds MONEY_MAX.
    """
    try:
        units = Decimal(str(text).replace("_", "")) * UNITS
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount of money; write it like 20.55") from None
    if not units.is_finite():
        raise ValueError(f"{text!r} is not an amount of money; write it like 20.55")
    if units != units.to_integral_value():
        raise ValueError(f"{text} has more than four decimals")
    if abs(units) > MONEY_MAX:
        raise ValueError(f"{text} is too large; the largest amount is {format_money(MONEY_MAX)}")
    return int(units)


def format_money(units: int) -> str:
    """Decimal text of at least two decimals without grouping, 205500 → "20.55", 5 → "0.0005"."""
    sign = "-" if units < 0 else ""
    whole, rest = divmod(abs(units), UNITS)
    decimals = f"{rest:04d}"
    return f"{sign}{whole}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def fee(value: int, basis_points: int) -> int:
    """Fee on a trade of `value` units, rounded up to a whole unit; a rebate is rounded down in size."""
    return -(-value * basis_points // BASIS_POINTS)
