"""Invocations that may run at the same virtual time."""

from __future__ import annotations

from pytest_lambda_esm.invocation.concurrency import ACCOUNT_LIMIT, RESERVED_LIMIT, Concurrency, Pool

F, G = ("123456789012", "us-east-1", "f"), ("123456789012", "us-east-1", "g")


def with_limit(limit: int, reserved: int = 0) -> Concurrency:
    return Concurrency(limit, lambda account_id, region: reserved)


def enter(concurrency: Concurrency, key: tuple[str, str, str], at: int, *, reserved: int | None = None) -> Pool:
    place = concurrency.admit(key, reserved, at, at)
    assert isinstance(place, Pool)
    return place


def test_a_place_is_free_again_at_the_very_end() -> None:
    concurrency = with_limit(1)
    enter(concurrency, F, 0).leave(0, 10)
    assert concurrency.admit(G, None, 9, 9) == ACCOUNT_LIMIT
    enter(concurrency, G, 10)


def test_what_lasts_no_time_takes_no_place() -> None:
    concurrency = with_limit(1)
    for _ in range(5):
        enter(concurrency, F, 0).leave(0, 0)
    assert concurrency.admit(F, None, 0, 0) != ACCOUNT_LIMIT


def test_what_is_running_takes_a_place() -> None:
    concurrency = with_limit(1)
    place = enter(concurrency, F, 0)
    assert concurrency.admit(F, None, 0, 0) == ACCOUNT_LIMIT
    place.leave(0, 0)
    enter(concurrency, F, 0)


def test_reserved_concurrency_is_a_pool_of_its_own() -> None:
    concurrency = with_limit(1, 1)
    enter(concurrency, F, 0, reserved=1).leave(0, 10)
    assert concurrency.admit(F, 1, 5, 5) == RESERVED_LIMIT
    enter(concurrency, G, 5)


def test_zero_reserved_concurrency_is_off() -> None:
    assert with_limit(1000).admit(F, 0, 0, 0) == RESERVED_LIMIT


def test_what_others_reserve_is_taken_off_but_a_hundred_stay() -> None:
    for reserved, free in ((0, 250), (100, 150), (240, 100)):
        concurrency = with_limit(250, reserved)
        for _ in range(free):
            concurrency.admit(F, None, 0, 0)
        assert concurrency.admit(F, None, 0, 0) == ACCOUNT_LIMIT


def test_an_invocation_in_a_handlers_future_does_not_count_before_it() -> None:
    concurrency = with_limit(1)
    outer_now = 0
    place = concurrency.admit(F, None, 50, outer_now)
    assert isinstance(place, Pool)
    place.leave(50, 60)
    enter(concurrency, G, 10).leave(10, 20)
    assert concurrency.admit(G, None, 55, 20) == ACCOUNT_LIMIT
    enter(concurrency, G, 60)
