from collections.abc import Sequence

import pytest

from pytest_lambda_esm.polling.streams.batch import OpenBatch
from pytest_lambda_esm.polling.streams.history import compact


@pytest.mark.parametrize(
    ("positions", "kept"),
    [([4], range(4, 5)), ([4, 5, 6], range(4, 7)), (range(2, 5), range(2, 5)), ([4, 6, 7], (4, 6, 7))],
)
def test_consecutive_positions_are_kept_as_a_range(positions: Sequence[int], kept: Sequence[int]) -> None:
    assert compact(positions) == kept
    assert type(compact(positions)) is type(kept)


def test_an_invocation_keeps_no_list_of_its_records() -> None:
    batch = OpenBatch(position=3, positions=[0, 1, 2])
    assert batch.take() == range(3)
    assert batch.positions == []
