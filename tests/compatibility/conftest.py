"""Each test of this folder skips itself, with ``pytest.importorskip``, where its library is missing."""
