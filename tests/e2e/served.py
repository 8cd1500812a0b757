"""What a running market listens to, as its NATS server says."""

from __future__ import annotations

import asyncio
import json

from exchange.connection import connect
from exchange.secrets import load_secrets
from tests.e2e.market_process import START_SECONDS_MAX, RunningMarket

LIST = "$SYS.REQ.SERVER.PING.CONNZ"
FROM_OUTSIDE = ("orders.", "api.", "auth.", "public.", "admin.")


async def served(market: RunningMarket) -> set[str]:
    """The subjects on which its workers take requests: `api.*.portfolio`. Waits until the last of them takes some."""
    system = await connect(market.runtime["server"], "system", load_secrets(market.data).system, name="served")
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            while True:
                answer = await system.request(LIST, json.dumps({"subscriptions": True, "limit": 1024}).encode(), timeout=10)
                connections = json.loads(answer.data)["data"]["connections"]
                heard = {subject for connection in connections for subject in connection.get("subscriptions_list", ())}
                found = {subject for subject in heard if subject.startswith(FROM_OUTSIDE)}
                if found >= {"orders.*", "api.*.fills", "api.*.bots.list", "auth.*.log_in", "public.candles"}:
                    return found
                await asyncio.sleep(0.1)
    finally:
        await system.close()
