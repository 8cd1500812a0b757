"""How amounts look to people, held against Python's own formatting of decimals."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.drawing import PRICES_MAX, axis
from cli.output import BAR_WIDTH, bar, money, price, show_table
from exchange.money import MONEY_MAX, UNITS


@given(st.integers(-MONEY_MAX, MONEY_MAX))
def test_money_is_exact_and_grouped(units: int) -> None:
    text = money(units)
    assert Decimal(text.replace(",", "")) * UNITS == units
    whole, decimals = text.lstrip("-").split(".")
    assert whole == f"{abs(units) // UNITS:,}"
    assert 2 <= len(decimals) <= 4


@pytest.mark.parametrize(
    ("units", "text"), [(0, "0.00"), (-5, "-0.0005"), (12_345_678_900, "1,234,567.89"), (205_000, "20.50")]
)
def test_money_examples(units: int, text: str) -> None:
    assert money(units) == text


def test_no_price_is_a_dash() -> None:
    assert price(0) == "–"


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_bars_are_bounded_and_nothing_vanishes(part: int, rest: int) -> None:
    drawn = bar(part, part + rest)
    assert len(drawn) <= BAR_WIDTH
    assert bool(drawn) == bool(part)


def test_a_table_takes_names_literally(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("name", "quantity"), [("[bold]x[/bold]", "1,000"), ("y", "5")], left=("name",), empty="")
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["name", "quantity"]
    assert [row.split() for row in rows] == [["[bold]x[/bold]", "1,000"], ["y", "5"]]
    assert rows[0].rstrip().endswith("1,000")
    assert rows[1].rstrip().endswith("    5")


def test_prices_beside_a_chart_are_round_and_cover_it() -> None:
    assert axis(202_400, 205_800) == [202_000, 203_000, 204_000, 205_000, 206_000]
    assert axis(205_000, 205_000) == [205_000, 205_100]
    for low, high in ((1, 1), (10_000, 10_000), (71_800, 73_000), (0, 2**53 - 1)):
        prices = axis(low, high)
        assert prices[0] <= low <= high <= prices[-1]
        assert 2 <= len(prices) <= PRICES_MAX + 2
