"""``python -m benchmarks [GROUP ...]`` prints one table of ratios."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from benchmarks import (
    aio,
    delivery,
    deploying,
    documentdb,
    faults,
    filters,
    idle_mappings,
    invoke,
    kafka,
    mapping_calls,
    mq,
    one_test,
    sending,
    startup,
    streams,
)
from benchmarks.harness import HEADER, Comparison, line, measure

GROUPS: dict[str, Callable[[], Iterator[Comparison]]] = {
    "startup": startup.comparisons,
    "one-test": one_test.comparisons,
    "mapping-calls": mapping_calls.comparisons,
    "delivery": delivery.comparisons,
    "sending": sending.comparisons,
    "filters": filters.comparisons,
    "streams": streams.comparisons,
    "deploying": deploying.comparisons,
    "kafka": kafka.comparisons,
    "documentdb": documentdb.comparisons,
    "mq": mq.comparisons,
    "invoke": invoke.comparisons,
    "idle-mappings": idle_mappings.comparisons,
    "faults": faults.comparisons,
    "aio": aio.comparisons,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"one or more of: {', '.join(GROUPS)}")
    groups = parser.parse_args().groups or list(GROUPS)
    for name in groups:
        if name not in GROUPS:
            parser.error(f"there is no group {name!r}; known are: {', '.join(GROUPS)}")
    print(HEADER, flush=True)
    for name in groups:
        for comparison in GROUPS[name]():
            print(line(measure(comparison)), flush=True)


if __name__ == "__main__":
    main()
