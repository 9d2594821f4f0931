"""``python -m benchmarks [GROUP ...]`` prints one table of ratios, in about three minutes.

With ``--compare REVISION``, a revision of git, it measures that one as well, in turns.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Iterator

from benchmarks import (
    aio,
    delivery,
    deploying,
    documentdb,
    explore,
    faults,
    filters,
    idle_mappings,
    invoke,
    kafka,
    mapping_calls,
    mq,
    one_test,
    sending,
    server,
    startup,
    streams,
    typical_test,
)
from benchmarks.harness import HEADER, Comparison, line, measure

GROUPS: dict[str, Callable[[], Iterator[Comparison]]] = {
    "startup": startup.comparisons,
    "typical-test": typical_test.comparisons,
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
    "explore": explore.comparisons,
    "aio": aio.comparisons,
    "server": server.comparisons,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"one or more of: {', '.join(GROUPS)}")
    parser.add_argument("--compare", metavar="REVISION", help="also measure this revision of the package")
    parser.add_argument("--json", action="store_true", help="print each row as a JSON object")
    options = parser.parse_args()
    groups = options.groups or list(GROUPS)
    for name in groups:
        if name not in GROUPS:
            parser.error(f"there is no group {name!r}; known are: {', '.join(GROUPS)}")
    warnings.simplefilter("ignore")  # Advice on mappings that are as they are on purpose.
    if options.compare:
        from benchmarks.revisions import compare

        compare(options.compare, groups)
        return
    if not options.json:
        print(HEADER, flush=True)
    for name in groups:
        for comparison in GROUPS[name]():
            measured = measure(comparison)
            print(json.dumps(measured.as_json()) if options.json else line(measured), flush=True)


if __name__ == "__main__":
    main()
