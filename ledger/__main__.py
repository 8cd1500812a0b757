"""`python -P -m exchange.ledger`: the ledger's worker. Whoever leads answers requests; the others follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from exchange import subjects
from exchange.worker import Worker, run

from .desk import DECODE, RULES
from .questions import ADMIN_DIGEST, ADMIN_PORTFOLIO, PORTFOLIO, REPORTS
from .stage import LedgerStage

QUEUE = "ledger"
"""Two leaders during a take-over are of one queue group, so that no request reaches both."""

Handler = Callable[[Msg], Awaitable[None]]


async def main(worker: Worker) -> None:
    """Follow and lead until asked to stop."""
    stage = LedgerStage(worker.settings.market)
    loop = await worker.stage_loop(stage)
    subscriptions: list[Subscription] = []
    publish, wake = worker.nats.publish, loop.wake

    async def on_orders(message: Msg) -> None:
        reply = _inbox(message)
        refused = stage.submit_request(message.subject[7:], reply, message.data)  # orders.<account>
        if refused is None:
            wake()
        elif reply:
            await publish(reply, refused)

    def on_question(verb: str) -> Handler:
        async def put(message: Msg) -> None:
            account = message.subject.split(".")[1] if message.subject.startswith(subjects.API) else ""
            reply = _inbox(message)
            refused = stage.submit_question(verb, account, reply, message.data)
            if refused is None:
                wake()
            elif reply:
                await publish(reply, refused)

        return put

    async def open_doors() -> None:
        handlers: dict[str, Handler] = {subjects.ORDERS: on_orders}
        handlers |= {subjects.api("*", verb): on_question(verb) for verb in (PORTFOLIO, REPORTS, RULES)}
        handlers |= {verb: on_question(verb) for verb in (*DECODE, ADMIN_PORTFOLIO, ADMIN_DIGEST)}
        for subject, handler in handlers.items():
            subscriptions.append(await worker.nats.subscribe(subject, QUEUE, cb=handler))
        await worker.nats.flush()

    async def close_doors() -> None:
        for subscription in subscriptions:  # What the server has handed over already is still answered.
            await subscription.drain()  # type: ignore[no-untyped-call]

    loop.on_lead, loop.on_stop = open_doors, close_doors
    await loop.run(worker.stopping)


def _inbox(message: Msg) -> str:
    """Where the answer goes; nowhere if the request names a place that is no inbox, for example `journal`."""
    return message.reply if subjects.is_inbox(message.reply) else ""


if __name__ == "__main__":
    run("ledger", main)
