"""`python -P -m exchange.ledger`: the ledger's worker. Whoever leads answers requests; the others follow."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from exchange import subjects
from exchange.messages.base import CASH
from exchange.metrics import CASH_HELD, OPEN_ORDERS, WAITING
from exchange.money import UNITS
from exchange.worker import Worker, run

from .accounts import Ledger
from .desk import DECODE, RULES
from .questions import ADMIN_QUESTIONS, PORTFOLIO, REPORTS
from .requests import Floods
from .stage import LedgerStage

Handler = Callable[[Msg], Awaitable[None]]


async def main(worker: Worker) -> None:
    """Follow and lead until asked to stop."""
    stage = LedgerStage(worker.settings.market)
    loop = await worker.stage_loop(stage)
    subscriptions: list[Subscription] = []
    floods = Floods(worker.settings.market.limits.orders_per_second)
    publish, wake = worker.nats.publish, loop.wake

    async def on_orders(message: Msg) -> None:
        account, reply = message.subject[7:], _inbox(message)  # orders.<account>
        refused = floods.stop(account, time.monotonic_ns())
        if refused is None:
            refused = stage.submit_request(account, reply, message.data)
        if refused is None:
            wake()
        elif reply and refused:
            await publish(reply, refused)

    def on_question(verb: str) -> Handler:
        async def put(message: Msg) -> None:
            account = "" if message.subject.startswith(subjects.ADMIN) else message.subject.split(".")[1]
            reply = _inbox(message)
            refused = floods.stop(account, time.monotonic_ns()) if account else None
            if refused is None:
                refused = stage.submit_question(verb, account, reply, message.data)
            if refused is None:
                wake()
            elif reply and refused:
                await publish(reply, refused)

        return put

    async def open_doors() -> None:
        handlers: dict[str, Handler] = {subjects.ORDERS: on_orders}
        handlers |= {subjects.api("*", verb): on_question(verb) for verb in (PORTFOLIO, REPORTS)}
        handlers[subjects.order_rules("*")] = on_question(RULES)
        handlers |= {verb: on_question(verb) for verb in (*DECODE, *ADMIN_QUESTIONS)}
        for subject, handler in handlers.items():
            # No queue group: one that was frozen would be handed every other request until it wakes up. Of two leaders
            # during a take-over both take a request then, and the log takes only one's batch: the other one ends.
            subscriptions.append(await worker.nats.subscribe(subject, cb=handler))
        await worker.nats.flush()

    async def close_doors() -> None:
        for subscription in subscriptions:  # What the server has handed over already is still answered.
            await subscription.drain()  # type: ignore[no-untyped-call]

    WAITING.labels(stage.name).set_function(lambda: stage.requests_waiting)
    OPEN_ORDERS.labels(stage.name).set_function(lambda: len(stage.ledger.orders))
    CASH_HELD.labels(stage.name).set_function(lambda: cash_held(stage.ledger))
    loop.on_lead, loop.on_stop = open_doors, close_doors
    await loop.run(worker.stopping)


def cash_held(ledger: Ledger) -> float:
    """For open orders, in units of the currency; called in another thread, which may see a moment of a turn."""
    return sum(account.balances[CASH].held for account in list(ledger.accounts.values())) / UNITS


def _inbox(message: Msg) -> str:
    """Where the answer goes; nowhere if the request names a place that is no inbox, for example `journal`."""
    return message.reply if subjects.is_inbox(message.reply) else ""


if __name__ == "__main__":
    run("ledger", main)
