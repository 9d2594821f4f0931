"""Leaves the example out where the resource types and events that it needs are not there yet."""

from importlib.util import find_spec

_NEEDED = ("moto_bridge.stacks", "simulation.schedules")

if not all(find_spec(f"pytest_lambda_esm.{name}") for name in _NEEDED):
    collect_ignore = ["test_shop.py"]
