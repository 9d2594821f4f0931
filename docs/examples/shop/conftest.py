"""Leaves the example out where what it needs is not installed, or not there yet."""

from importlib.util import find_spec

_NEEDED = ("samtranslator", "pytest_lambda_esm.simulation.schedules")

if not all(map(find_spec, _NEEDED)):
    collect_ignore = ["test_shop.py"]
