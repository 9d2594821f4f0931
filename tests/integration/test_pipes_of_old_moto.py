"""Pipes with a moto that has none."""

import importlib.util

import pytest

from pytest_lambda_esm import FakeLambda, NotSimulated


@pytest.mark.skipif(importlib.util.find_spec("moto.pipes") is not None, reason="this moto has pipes")
@pytest.mark.lambda_esm(strict=False)
def test_pipes_need_a_newer_moto(lambda_esm: FakeLambda) -> None:
    with pytest.raises(NotSimulated, match="pipes need a newer moto"):
        lambda_esm.client("pipes").list_pipes()
    assert len(lambda_esm.errors) == 1
