"""Which invocation a request over HTTP belongs to, and when it may be served in it."""

import threading

import pytest

from pytest_lambda_esm.clock.sleepers import Sleepers
from pytest_lambda_esm.invocation.nesting import Nesting, OpenInvocation
from pytest_lambda_esm.invocation.visits import HandlerEnded

TRACE = "Root=1-{0}-{0};Parent={0};Sampled=0"


def nesting_of(*requests):
    nesting = Nesting(Sleepers(), None)
    nesting.open += [OpenInvocation(None, 1, request, TRACE.format(request)) for request in requests]
    return nesting


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("Root=1-a-a;Parent=a;Sampled=0", "a"),
        ("Root=1-a-a;Parent=b;Sampled=0", "b"),  # A trace that both continue.
        ("Root=1-a-a;Parent=0123;Sampled=0", "a"),  # A subsegment of X-Ray's SDK.
        ("Sampled=0; Parent=a; Root=1-a-a", "a"),
        ("Root=1-c-c;Parent=c;Sampled=0", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_the_invocation_of_a_trace(header, found):
    invocation = nesting_of("a", "b").of_trace(header)
    assert (invocation.request_id if invocation else None) == found


def test_the_invocation_of_a_request():
    nesting = nesting_of("a", "b")
    assert nesting.of_request("a") is nesting.open[0]
    assert nesting.of_request("c") is None


def test_a_thread_belongs_to_the_invocation_meanwhile():
    nesting = nesting_of("a")
    with nesting.visits.serving(nesting.open[0]):
        assert nesting.threads[threading.current_thread()] is nesting.open[0]
        assert nesting.current() is nesting.open[0]
    assert not nesting.threads


def test_an_invocation_that_has_ended():
    nesting = nesting_of("a")
    invocation = nesting.open.pop()
    with pytest.raises(HandlerEnded), nesting.visits.serving(invocation):
        pass


@pytest.mark.parametrize("nested", [False, True])
def test_one_request_at_a_time_unless_a_nested_invocation_may_wait_for_it(nested):
    nesting, entered = nesting_of("a"), threading.Event()
    invocation = nesting.open[0]

    def visit():
        with nesting.visits.serving(invocation):
            entered.set()

    thread = threading.Thread(target=visit)
    with nesting.visits.serving(invocation):
        nesting.open += nesting_of("b").open if nested else []
        thread.start()
        assert entered.wait(5 if nested else 0.02) is nested
    thread.join()
    assert entered.is_set()


def test_the_end_waits_for_requests():
    nesting, inside, leave, ended = nesting_of("a"), threading.Event(), threading.Event(), threading.Event()
    invocation = nesting.open[0]

    def visit():
        with nesting.visits.serving(invocation):
            inside.set()
            leave.wait(5)

    def end():
        nesting.visits.end(invocation)
        ended.set()

    threads = [threading.Thread(target=visit), threading.Thread(target=end)]
    threads[0].start()
    inside.wait(5)
    threads[1].start()
    assert not ended.wait(0.02)
    leave.set()
    for thread in threads:
        thread.join()
    assert ended.is_set()
