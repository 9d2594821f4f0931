"""Code that swallows the exception that should end it, and is still ended."""

import contextlib
import sys

import pytest

from pytest_lambda_esm.clock.runaway import ReRaise


class End(SystemExit):
    pass


class Nap:
    """A sleep that always ends in an exception; from the second time on, it insists."""

    def __init__(self):
        self.insistence = ReRaise()
        self.times = 0

    def __call__(self):
        self.times += 1
        if self.times > 1:
            self.insistence.again(End)
        raise End


@pytest.fixture
def nap():
    nap = Nap()
    before = sys.gettrace()
    yield nap
    nap.insistence.end()
    assert sys.gettrace() is before


def bare(nap):
    while True:
        try:  # noqa: SIM105
            nap()
        except:  # noqa: E722
            pass


def going_on(nap):
    while True:
        try:
            nap()
        except BaseException:
            continue


def suppressing(nap):
    while True:
        with contextlib.suppress(BaseException):
            nap()


def in_a_helper(nap):
    def helper():
        try:
            nap()
        except BaseException:
            return

    while True:
        helper()


def in_one_line(nap):
    while True:
        with contextlib.suppress(BaseException): nap()  # fmt: skip # noqa: E701


def around_a_helper(nap):
    def helper():
        nap()

    while True:
        try:
            helper()
        except BaseException as error:
            str(error)


@pytest.mark.parametrize("code", [bare, going_on, suppressing, in_one_line, in_a_helper, around_a_helper])
def test_code_that_swallows_its_end_is_ended(nap, code):
    with pytest.raises(End):
        code(nap)
    assert nap.times < 50
    assert context_of_an_error() is None


def context_of_an_error():
    try:
        raise ValueError
    except ValueError as error:
        return error.__context__
