from __future__ import annotations

from math import log, sqrt
from random import Random
from statistics import mean, pstdev

import pytest

from bots.fair_value import FairValue, Wanderer
from bots.market_maker import MarketMaker
from bots.noise import NoiseTrader
from bots.strategy import SECOND, ClientOrderIds, Instrument, Observation, round_lots
from bots.worker import make_strategy
from exchange.market import BotRules, load_market
from exchange.messages.account import OpenOrder
from exchange.messages.requests import Cancel, Submit

KRYP = Instrument("KRYP", tick=100, lot=1, opening_price=205_000)
START = 1_700_000_000 * SECOND


def seen(time: int = START, orders: tuple[OpenOrder, ...] = (), **changes: int) -> Observation:
    known = {"bid": 0, "ask": 0, "last": 205_000, "cash": 50_000_000_000, "shares": 250_000, "inventory": 250_000}
    return Observation(time=time, orders=orders, **(known | changes))


def maker(**parameters: float) -> MarketMaker:
    return MarketMaker(KRYP, 250_000, parameters, ClientOrderIds("run"))


def resting(commands: list[Submit], first_id: int = 1) -> tuple[OpenOrder, ...]:
    return tuple(
        OpenOrder(
            first_id + index,
            order.client_order_id,
            order.symbol,
            order.side,
            order.price or 0,
            order.quantity,
            order.quantity,
            order.kind,
            order.tif,
            START,
        )
        for index, order in enumerate(commands)
    )


def ladder(commands: list[object]) -> tuple[list[int], list[int]]:
    submits = [command for command in commands if isinstance(command, Submit)]
    return (
        [order.price or 0 for order in submits if order.side == "buy"],
        [order.price or 0 for order in submits if order.side == "sell"],
    )


def test_wanderer_has_the_deviation_and_half_life_it_is_given() -> None:
    random = Random(1)
    wanderer = Wanderer(half_life=10, deviation=2)
    values = [wanderer.step(1.0, random) for _ in range(200_000)]
    assert pstdev(values) == pytest.approx(2, rel=0.05)
    pairs = list(zip(values, values[10:], strict=False))
    assert mean(before * after for before, after in pairs) / pstdev(values) ** 2 == pytest.approx(0.5, abs=0.05)


def test_fair_value_starts_at_the_last_price_and_does_not_jump_after_a_pause() -> None:
    value = FairValue(205_000, 210_000, volatility=1)
    random = Random(2)
    assert value.at(START, random) == pytest.approx(210_000)
    # As much as five seconds make, whatever the clock says.
    for pause in (3600, -3600):
        before = value.at(START + 1, random)
        after = value.at(START + pause * SECOND, random)
        assert abs(log(after / before)) < 6 * 0.0006 * sqrt(5)


def test_fair_value_does_not_believe_in_absurd_prices() -> None:
    assert FairValue(205_000, 20_500_000, volatility=1).at(START, Random(1)) < 205_000 * 1.15
    assert FairValue(205_000, 1, volatility=1).at(START, Random(1)) > 205_000 / 1.15


def test_maker_quotes_ten_levels_on_each_side_of_the_last_price() -> None:
    decision = maker(volatility=0).decide(seen(), Random(1))
    bids, asks = ladder(decision.commands)
    assert bids == [204_800 - 100 * level for level in range(10)]
    assert asks == [205_200 + 100 * level for level in range(10)]


def test_maker_changes_nothing_while_nothing_changes() -> None:
    bot, random = maker(volatility=0), Random(1)
    first = bot.decide(seen(), random).commands
    assert bot.decide(seen(START + SECOND, resting(first)), random).commands == []


def test_maker_follows_the_value_with_few_commands_and_cancels_first() -> None:
    bot, random = maker(levels=10, lean=1.0, volatility=0), Random(1)
    first = resting(bot.decide(seen(), random).commands)
    # Five ticks up, by having sold 0.25 % of the inventory.
    commands = bot.decide(seen(START + SECOND, first, inventory=249_390), random).commands
    kinds = [type(command) for command in commands]
    assert kinds == sorted(kinds, key=lambda kind: kind is Submit), "cancels stand before orders"
    cancelled = {command.order_id for command in commands if isinstance(command, Cancel)}
    kept = [order for order in first if order.order_id not in cancelled]
    bids, asks = ladder(commands)
    assert max(bids + [order.price for order in kept if order.side == "buy"]) < min(
        asks + [order.price for order in kept if order.side == "sell"]
    )
    assert max(bids) == 205_300
    assert len(commands) < 20
    assert len({order.price for order in kept if order.side == "buy"} & set(bids)) == 0


def test_maker_replaces_what_was_bought_from_it() -> None:
    bot, random = maker(volatility=0), Random(1)
    first = resting(bot.decide(seen(), random).commands)
    left = tuple(order for order in first if (order.side, order.price) != ("sell", 205_200))
    commands = bot.decide(seen(START + SECOND, left), random).commands
    assert ladder(commands) == ([], [205_200])


def test_maker_leans_against_its_inventory() -> None:
    bids, _ = ladder(maker().decide(seen(inventory=275_000), Random(1)).commands)
    assert bids[0] == pytest.approx(204_800, abs=200), "at its start it believes the last price"
    bot, random = maker(volatility=0), Random(1)
    bot.decide(seen(), random)
    bids, _ = ladder(bot.decide(seen(inventory=275_000), random).commands)
    assert bids[0] < 204_800 * 0.96, "having bought a tenth more it quotes five percent lower"


def test_maker_near_zero_never_quotes_a_price_of_nothing() -> None:
    penny = Instrument("PENNY", tick=100, lot=10, opening_price=200)
    bot = MarketMaker(penny, 1_000, {}, ClientOrderIds("run"))
    random = Random(1)
    for second in range(200):
        bids, asks = ladder(bot.decide(seen(START + second * SECOND, last=100), random).commands)
        assert all(price >= 100 and price % 100 == 0 for price in bids + asks)
        assert not bids or max(bids) < min(asks)


def test_maker_spends_only_what_it_has() -> None:
    commands = maker(volatility=0).decide(seen(cash=200_000_000, shares=700, inventory=250_000), Random(1)).commands
    submits = [command for command in commands if isinstance(command, Submit)]
    assert sum(order.quantity * (order.price or 0) for order in submits if order.side == "buy") <= 200_000_000
    assert sum(order.quantity for order in submits if order.side == "sell") <= 700
    assert submits


def test_noise_takes_back_its_waiting_orders_and_meets_none_of_its_own() -> None:
    bot = NoiseTrader(KRYP, 100_000, {"rate": 2.0, "patient": 0.5}, ClientOrderIds("run"))
    random = Random(3)
    orders: tuple[OpenOrder, ...] = ()
    sent: list[Submit] = []
    time, most, taken_back = START, 0, 0
    while time < START + 600 * SECOND:
        decision = bot.decide(seen(time, orders, bid=204_900, ask=205_100), random)
        assert decision.wake > time
        cancelled = {command.order_id for command in decision.commands if isinstance(command, Cancel)}
        taken_back += len(cancelled)
        orders = tuple(order for order in orders if order.order_id not in cancelled)
        for command in decision.commands:
            if not isinstance(command, Submit):
                continue
            assert command.price is not None
            for own in orders:
                meets = own.price <= command.price if command.side == "buy" else own.price >= command.price
                assert own.side == command.side or not meets
            if command.kind == "limit":
                orders += resting([command], first_id=len(sent) + 1)
            sent.append(command)
        most = max(most, len(orders))
        time = decision.wake
    assert 1_000 < len(sent) < 1_400
    assert most <= NoiseTrader.ORDERS_MAX
    assert taken_back > 200
    assert len({order.client_order_id for order in sent}) == len(sent)


def test_noise_waits_for_a_quote_and_for_money() -> None:
    bot = NoiseTrader(KRYP, 100_000, {}, ClientOrderIds("run"))
    random = Random(1)
    for second in range(1, 60):
        assert bot.decide(seen(START + second * SECOND), random).commands == []
        assert bot.decide(seen(START + second * SECOND, bid=1000, ask=2000, cash=0, shares=0), random).commands == []


def test_noise_returns_to_the_inventory_it_began_with() -> None:
    bot, random = NoiseTrader(KRYP, 1_000, {"quantity": 1.0}, ClientOrderIds("run")), Random(5)
    inventory, extremes = 1_000, []
    for second in range(20_000):
        commands = bot.decide(seen(START + second * SECOND, bid=204_900, ask=205_100, inventory=inventory), random).commands
        for command in commands:
            if isinstance(command, Submit):
                inventory += command.quantity if command.side == "buy" else -command.quantity
        extremes.append(inventory)
    assert min(extremes) > 600
    assert max(extremes) < 1_400
    assert mean(extremes) == pytest.approx(1_000, abs=100)


def test_lots() -> None:
    assert [round_lots(quantity, 10) for quantity in (0.2, 14, 16, 100)] == [10, 10, 20, 100]


def test_unknown_parameters_are_named() -> None:
    rules = BotRules("maker", "market-maker", "KRYP", parameters={"levls": 3})
    with pytest.raises(ValueError, match="market-maker has no parameter 'levls'; it has levels, spread"):
        make_strategy(load_market(), rules, "run")
