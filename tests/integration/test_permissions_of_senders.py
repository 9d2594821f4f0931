"""The setting ``permissions``: the roles of schedules, pipes and rules, and what rules send without a role."""

import json
from importlib.util import find_spec

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.queues import make_queue, send
from helpers.roles import allow, grant, make_role, policy

HERE = "us-east-1:123456789012"
QUEUE, DEAD, SOURCE = (f"arn:aws:sqs:{HERE}:{name}" for name in ("orders", "dead", "source"))
FUNCTION = f"arn:aws:lambda:{HERE}:function:worker"
TOPIC = f"arn:aws:sns:{HERE}:news"
STREAM = f"arn:aws:kinesis:{HERE}:stream/clicks"
RULE = f"arn:aws:events:{HERE}:rule/nightly"
SCHEDULE = f"arn:aws:scheduler:{HERE}:schedule/default/nightly"
PIPE = f"arn:aws:pipes:{HERE}:pipe/moves"
ROLE = "arn:aws:iam::123456789012:role/orders-role"
enforced = pytest.mark.lambda_esm(permissions="enforce")
advised = pytest.mark.lambda_esm(permissions="advise")
needs_pipes = pytest.mark.skipif(find_spec("moto.pipes") is None, reason="this moto has no pipes")


def trusting(service):
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def make_targets(fake):
    """Make what is sent to, and return what each has got."""
    urls = {name: make_queue(name) for name in ("orders", "dead")}
    worker = fake.function("worker", lambda event, context: None)
    boto3.client("sns").create_topic(Name="news")
    boto3.client("sns").subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)
    boto3.client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    return urls, worker


def received(url):
    answer = boto3.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )
    return answer.get("Messages", [])


def records():
    kinesis = boto3.client("kinesis")
    shard = kinesis.describe_stream(StreamName="clicks")["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName="clicks", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]


def schedule(target, **more):
    boto3.client("scheduler").create_schedule(
        Name="nightly",
        ScheduleExpression="cron(0 3 * * ? *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target, "RoleArn": ROLE, **more},
    )


def rule(target, *, pattern=None, **more):
    events = boto3.client("events")
    timing = {"EventPattern": json.dumps(pattern)} if pattern else {"ScheduleExpression": "cron(0 3 * * ? *)"}
    events.put_rule(Name="nightly", **timing)
    events.put_targets(Rule="nightly", Targets=[{"Id": "1", "Arn": target, **more}])


def put_event():
    boto3.client("events").put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])


def advice_of(fake):
    return [str(advice) for advice in fake.take_advice() if advice.code == "ESM143"]


def let(service, action, arn, source):
    condition = {"ArnEquals": {"aws:SourceArn": source}}
    return policy(allow(action, arn, Principal={"Service": f"{service}.amazonaws.com"}, Condition=condition))


def set_queue_policy(url, document):
    boto3.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})


def allow_function():
    boto3.client("lambda").add_permission(
        FunctionName="worker",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=RULE,
    )


def allow_topic():
    document = let("events", "sns:Publish", TOPIC, RULE)
    boto3.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=document)


# --- schedules --------------------------------------------------------------------------------------------------


@enforced
@pytest.mark.parametrize(
    ("target", "action"), [(QUEUE, "sqs:SendMessage"), (FUNCTION, "lambda:InvokeFunction"), (TOPIC, "sns:Publish")]
)
def test_a_schedule_sends_what_its_role_allows(lambda_esm, target, action):
    urls, worker = make_targets(lambda_esm)
    set_queue_policy(urls["orders"], let("sns", "sqs:SendMessage", QUEUE, TOPIC))
    make_role(allow(action, target), trust=trusting("scheduler"))
    schedule(target)
    lambda_esm.clock.advance(days=1)
    assert len(received(urls["orders"])) + len(worker.invocations) == 1


@enforced
@pytest.mark.parametrize(
    ("target", "code"),
    [(QUEUE, "AccessDenied"), (FUNCTION, "AccessDeniedException"), (TOPIC, "AuthorizationError")],
)
def test_a_schedule_without_the_right_sends_a_dead_letter_at_once(lambda_esm, target, code):
    urls, worker = make_targets(lambda_esm)
    make_role(allow("sqs:SendMessage", DEAD), trust=trusting("scheduler"))
    schedule(target, DeadLetterConfig={"Arn": DEAD})
    lambda_esm.clock.advance(hours=3)
    assert received(urls["orders"]) == worker.invocations == []
    [letter] = received(urls["dead"])
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == (code, "0")
    assert "EXHAUSTED_RETRY_CONDITION" not in attributes


@enforced
def test_the_role_of_a_schedule_decides_about_its_dead_letters(lambda_esm):
    urls, _ = make_targets(lambda_esm)
    make_role(trust=trusting("scheduler"))
    schedule(QUEUE, DeadLetterConfig={"Arn": DEAD})
    lambda_esm.clock.advance(hours=3)
    assert received(urls["dead"]) == []


@enforced
def test_a_role_that_does_not_trust_the_scheduler_is_refused(lambda_esm):
    make_targets(lambda_esm)
    make_role(allow("sqs:SendMessage", QUEUE))
    with pytest.raises(ClientError) as refused:
        schedule(QUEUE)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "ValidationException",
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    )


@advised
def test_advice_on_a_schedule_prints_the_statement(lambda_esm):
    urls, _ = make_targets(lambda_esm)
    make_role(trust=trusting("scheduler"))
    schedule(QUEUE)
    lambda_esm.clock.advance(days=2)
    assert len(received(urls["orders"])) == 2
    [advice] = advice_of(lambda_esm)
    assert json.dumps({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE}) in advice
    assert SCHEDULE in advice


@advised
def test_advice_on_a_role_that_the_scheduler_cannot_assume(lambda_esm):
    make_targets(lambda_esm)
    make_role(allow("sqs:SendMessage", QUEUE))
    schedule(QUEUE)
    lambda_esm.clock.advance(days=1)
    [advice] = advice_of(lambda_esm)
    assert json.dumps(trusting("scheduler")["Statement"][0]) in advice


# --- rules ------------------------------------------------------------------------------------------------------


@enforced
@pytest.mark.parametrize("pattern", [None, {"source": ["shop"]}], ids=["scheduled", "pattern"])
@pytest.mark.parametrize("target", [QUEUE, FUNCTION, TOPIC])
@pytest.mark.parametrize("permitted", [True, False])
def test_the_policy_of_the_target_decides_about_a_rule(lambda_esm, pattern, target, permitted):
    urls, worker = make_targets(lambda_esm)
    own = let("events", "sqs:SendMessage", QUEUE, RULE)
    of_topic = let("sns", "sqs:SendMessage", QUEUE, TOPIC)
    both = policy(*(statement for text in (own, of_topic) for statement in json.loads(text)["Statement"]))
    set_queue_policy(urls["orders"], both if permitted else of_topic)
    set_queue_policy(urls["dead"], let("events", "sqs:SendMessage", DEAD, RULE))
    if permitted:
        allow_function()
        allow_topic()
    rule(target, pattern=pattern, DeadLetterConfig={"Arn": DEAD})
    put_event()
    lambda_esm.clock.advance(hours=3)
    assert len(received(urls["orders"])) + len(worker.invocations) == permitted
    letters = received(urls["dead"])
    codes = [letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] for letter in letters]
    assert codes == ([] if permitted else ["NO_PERMISSIONS"])


@enforced
@pytest.mark.parametrize("pattern", [None, {"source": ["shop"]}], ids=["scheduled", "pattern"])
@pytest.mark.parametrize(
    ("role", "statements", "arrives"),
    [
        (ROLE, [allow("kinesis:PutRecord", STREAM)], True),
        (ROLE, [allow("kinesis:GetRecords", STREAM)], False),
        ("", [allow("kinesis:PutRecord", STREAM)], False),
    ],
    ids=["allowed", "not-allowed", "without-a-role"],
)
def test_a_role_decides_about_a_stream(lambda_esm, pattern, role, statements, arrives):
    make_targets(lambda_esm)
    make_role(*statements, trust=trusting("events"))
    rule(STREAM, pattern=pattern, **({"RoleArn": role} if role else {}))
    put_event()
    lambda_esm.clock.advance(hours=3)
    assert len(records()) == arrives


@advised
@pytest.mark.parametrize("pattern", [None, {"source": ["shop"]}], ids=["scheduled", "pattern"])
def test_advice_on_a_rule_prints_the_statement(lambda_esm, pattern):
    urls, _ = make_targets(lambda_esm)
    rule(QUEUE, pattern=pattern)
    put_event()
    lambda_esm.clock.advance(hours=3)
    assert len(received(urls["orders"])) == 1
    [advice] = advice_of(lambda_esm)
    assert json.dumps({"aws:SourceArn": RULE}) in advice


# --- pipes ------------------------------------------------------------------------------------------------------

READ = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], SOURCE)


def make_pipe(**more):
    url = make_queue("source", VisibilityTimeout="30")
    boto3.client("pipes").create_pipe(Name="moves", RoleArn=ROLE, Source=SOURCE, Target=QUEUE, **more)
    return url


@needs_pipes
@enforced
def test_a_pipe_moves_what_its_role_allows(lambda_esm):
    urls, _ = make_targets(lambda_esm)
    make_role(READ, allow("sqs:SendMessage", QUEUE), trust=trusting("pipes"))
    send(make_pipe(), "one")
    lambda_esm.clock.advance(10)
    assert len(received(urls["orders"])) == 1


@needs_pipes
@enforced
def test_a_pipe_reads_nothing_until_its_role_allows_it(lambda_esm):
    urls, _ = make_targets(lambda_esm)
    make_role(allow("sqs:SendMessage", QUEUE), trust=trusting("pipes"))
    url = make_pipe()
    send(url, "one")
    lambda_esm.clock.advance(100)
    attributes = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (attributes["ApproximateNumberOfMessages"], received(urls["orders"])) == ("1", [])
    grant(READ, allow("sqs:SendMessage", QUEUE))
    lambda_esm.clock.advance(100)
    assert len(received(urls["orders"])) == 1


@needs_pipes
@enforced
@pytest.mark.parametrize(
    ("more", "statement"),
    [({}, allow("sqs:SendMessage", QUEUE)), ({"Enrichment": FUNCTION}, allow("lambda:InvokeFunction", FUNCTION))],
    ids=["target", "enrichment"],
)
def test_a_message_returns_where_a_pipe_may_not_send(lambda_esm, more, statement):
    urls, worker = make_targets(lambda_esm)
    worker.bind(lambda event, context: [{"enriched": True}])
    others = [allow("sqs:SendMessage", QUEUE)] if more else []
    make_role(READ, *others, trust=trusting("pipes"))
    send(make_pipe(**more), "one")
    lambda_esm.clock.advance(20)
    assert received(urls["orders"]) == worker.invocations == []
    grant(READ, statement, *others)
    lambda_esm.clock.advance(60)
    assert len(received(urls["orders"])) == 1


@needs_pipes
@advised
def test_advice_on_a_pipe_prints_the_statements(lambda_esm):
    urls, _ = make_targets(lambda_esm)
    make_role(trust=trusting("pipes"))
    send(make_pipe(), "one")
    lambda_esm.clock.advance(10)
    assert len(received(urls["orders"])) == 1
    found = advice_of(lambda_esm)
    statements = [json.loads(text.partition("policies lack ")[2].partition("}")[0] + "}") for text in found]
    actions = [statement["Action"] for statement in statements]
    assert sorted(actions) == ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"]
