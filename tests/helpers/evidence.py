"""The kinds of evidence for a fact about AWS: the one list that the tests and the documentation use.

The page on fidelity (``docs/explanation/fidelity.md``) shows these descriptions. ``recorded`` wins over ``documented``.
"""

EVIDENCE = {
    "recorded": (
        "A real account answered this, and the answer was kept: exact texts, statuses, key sets, event payloads. Where "
        "recorded and documented behaviour differ, the recorded one wins."
    ),
    "framework": "Other AWS services with the same front end as Lambda answered this.",
    "runtime": (
        "The client of Lambda's Python runtimes, the open-source package awslambdaric, did this in a test of this "
        "project; it is what runs a handler in AWS."
    ),
    "documented": (
        "AWS's documentation or botocore's service model states it: constraints, enumerations, errors, statuses."
    ),
    "reported": "Users of AWS have published the answer, in an issue or a log; nobody recorded it on purpose.",
    "chosen": (
        "Nobody has published the answer, so this project decided. Where a user could want something else, the choice "
        "is a setting."
    ),
}
