"""Leaves the example out where AWS's translator of SAM templates, the extra ``deploy``, is not installed."""

from importlib.util import find_spec

if find_spec("samtranslator") is None:
    collect_ignore = ["test_shop.py"]
