"""Tests of this folder skip themselves, with ``pytest.importorskip``, where the library that they are about is missing."""
