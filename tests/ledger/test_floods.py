"""A flood of one account at the door of the ledger: what is looked at, refused, dropped; and that others are not concerned."""

from __future__ import annotations

from exchange.messages.base import decoder
from exchange.messages.requests import Refused
from ledger.requests import ACCOUNT_QUESTIONS_MAX, ACCOUNT_REQUESTS_MAX, ORDERS, SECOND, Floods, Requests


def reason(answer: bytes | None) -> str:
    assert answer
    refused: Refused = decoder(Refused).decode(answer)
    return refused.reason


def test_an_account_has_its_own_bound_of_waiting_requests() -> None:
    requests = Requests()
    for _ in range(ACCOUNT_REQUESTS_MAX):
        assert requests.put(ORDERS, "mallory", "", b"{}") is None
    assert reason(requests.put(ORDERS, "mallory", "", b"{}")) == "busy"
    assert requests.put(ORDERS, "alice", "", b"{}") is None
    assert requests.put("portfolio", "mallory", "", b"") is None, "questions have a bound of their own"
    assert requests.take().account == "mallory"
    assert requests.put(ORDERS, "mallory", "", b"{}") is None, "one was taken"


def test_questions_are_bounded_more_tightly_but_not_the_operators() -> None:
    requests = Requests()
    for _ in range(ACCOUNT_QUESTIONS_MAX):
        assert requests.put("portfolio", "mallory", "", b"") is None
    assert reason(requests.put("reports", "mallory", "", b"")) == "busy"
    for _ in range(10 * ACCOUNT_QUESTIONS_MAX):
        assert requests.put("admin.deposit", "", "", b"{}") is None


def test_what_is_taken_is_forgotten() -> None:
    requests = Requests()
    for _ in range(3):
        for _ in range(ACCOUNT_REQUESTS_MAX):
            assert requests.put(ORDERS, "mallory", "", b"{}") is None
        while requests:
            requests.take()


def test_far_beyond_its_rate_a_flood_gets_fewer_and_then_no_answers() -> None:
    floods, now = Floods(100), 10 * SECOND
    answers = [floods.stop("mallory", now) for _ in range(1_000)]
    looked_at, refused, dropped = (sum(test(answer) for answer in answers) for test in (is_none, bool, is_empty))
    assert (looked_at, refused, dropped) == (200, 200, 600)
    assert floods.stop("alice", now) is None
    assert floods.stop("mallory", now + SECOND) is None, "after a second's rest all is well"


def test_a_market_without_a_limit_looks_at_everything() -> None:
    floods = Floods(0)
    assert [floods.stop("alice", 0) for _ in range(10_000)] == [None] * 10_000


def is_none(answer: bytes | None) -> bool:
    return answer is None


def is_empty(answer: bytes | None) -> bool:
    return answer == b""
