import random
import sys
import threading
import uuid

import pytest

from pytest_lambda_esm import ids


def test_they_are_uuids_of_version_4_out_of_a_seed():
    kind, same = (ids.uuids(random.Random("seed")) for _ in range(2))
    made = [kind.new() for _ in range(100)]
    assert made == [same.new() for _ in range(100)]
    assert len(set(made)) == 100
    for each in made:
        assert str(uuid.UUID(each)) == each
        assert (uuid.UUID(each).version, uuid.UUID(each).variant) == (4, uuid.RFC_4122)


def test_receipts_differ():
    kind = ids.receipts(random.Random("seed"))
    made = {kind.new() for _ in range(100)}
    assert len(made) == 100
    assert {len(each) for each in made} == {128}


@pytest.fixture
def hasty_threads():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_threads_share_them(hasty_threads):
    kind = ids.uuids(random.Random("seed"))
    made = []
    threads = [threading.Thread(target=lambda: made.extend([kind.new() for _ in range(2_000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000
