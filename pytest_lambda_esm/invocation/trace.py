"""The header by which X-Ray would follow an invocation; nothing is traced, and the header says so."""

from __future__ import annotations

from pytest_lambda_esm.config import MICROSECONDS


def trace_header(request_id: str, instant: int) -> str:
    """A trace header as X-Ray forms it, not sampled; ``instant`` in microseconds since the epoch."""
    digits = request_id.replace("-", "")
    return f"Root=1-{instant // MICROSECONDS:08x}-{digits[:24]};Parent={digits[-16:]};Sampled=0"
