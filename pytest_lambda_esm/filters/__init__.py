"""Event patterns, and the filters of an event source mapping.

``compile_pattern`` is EventBridge's pattern language. ``Filter`` applies the patterns of one mapping to the records of
its source; ``data_rules`` has the rules of each source.
"""

from __future__ import annotations

from pytest_lambda_esm.filters.data_rules import DataForm, DataRules, Encoding, Mismatch, PlainPattern
from pytest_lambda_esm.filters.errors import InvalidPattern
from pytest_lambda_esm.filters.mapping_filter import Filter, Verdict
from pytest_lambda_esm.filters.matching import Pattern, compile_pattern

__all__ = [
    "DataForm",
    "DataRules",
    "Encoding",
    "Filter",
    "InvalidPattern",
    "Mismatch",
    "Pattern",
    "PlainPattern",
    "Verdict",
    "compile_pattern",
]
