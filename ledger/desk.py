"""The desk: takes the requests that wait, lets the gate decide, applies what it let through, and drafts the journal batch."""

from __future__ import annotations

from typing import Final

from exchange.market import Market
from exchange.messages.account import AccountRules
from exchange.messages.administration import Deposit, Disconnected, Done, NewAccount, NewSymbol, PhaseRequest
from exchange.messages.base import COMMANDS_PER_REQUEST_MAX, encode
from exchange.messages.journal import LEDGER_GROUP, CancelOrder, LedgerCommand, SetAccountRules
from exchange.messages.requests import Accepted, Bracket, Cancel, CancelAll, Command, Oco, Outcome, Refused, Replace, Submit

from . import account_life, administration, gate, groups, questions, refusals, replacing
from .accounts import Account, Ledger
from .calendar import Calendar
from .commands import apply, cancel_order, place_order, replace_order
from .draft import Draft
from .requests import (
    NOT_DECODED,
    ORDERS,
    Rates,
    Requests,
    Waiting,
    decode_account_change,
    decode_account_rules_question,
    decode_deposit,
    decode_disconnected,
    decode_new_account,
    decode_new_symbol,
    decode_phase_request,
    decode_request,
)

OPEN_ACCOUNT: Final = "admin.open_account"
DEPOSIT: Final = "admin.deposit"
PHASE: Final = "admin.phase"
ADD_SYMBOL: Final = "admin.add_symbol"
DISCONNECTED: Final = "admin.disconnected"
RULES: Final = "rules"
DECODE: Final = {
    OPEN_ACCOUNT: decode_new_account,
    DEPOSIT: decode_deposit,
    PHASE: decode_phase_request,
    ADD_SYMBOL: decode_new_symbol,
    DISCONNECTED: decode_disconnected,
    **dict.fromkeys(account_life.DECIDE, decode_account_change),
}

BYTES_PER_OUTCOME: Final = 4_000
OUTCOMES_PER_QUESTION: Final = 50
"""What large requests and questions count for, so that a turn of whatever mixture stays short."""


class Desk:
    """One turn's work on the waiting requests of a ledger."""

    def __init__(self, ledger: Ledger, market: Market, calendar: Calendar, rates: Rates, draft: Draft, now: int) -> None:
        self.answers: list[tuple[str, bytes]] = []
        """(subject, payload)."""
        self.asked: list[Waiting] = []
        """Questions, to be answered when the batch is closed."""
        self.rate_refusals = 0
        self._ledger = ledger
        self._market = market
        self._calendar = calendar
        self._end_of_day = calendar.end_of_day
        self._open_orders_max = market.limits.open_orders
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
            elif waiting.verb == RULES:
                answer = self._rules(waiting)
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
        ledger, time = self._ledger, self._draft.time
        if isinstance(request, NewAccount):
            decision = administration.open_account(ledger, self._market.accounts, request)
        elif isinstance(request, Deposit):
            decision = administration.deposit(ledger, request)
        elif isinstance(request, Disconnected):
            decision = administration.disconnected(ledger, request)
        elif isinstance(request, PhaseRequest):
            decision = administration.set_phase(ledger, self._calendar, request, time)
        elif isinstance(request, NewSymbol):
            decision = administration.add_symbol(ledger, self._market, self._calendar, request, time)
        else:
            decision = account_life.DECIDE[waiting.verb](ledger, self._market.accounts, request)
        if isinstance(decision, Refused):
            return decision
        commands, done = decision
        for command in commands:
            apply(ledger, command, time)
            if isinstance(command, LedgerCommand):
                self._draft.add(LEDGER_GROUP, command)
            else:
                self._draft.add(ledger.symbols[command.symbol].definition.shard, command)
        return done

    def _rules(self, waiting: Waiting) -> AccountRules | Refused:
        """The account's rules, after changing those that are given. A change costs as much as a command."""
        account = self._ledger.trader(waiting.account)
        self._draft.outcomes += 1
        try:
            question = decode_account_rules_question(waiting.payload or b"{}")
        except NOT_DECODED as error:
            return refusals.malformed(str(error))
        if account is None:
            return refusals.unknown_account(waiting.account)
        self_trade, cancel = question.self_trade, question.cancel_on_disconnect
        rules = SetAccountRules(
            account.name,
            account.self_trade if self_trade is None else self_trade,
            account.cancel_on_disconnect if cancel is None else cancel,
        )
        if (rules.self_trade, rules.cancel_on_disconnect) != (account.self_trade, account.cancel_on_disconnect):
            if not self._rates.take(account.name, self._now):
                return self._too_fast()
            apply(self._ledger, rules, self._draft.time)
            self._draft.add(LEDGER_GROUP, rules)
        return AccountRules(account.name, account.self_trade, account.cancel_on_disconnect)

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
        if isinstance(command, Oco | Bracket):
            return self._group(account, command)
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

    def _group(self, account: Account, group: Oco | Bracket) -> Outcome:
        known = groups.duplicate(account, group)
        if known is not None:
            return known
        orders = list(groups.orders_of(group).values())
        self._draft.outcomes += len(orders) - 1
        if not self._rates.take(account.name, self._now, len(orders)):
            return self._too_fast(orders[0].client_order_id)
        if account.standing != "active":
            refused = account_life.not_active(account, orders[0].client_order_id)
            self._draft.refuse(account.name, refused, orders[0])
            return refused
        time = self._draft.time
        placed = groups.place(self._ledger, account, group, self._open_orders_max, time, self._end_of_day)
        if isinstance(placed, tuple):
            refused, order = placed
            self._draft.refuse(account.name, refused, order)
            return refused
        order_id = self._ledger.next_order_id
        apply(self._ledger, placed, time)
        self._draft.add(self._ledger.symbols[placed.symbol].definition.shard, placed)
        return Accepted(order_id, orders[0].client_order_id, orders=len(orders))

    def _submit(self, account: Account, command: Submit) -> Outcome:
        known = account.client_order_ids.get(command.client_order_id)
        if known is not None:  # That is the answer, whatever the rest of the command says now.
            return Accepted(known, command.client_order_id, duplicate=True)
        if not self._rates.take(account.name, self._now):
            return self._too_fast(command.client_order_id)
        if account.standing != "active":
            refused = account_life.not_active(account, command.client_order_id)
            self._draft.refuse(account.name, refused, command)
            return refused
        ledger, time = self._ledger, self._draft.time
        order = gate.submit(ledger, account, command, self._open_orders_max, time, self._end_of_day)
        if isinstance(order, Refused):
            self._draft.refuse(account.name, order, command)
            return order
        place_order(ledger, order, time)
        self._draft.add(ledger.symbols[order.symbol].definition.shard, order)
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
