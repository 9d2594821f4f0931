from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from helpers.conformance import REGION, Lab
from helpers.streams import SOURCES, Source
from pytest_lambda_esm import FakeLambda


@pytest.fixture
def new_lab() -> Iterator[Callable[..., Lab]]:
    with ExitStack() as stack:

        def make(**settings: object) -> Lab:
            return Lab(stack.enter_context(FakeLambda(**{"region": REGION, "advice": "off", **settings})))

        yield make


@pytest.fixture
def fake() -> Iterator[FakeLambda]:
    with FakeLambda(region=REGION, advice="off") as active:
        yield active


@pytest.fixture(params=SOURCES)
def source(fake: FakeLambda, request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param](fake)


@pytest.fixture
def lab(new_lab: Callable[..., Lab]) -> Lab:
    return new_lab()
