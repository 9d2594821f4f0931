"""Each test of this folder skips itself, with ``pytest.importorskip``, if its library is missing."""
