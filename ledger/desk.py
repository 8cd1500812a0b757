"""The desk: takes the requests that wait, lets the gate decide, applies what it let through, and drafts the journal batch."""

from __future__ import annotations

from typing import Final

from exchange.market import Market
from exchange.messages.administration import Deposit, Done, NewAccount
from exchange.messages.base import COMMANDS_PER_REQUEST_MAX, encode
from exchange.messages.journal import LEDGER_GROUP, CancelOrder
from exchange.messages.requests import Accepted, Cancel, CancelAll, Command, Outcome, Refused, Replace, Submit

from . import account_life, administration, gate, questions, refusals, replacing
from .accounts import Account, Ledger
from .commands import apply, cancel_order, place_order, replace_order
from .draft import Draft
from .requests import (
    NOT_DECODED,
    ORDERS,
    Rates,
    Requests,
    Waiting,
    decode_account_change,
    decode_deposit,
    decode_new_account,
    decode_request,
)

OPEN_ACCOUNT: Final = "admin.open_account"
DEPOSIT: Final = "admin.deposit"
DECODE: Final = {
    OPEN_ACCOUNT: decode_new_account,
    DEPOSIT: decode_deposit,
    **dict.fromkeys(account_life.DECIDE, decode_account_change),
}

BYTES_PER_OUTCOME: Final = 4_000
OUTCOMES_PER_QUESTION: Final = 50
"""What large requests and questions count for, so that a turn of whatever mixture stays short."""


class Desk:
    """One turn's work on the waiting requests of a ledger."""

    def __init__(self, ledger: Ledger, market: Market, rates: Rates, draft: Draft, now: int) -> None:
        self.answers: list[tuple[str, bytes]] = []
        """(subject, payload)."""
        self.asked: list[Waiting] = []
        """Questions, to be answered when the batch is closed."""
        self.rate_refusals = 0
        self._ledger = ledger
        self._market = market
        self._rates = rates
        self._draft = draft
        self._now = now

    def carry_out(self, requests: Requests) -> None:
        """Take requests until none waits or the batch is full."""
        draft = self._draft
        while requests and not draft.full:
            waiting = requests.take()
            draft.outcomes += len(waiting.payload) // BYTES_PER_OUTCOME
            if waiting.verb == ORDERS:
                answer: object = self._orders(waiting.account, waiting.payload)
            elif waiting.verb in questions.QUESTIONS:
                draft.outcomes += OUTCOMES_PER_QUESTION
                self.asked.append(waiting)
                continue
            else:
                answer = self._administer(waiting)
            if waiting.reply:
                self.answers.append((waiting.reply, encode(answer)))

    def _administer(self, waiting: Waiting) -> Done | Refused:
        self._draft.outcomes += 1
        try:
            request = DECODE[waiting.verb](waiting.payload)
        except NOT_DECODED as error:
            return refusals.malformed(str(error))
        if isinstance(request, NewAccount):
            decision = administration.open_account(self._ledger, self._market.accounts, request)
        elif isinstance(request, Deposit):
            decision = administration.deposit(self._ledger, request)
        else:
            decision = account_life.DECIDE[waiting.verb](self._ledger, self._market.accounts, request)
        if isinstance(decision, Refused):
            return decision
        commands, done = decision
        for command in commands:
            apply(self._ledger, command, self._draft.time)
            if isinstance(command, CancelOrder):
                self._draft.add(self._ledger.symbols[command.symbol].definition.shard, command)
            else:
                self._draft.add(LEDGER_GROUP, command)
        return done

    def _orders(self, name: str, payload: bytes) -> Outcome | list[Outcome]:
        account = self._ledger.trader(name)
        self._draft.outcomes += 1
        try:
            request = decode_request(payload)
        except NOT_DECODED as error:
            return self._refuse_unread(account, refusals.malformed(str(error)))
        if account is None:
            return refusals.unknown_account(name)
        if not isinstance(request, list):
            return self._command(account, request)
        if len(request) > COMMANDS_PER_REQUEST_MAX:
            return self._refuse_unread(account, refusals.too_many_commands(len(request)))
        self._draft.outcomes += len(request) - 1
        return [self._command(account, command) for command in request]

    def _refuse_unread(self, account: Account | None, refused: Refused) -> Refused:
        """Refuse a request as a whole, which costs its account one command of its rate."""
        if account is not None:
            if not self._rates.take(account.name, self._now):
                return self._too_fast()
            self._draft.refuse(account.name, refused)
        return refused

    def _too_fast(self, client_order_id: str = "") -> Refused:
        self.rate_refusals += 1
        return refusals.rate(self._rates.per_second, client_order_id)

    def _command(self, account: Account, command: Command) -> Outcome:
        if isinstance(command, Submit):
            return self._submit(account, command)
        if not self._rates.take(account.name, self._now):
            return self._too_fast()
        if isinstance(command, Cancel):
            decision = gate.cancel(self._ledger, account, command)
            if not isinstance(decision, CancelOrder):
                return decision
            self._cancel(decision)
            return Accepted(decision.order_id, account.orders[decision.order_id].command.client_order_id)
        if isinstance(command, Replace):
            return self._replace(account, command)
        return self._cancel_all(account, command)

    def _submit(self, account: Account, command: Submit) -> Outcome:
        known = gate.duplicate(account, command)
        if known is not None:
            return known
        if not self._rates.take(account.name, self._now):
            return self._too_fast(command.client_order_id)
        if account.standing != "active":
            refused = account_life.not_active(account, command.client_order_id)
            self._draft.refuse(account.name, refused, command)
            return refused
        order = gate.submit(self._ledger, account, command, self._market.limits.open_orders, self._draft.time)
        if isinstance(order, Refused):
            self._draft.refuse(account.name, order, command)
            return order
        place_order(self._ledger, order, self._draft.time)
        self._draft.add(self._ledger.symbols[order.symbol].definition.shard, order)
        return Accepted(order.order_id, order.client_order_id)

    def _replace(self, account: Account, command: Replace) -> Outcome:
        if account.standing != "active":
            return account_life.not_active(account, command.client_order_id)
        decision = replacing.replace(self._ledger, account, command)
        if isinstance(decision, Refused):
            return decision
        replace_order(self._ledger, decision)
        self._draft.add(self._ledger.symbols[decision.symbol].definition.shard, decision)
        return Accepted(decision.order_id, account.orders[decision.order_id].command.client_order_id)

    def _cancel_all(self, account: Account, command: CancelAll) -> Outcome:
        decision = gate.cancel_all(self._ledger, account, command)
        if isinstance(decision, Refused):
            return decision
        cancels, concerned = decision
        for cancel in cancels:
            self._cancel(cancel)
        return Accepted(orders=concerned)

    def _cancel(self, command: CancelOrder) -> None:
        cancel_order(self._ledger, command)
        self._draft.add(self._ledger.symbols[command.symbol].definition.shard, command)
