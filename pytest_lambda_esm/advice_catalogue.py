"""The advice that this package gives: codes, texts and sources, as data.

Codes up to ESM199 are about AWS; those from ESM201 are about what differs between a test and Lambda. Each code has a
page in the documentation. A code never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

PAGES: Final = "docs/reference/advice"
"""The folder of the pages, in the repository and in the source distribution."""

_GUIDE: Final = "https://docs.aws.amazon.com/lambda/latest/dg/"
_API: Final = "https://docs.aws.amazon.com/lambda/latest/api/"
_RECORDED: Final = "recorded from AWS"


class Entry(NamedTuple):
    """One code.

    ``happens`` is a template of what happens in production, in one sentence without its full stop; the code that
    recognises the situation fills it in. ``remedy`` is what to do. ``sources`` are addresses, or kinds of evidence.
    """

    code: str
    title: str
    happens: str
    remedy: str
    sources: tuple[str, ...]

    @property
    def page(self) -> str:
        """The documentation of this code."""
        return f"{PAGES}/{self.code}.md"

    def text(self, details: Mapping[str, object]) -> str:
        """Return the text of a warning."""
        return f"{self.code}: {self.happens.format_map(details)}. {self.remedy}. See {self.page}"


_ENTRIES: Final = (
    Entry(
        "ESM101",
        "The visibility timeout is shorter than the function's timeout",
        "the queue's visibility timeout ({visibility} s) is less than the function's timeout ({timeout} s), which AWS"
        " checks only when the mapping is created or updated: a longer run gets its messages delivered a second time"
        " while it still works, and cannot delete them",
        "Raise the queue's visibility timeout to at least 6 times the function's timeout",
        (
            f"{_GUIDE}services-sqs-configure.html",
            "https://github.com/hashicorp/terraform-provider-aws/issues/18099",
            "https://github.com/aws/serverless-application-model/issues/1424",
        ),
    ),
    Entry(
        "ESM102",
        "The visibility timeout leaves no room for throttles",
        "the queue's visibility timeout ({visibility} s) is less than 6 times the function's timeout ({timeout} s) plus"
        " the batching window ({window} s): throttled messages may reach the dead-letter queue unprocessed, or be"
        " delivered twice",
        "Raise the queue's visibility timeout, or lower the function's timeout",
        (f"{_GUIDE}services-sqs-configure.html", "https://github.com/cdklabs/cdk-nag/issues/1798"),
    ),
    Entry(
        "ESM103",
        "Throttles use up the receive counts of messages",
        "{what}: each throttled message is received again without being processed, until its receive count sends it to"
        " the dead-letter queue",
        "Set ScalingConfig.MaximumConcurrency to at most the reserved concurrency, or reserve at least five",
        (
            f"{_GUIDE}services-sqs-scaling.html",
            "https://betterprogramming.pub/lambda-sqs-trigger-and-concurrency-87131dad9a12",
        ),
    ),
    Entry(
        "ESM104",
        "The mappings may run more than the function has reserved",
        "the mappings of {function!r} may run {maximum} at a time (MaximumConcurrency), and the function has"
        " reserved {reserved}: batches are throttled, and their messages use up their receive counts",
        "Keep the sum of MaximumConcurrency at or below the reserved concurrency",
        (f"{_GUIDE}services-sqs-scaling.html",),
    ),
    Entry(
        "ESM105",
        "A wrong identifier fails the whole batch",
        "{function!r} reported failures in a form that AWS does not accept ({problem}): the whole batch counts as"
        " failed, and what succeeded is delivered again",
        "Report itemIdentifier with ids of this batch only: messageId for queues, the sequence number for streams",
        (f"{_GUIDE}services-sqs-errorhandling.html", _RECORDED),
    ),
    Entry(
        "ESM106",
        "The mapping ignores batchItemFailures",
        "{function!r} returned batchItemFailures, and its mapping does not report them: AWS counts the whole batch as"
        " processed, and the failed records are lost",
        "Set FunctionResponseTypes=['ReportBatchItemFailures'] on the mapping; for Amazon MQ and DocumentDB, which have"
        " no such setting, raise an error",
        (f"{_GUIDE}services-sqs-errorhandling.html", "https://github.com/storacha/indexing-service/pull/159"),
    ),
    Entry(
        "ESM107",
        "An empty answer means success",
        "{function!r} has never returned batchItemFailures, although its mapping asks for them; it returned {answer},"
        " which counts as success of the whole batch, whatever went wrong inside",
        "Return {'batchItemFailures': [...]} after every batch, with an empty list if all succeeded",
        (f"{_GUIDE}services-sqs-errorhandling.html", f"{_GUIDE}services-kinesis-batchfailurereporting.html", _RECORDED),
    ),
    Entry(
        "ESM108",
        "An error brings back the whole batch",
        "{function!r} failed with {count} messages at once: all of them are delivered again, also those that it had"
        " finished, and all of them may end in the dead-letter queue",
        "Catch errors for each message, and report the failed ones with ReportBatchItemFailures",
        (
            f"{_GUIDE}services-sqs-errorhandling.html",
            "https://github.com/aws-powertools/powertools-lambda-java/issues/119",
        ),
    ),
    Entry(
        "ESM109",
        "A partial failure breaks the order of a FIFO queue",
        "{function!r} reported a message of the group {group!r} as failed, and finished a later one of the same group:"
        " the failed message is delivered after it, out of order",
        "Stop at the first failure of a group, and report all of its later messages as failed too",
        (
            f"{_GUIDE}services-sqs-errorhandling.html",
            "https://github.com/aws-powertools/powertools-lambda-python/issues/1927",
        ),
    ),
    Entry(
        "ESM110",
        "A failing message blocks its FIFO group",
        "{function!r} failed with a FIFO message that was received {attempts}, and the queue has no redrive"
        " policy: nothing behind it in its group is delivered before it succeeds or expires",
        "Give the queue a redrive policy",
        (f"{_GUIDE}services-sqs-errorhandling.html", "https://github.com/DataBiosphere/azul/issues/8143"),
    ),
    Entry(
        "ESM111",
        "A filter deletes messages because of their format",
        "a filter expects {expected} in the body and the message has {found}: such a message never matches, and AWS"
        " deletes it without an invocation, an error or a dead letter",
        "Send the format that the filter expects, or filter on attributes",
        (f"{_GUIDE}with-sqs-filtering.html", f"{_GUIDE}invocation-eventfiltering.html"),
    ),
    Entry(
        "ESM112",
        "A short batching window does not limit the wait",
        "a message in a quiet queue may wait up to 20 seconds for its invocation, although the batching window is"
        " {window} s",
        "Do not rely on a window below 20 seconds; the setting low_traffic_wait=20 tests with the longest wait",
        (f"{_GUIDE}with-sqs.html",),
    ),
    Entry(
        "ESM113",
        "A record that always fails blocks its shard",
        "{function!r} has failed {attempts} with the same records, and the mapping limits neither their retries"
        " nor their age: their shard is blocked until they expire, and the records behind them expire too",
        "Set MaximumRetryAttempts or MaximumRecordAgeInSeconds, and a destination for failures",
        (f"{_GUIDE}kinesis-on-failure-destination.html", f"{_GUIDE}services-dynamodb-errors.html"),
    ),
    Entry(
        "ESM114",
        "Splitting a batch does not count as a retry",
        "a failed batch of {count} records was split, which uses up no retry (MaximumRetryAttempts is {retries}): the"
        " function runs far more often than MaximumRetryAttempts says, and gets good records several times",
        "Make the function idempotent, or report failed records with ReportBatchItemFailures",
        (f"{_GUIDE}kinesis-on-failure-destination.html",),
    ),
    Entry(
        "ESM115",
        "A partial success restarts the retries",
        "a record was given up after {attempts}, although MaximumRetryAttempts is {retries}: retries count"
        " from zero again after each partial success",
        "Expect at least one attempt more than MaximumRetryAttempts + 1 for records that you report",
        (f"{_GUIDE}services-kinesis-batchfailurereporting.html", _RECORDED),
    ),
    Entry(
        "ESM116",
        "Throttles do not count as retries",
        "a batch was throttled {throttles} although MaximumRetryAttempts is {retries}: throttles use up no retry,"
        " so it is tried until its records expire, which leaves no record in any destination",
        "Set MaximumRecordAgeInSeconds as well",
        (f"{_GUIDE}invocation-eventsourcemapping.html", f"{_GUIDE}kinesis-on-failure-destination.html"),
    ),
    Entry(
        "ESM117",
        "The failure record has no data",
        "the failure record that {destination} received names the positions of the failed records and has none of their"
        " data: it is worth nothing once they have expired in the source",
        "Use an S3 bucket as the destination, or fetch the records from the source in time",
        (
            f"{_GUIDE}kinesis-on-failure-destination.html",
            "https://github.com/aws-powertools/powertools-lambda-python/issues/7817",
        ),
    ),
    Entry(
        "ESM118",
        "LATEST misses records from before the first poll",
        "LATEST skipped {records} written after the mapping was created and before it began to read: the function never"
        " gets them",
        "Use TRIM_HORIZON or AT_TIMESTAMP, or wait until the mapping is Enabled before you write",
        (f"{_GUIDE}with-ddb.html", "https://github.com/awsdocs/aws-lambda-developer-guide/issues/487"),
    ),
    Entry(
        "ESM119",
        "The place in the stream was lost",
        "{what}",
        "Enable a mapping again before the stream's retention ends, and update it instead of creating a new one",
        (f"{_API}API_UpdateEventSourceMapping.html", f"{_GUIDE}with-ddb.html"),
    ),
    Entry(
        "ESM121",
        "A tumbling window loses its state",
        "{what}",
        "Return {'state': ...} from every invocation, and keep it well below 1 MB",
        (f"{_GUIDE}services-kinesis-windows.html", f"{_GUIDE}services-ddb-windows.html"),
    ),
    Entry(
        "ESM122",
        "A filter on DynamoDB values never matches",
        "the filter {path!r} can never match: {why}; the records are skipped without a trace",
        "Compare numbers as strings, and end the path of exists with the type, such as S or N",
        (f"{_GUIDE}with-ddb-filtering.html", _RECORDED),
    ),
    Entry(
        "ESM124",
        "The mapping has outlived its function",
        "the mapping still exists, and its function {function!r} does not: each batch fails, and a new function of that"
        " name cannot be mapped to the source again (ResourceConflictException)",
        "Delete the mapping together with its function",
        (
            "https://github.com/aws/serverless-application-model/issues/1320",
            "https://github.com/hashicorp/terraform/issues/4089",
            _RECORDED,
        ),
    ),
    Entry(
        "ESM125",
        "The mapping runs $LATEST",
        "the mapping names {function!r} without a qualifier, and the function has the alias {alias!r}: it always runs"
        " $LATEST, whatever the alias points to",
        "Create the mapping with the alias as the function's qualifier, or with $LATEST if that is intended",
        (
            "https://github.com/aws/serverless-application-model/issues/278",
            "https://github.com/terraform-aws-modules/terraform-aws-lambda/issues/501",
            _RECORDED,
        ),
    ),
    Entry(
        "ESM126",
        "A client that gives up runs the function again",
        "the client stopped waiting for {function!r} after its read timeout of {timeout:g} s, and the function ran on:"
        " boto3 sends the request again, so it runs once more for each attempt",
        "Set Config(read_timeout=...) above the function's timeout, or Config(retries={'total_max_attempts': 1})",
        ("https://github.com/boto/boto3/issues/1104", "measured with botocore"),
    ),
    Entry(
        "ESM128",
        "The maximum age leaves no time for a retry",
        "asynchronous events of {function!r} are never retried: the first retry comes after 60 seconds, and their"
        " maximum age is {age} s",
        "Set MaximumEventAgeInSeconds above 60, above 180 for two retries; or MaximumRetryAttempts=0 if you want none",
        (f"{_GUIDE}invocation-async-error-handling.html", _RECORDED),
    ),
    Entry(
        "ESM129",
        "A reserved concurrency of 0 does not pause a mapping",
        "{function!r} has a reserved concurrency of 0: asynchronous events are given up at once, messages of queues use"
        " up their receive counts, and records of streams wait until they expire",
        "Disable the mapping to pause it",
        (f"{_GUIDE}invocation-async-retain-records.html", _RECORDED),
    ),
    Entry(
        "ESM130",
        "Failed events and messages do not go where they seem to",
        "{what}",
        "Use one of the two for asynchronous events, a standard queue, and a redrive policy for the queue of a mapping",
        (f"{_GUIDE}invocation-async-retain-records.html",),
    ),
    Entry(
        "ESM131",
        "A filter lets records through because of their format",
        "a filter expects {expected} and the data of the record is {found}: mappings of Kafka and Amazon MQ ignore that"
        " part of the filter, and the function gets the record",
        "Check the record in the function too",
        (f"{_GUIDE}kafka-filtering.html", f"{_GUIDE}with-mq-filtering.html"),
    ),
    Entry(
        "ESM132",
        "The consumer group decides where reading begins",
        "the consumer group {group!r} had committed offsets before this mapping: it continues from these, and"
        " StartingPosition={position} has no effect",
        "Use a new consumer group id to start elsewhere",
        (f"{_GUIDE}kafka-consumer-group-id.html",),
    ),
    Entry(
        "ESM133",
        "A destination limits the retries of a Kafka mapping",
        "the mapping has a destination for failures and no limit on retries: AWS still gives up each batch after 10"
        " retries",
        "Set MaximumRetryAttempts, which needs provisioned pollers, or expect 10",
        (f"{_GUIDE}kafka-retry-configurations.html",),
    ),
    Entry(
        "ESM134",
        "A record larger than 6 MB is dropped",
        "{count} larger than the 6 MB of an event: AWS drops such records of Amazon MQ and DocumentDB without an"
        " invocation or a failure record, and counts them in OversizedRecordCount only",
        "Keep records well below 6 MB, and store larger data elsewhere, such as in S3",
        (f"{_GUIDE}services-mq-errors.html", f"{_GUIDE}with-documentdb.html"),
    ),
    Entry(
        "ESM135",
        "Lambda stopped a recursive loop",
        "{function!r} was not invoked, because {depth} invocations had caused one another: AWS stops such a loop, and"
        " its messages use up their receive counts or are dropped",
        "Write to another queue or topic than the one that triggers the function, or allow the recursion explicitly",
        (f"{_GUIDE}invocation-recursion.html",),
    ),
    Entry(
        "ESM136",
        "A broker limits retries and concurrency itself",
        "{what}",
        "Watch the broker's own dead-letter queue, and do not expect the function's concurrency",
        (f"{_GUIDE}services-mq-errors.html", f"{_GUIDE}with-mq.html"),
    ),
    Entry(
        "ESM137",
        "A function error is an answer with status 200",
        "the invocation of {function!r} failed, and the caller looked at neither FunctionError nor the payload: Invoke"
        " answers with StatusCode 200 and raises nothing",
        "Check 'FunctionError' in the response of each Invoke",
        (f"{_API}API_Invoke.html", _RECORDED),
    ),
    Entry(
        "ESM142",
        "A list of mappings has at most 100 of them",
        "ListEventSourceMappings with MaxItems={asked} returned 100 mappings, and there are more",
        "Follow NextMarker, or use the client's paginator",
        (f"{_API}API_ListEventSourceMappings.html", _RECORDED),
    ),
    Entry(
        "ESM143",
        "A policy does not allow it",
        "{denial}, so it fails on AWS: {cause}",
        "Allow it where the role or the resource is defined; the setting 'permissions' makes it fail here too"
        " ('enforce'), or judges nothing ('off')",
        (
            f"{_GUIDE}lambda-permissions.html",
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
        ),
    ),
    Entry(
        "ESM144",
        "Lambda does not await a handler",
        "the handler of {function!r} is a coroutine function (async def): Lambda's Python runtime calls it, does not"
        " await what it returns, and fails with Runtime.MarshalError each time",
        "Bind a plain function that calls asyncio.run()",
        (
            f"{_GUIDE}python-handler.html",
            "https://github.com/aws/aws-lambda-python-runtime-interface-client/blob/main/awslambdaric/bootstrap.py",
        ),
    ),
    Entry(
        "ESM201",
        "A bound handler keeps its module after a timeout",
        "the handler of {function!r} runs again after a timeout or an exit, and its module has what it changed before:"
        " {names}. In Lambda, the module is imported again, so these variables have their initial values again",
        "Deploy the code as a zip file to test that, or reset them in the test",
        (f"{_GUIDE}lambda-runtime-environment.html",),
    ),
    Entry(
        "ESM202",
        "The archive lacks a module",
        "{function!r} imports {module!r}, which is not in its archive or its layers. It was imported from the test's"
        " environment; in Lambda there is no such module",
        "Add it to the archive; the setting 'archive_imports' makes such imports fail here too ('refuse'), or allows"
        " them ('allow')",
        (f"{_GUIDE}python-package.html",),
    ),
    Entry(
        "ESM203",
        "A module of the archive has the name of a standard one",
        "the archive of {function!r} has a module {module!r}, which is also in Python's standard library. Here the"
        " library's was imported; in Lambda it depends on what the runtime has imported before",
        "Rename the module",
        (f"{_GUIDE}python-package.html",),
    ),
    Entry(
        "ESM204",
        "Something in moto would invoke a function on AWS",
        "{what}",
        "Leave this code out if the test does so already",
        ("https://docs.getmoto.org/en/latest/docs/services/index.html",),
    ),
    Entry(
        "ESM205",
        "A stack does less than it does on AWS",
        "{what}",
        "Create or change what the test needs of it with boto3",
        ("https://docs.getmoto.org/en/latest/docs/services/cf.html",),
    ),
    Entry(
        "ESM206",
        "A schedule or a pipe does less than it does on AWS",
        "{what}",
        "Give it a target that is simulated if the test needs what it does",
        ("https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets.html",),
    ),
)

CATALOGUE: Final[Mapping[str, Entry]] = MappingProxyType({entry.code: entry for entry in _ENTRIES})
"""The entries by their codes."""
