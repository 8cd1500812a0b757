"""Requests that may be sent twice without harm: sent again unchanged, ever more slowly, until somebody answers."""

from __future__ import annotations

import asyncio
from typing import Final

import nats.errors
from nats.aio.client import Client

from exchange.client import decode_answer
from exchange.following import all_symbols
from exchange.messages.base import encode
from exchange.messages.market_data import SymbolInfo, SymbolsQuestion
from exchange.messages.requests import Refused
from exchange.subjects import public

ANSWER_SECONDS: Final = 2.0
PAUSE_SECONDS_MAX: Final = 5.0


class Unanswered(Exception):
    """Nobody answered for so long that what was asked may be outdated."""


async def ask(
    client: Client, subject: str, payload: bytes, attempts_max: int = 0, answer_seconds: float = ANSWER_SECONDS
) -> bytes:
    """The answer. Raises Unanswered after `attempts_max`, if set."""
    pause = 0.25
    attempt = 0
    while True:
        attempt += 1
        try:
            return (await client.request(subject, payload, timeout=answer_seconds)).data
        except (nats.errors.Error, TimeoutError) as error:
            if attempt == attempts_max:
                raise Unanswered(f"{subject} did not answer {attempt} times: {error!r}") from None
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_SECONDS_MAX)


async def ask_symbols(client: Client) -> list[SymbolInfo]:
    """What is traded; nothing when the question is refused."""

    async def page(question: SymbolsQuestion) -> list[SymbolInfo] | Refused:
        return decode_answer(await ask(client, public("symbols"), encode(question)), list[SymbolInfo])

    found = await all_symbols(page)
    return [] if isinstance(found, Refused) else found
