"""The setting ``permissions``: what policies do not allow is advised on, or refused as on AWS."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.queues import arn_of, make_queue, send
from helpers.roles import TRUST, allow, grant, make_function, make_role, policy, revoke

HERE = "us-east-1:123456789012"
QUEUE = f"arn:aws:sqs:{HERE}:orders"
TABLE = f"arn:aws:dynamodb:{HERE}:table/orders"
FUNCTION = f"arn:aws:lambda:{HERE}:function:orders"
DONE = f"arn:aws:sqs:{HERE}:done"
READ = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
NO_RECEIVE = "The function execution role does not have permissions to call ReceiveMessage on SQS"
enforced = pytest.mark.lambda_esm(permissions="enforce")
advised = pytest.mark.lambda_esm(permissions="advise")


def make_table():
    boto3.client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def put(event, context):
    boto3.client("dynamodb").put_item(TableName="orders", Item={"id": {"S": "1"}})
    return "put"


def invoke(payload=b"{}", kind="RequestResponse"):
    return boto3.client("lambda").invoke(FunctionName="orders", InvocationType=kind, Payload=payload)


def make_mapping(source=QUEUE, **params):
    return boto3.client("lambda").create_event_source_mapping(FunctionName="orders", EventSourceArn=source, **params)


def result_of(uuid):
    return boto3.client("lambda").get_event_source_mapping(UUID=uuid).get("LastProcessingResult")


def advice_of(fake):
    return [advice for advice in fake.take_advice() if advice.code == "ESM143"]


def texts(fake):
    return [entry.detail for entry in fake.timeline.of("permission")]


# --- calls of handlers ------------------------------------------------------------------------------------------


def test_nothing_is_judged_by_default(lambda_esm):
    make_function(make_role())
    make_table()
    lambda_esm.function("orders", put)
    assert json.load(invoke()["Payload"]) == "put"
    assert texts(lambda_esm) == []
    assert advice_of(lambda_esm) == []


@pytest.mark.lambda_esm(permissions="off")
def test_off_lets_a_deployment_not_advise(lambda_esm):
    make_function(make_role())
    make_table()
    lambda_esm._recorded_world.permissions.advise([FUNCTION])
    lambda_esm.function("orders", put)
    assert json.load(invoke()["Payload"]) == "put"
    assert advice_of(lambda_esm) == []


@enforced
def test_a_handler_gets_what_its_role_allows(lambda_esm):
    make_function(make_role(allow("dynamodb:PutItem", TABLE)))
    make_table()
    lambda_esm.function("orders", put)
    assert json.load(invoke()["Payload"]) == "put"


@enforced
def test_a_handler_is_refused_what_its_role_does_not_allow(lambda_esm):
    make_function(make_role(allow("dynamodb:GetItem", TABLE)))
    make_table()
    lambda_esm.function("orders", put)
    error = json.load(invoke()["Payload"])
    assert error["errorType"] == "ClientError"
    assert error["errorMessage"] == (
        "An error occurred (AccessDeniedException) when calling the PutItem operation: User:"
        " arn:aws:sts::123456789012:assumed-role/orders-role/orders is not authorized to perform: dynamodb:PutItem on"
        f" resource: {TABLE} because no identity-based policy allows the dynamodb:PutItem action"
    )
    assert boto3.client("dynamodb").scan(TableName="orders")["Count"] == 0
    statement = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": TABLE}
    assert texts(lambda_esm) == [
        f"the role arn:aws:iam::123456789012:role/orders-role may not dynamodb:PutItem on {TABLE} (orders calls"
        f" dynamodb.PutItem): the role's policies lack {json.dumps(statement)}"
    ]


@advised
def test_advice_prints_the_statement_once(lambda_esm):
    make_function(make_role())
    make_table()
    lambda_esm.function("orders", put)
    assert json.load(invoke()["Payload"]) == "put"
    invoke()
    [advice] = advice_of(lambda_esm)
    assert '{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "' + TABLE + '"}' in str(advice)


def test_a_deployment_advises_on_its_own_functions(lambda_esm):
    role = make_role()
    make_function(role)
    make_function(role, name="other")
    make_table()
    lambda_esm._recorded_world.permissions.advise([FUNCTION])
    lambda_esm.function("orders", put)
    lambda_esm.function("other", put)
    boto3.client("lambda").invoke(FunctionName="other")
    assert advice_of(lambda_esm) == []
    invoke()
    assert len(advice_of(lambda_esm)) == 1


@enforced
def test_the_test_itself_and_functions_of_the_fixture_may_do_everything(lambda_esm):
    make_table()
    lambda_esm.function("orders", put)
    assert json.load(invoke()["Payload"]) == "put"
    make_queue()
    make_mapping()


@enforced
def test_managed_policies_and_denials_count(lambda_esm):
    make_function(make_role())
    make_table()
    iam = boto3.client("iam")
    managed = iam.create_policy(PolicyName="writes", PolicyDocument=policy(allow("dynamodb:*")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="orders-role", PolicyArn=managed)
    lambda_esm.function("orders", put)
    assert json.load(invoke()["Payload"]) == "put"
    grant({"Effect": "Deny", "Action": "dynamodb:Put*", "Resource": "*"})
    message = json.load(invoke()["Payload"])["errorMessage"]
    assert message.endswith(f"on resource: {TABLE} with an explicit deny in an identity-based policy")


@enforced
def test_a_resources_own_policy_is_enough_within_an_account(lambda_esm):
    url = make_queue("done")
    role = make_role()
    make_function(role)
    lambda_esm.function("orders", lambda event, context: send(url, "x") and "sent")
    assert "AccessDenied" in json.load(invoke()["Payload"])["errorMessage"]
    for effect, outcome in (("Allow", "sent"), ("Deny", "with an explicit deny in a resource-based policy")):
        statement = {"Effect": effect, "Principal": {"AWS": role}, "Action": "sqs:SendMessage", "Resource": DONE}
        boto3.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})
        assert outcome in str(json.load(invoke()["Payload"]))


@enforced
@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (allow("dynamodb:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), "IpAddress aws:SourceIp"),
        ({"Effect": "Allow", "Action": "dynamodb:*", "NotResource": "arn:aws:s3:::x"}, "NotResource"),
    ],
)
def test_what_cannot_be_judged_is_noted_and_passes(lambda_esm, statement, reason):
    make_function(make_role(statement))
    make_table()
    lambda_esm.function("orders", put)
    assert json.load(invoke()["Payload"]) == "put"
    invoke()
    [text] = texts(lambda_esm)
    assert text.startswith(f"dynamodb:PutItem on {TABLE} was not judged: ")
    assert reason in text


@enforced
def test_a_permissions_boundary_cannot_be_judged(lambda_esm):
    boundary = boto3.client("iam").create_policy(PolicyName="edge", PolicyDocument=policy(allow("s3:*")))["Policy"]
    make_function(make_role(allow("dynamodb:*"), PermissionsBoundary=boundary["Arn"]))
    make_table()
    lambda_esm.function("orders", put)
    invoke()
    assert texts(lambda_esm)[0].endswith("it has a permissions boundary")


@enforced
def test_calls_without_a_known_action_and_with_other_credentials_are_noted(lambda_esm):
    role = make_role(allow("sts:AssumeRole"))
    make_function(role)
    make_table()

    def handler(event, context):
        boto3.client("ses").list_identities()
        keys = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="other")["Credentials"]
        boto3.client(
            "dynamodb",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        ).scan(TableName="orders")

    lambda_esm.function("orders", handler)
    assert "FunctionError" not in invoke()
    assert texts(lambda_esm) == [
        "ses.ListIdentities was not judged: the fake has no table of the IAM actions of ses",
        "dynamodb.Scan was not judged: the client has credentials of another role or of a user",
    ]


# --- pollers ----------------------------------------------------------------------------------------------------


@enforced
def test_a_mapping_stops_reading_when_its_role_loses_a_right_and_goes_on_when_it_is_back(lambda_esm):
    url = make_queue()
    make_function(make_role(allow(READ, QUEUE)))
    function = lambda_esm.function("orders", lambda event, context: None)
    uuid = make_mapping()["UUID"]
    lambda_esm.clock.advance(60)
    revoke()
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert result_of(uuid) == f"PROBLEM: {NO_RECEIVE}"
    assert len(function.invocations) == 0
    assert f"it does not receive: {NO_RECEIVE}" in lambda_esm.explain(uuid)
    grant(allow("sqs:*", "*"))
    lambda_esm.clock.run_until_idle()
    assert result_of(uuid) is None
    assert len(function.invocations) == 1


@enforced
@pytest.mark.parametrize("change", ["detach", "version", "role"])
def test_each_change_of_a_right_wakes_the_poller(lambda_esm, change):
    url = make_queue()
    role = make_role()
    make_function(role)
    iam, aws_lambda = boto3.client("iam"), boto3.client("lambda")
    arn = iam.create_policy(PolicyName="reads", PolicyDocument=policy(allow(READ, QUEUE)))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="orders-role", PolicyArn=arn)
    function = lambda_esm.function("orders", lambda event, context: None)
    make_mapping()
    lambda_esm.clock.advance(60)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("s3:*")), SetAsDefault=True)
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 0
    if change == "detach":
        iam.detach_role_policy(RoleName="orders-role", PolicyArn=arn)
        grant(allow(READ, QUEUE))
    elif change == "version":
        iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    else:
        aws_lambda.update_function_configuration(
            FunctionName="orders", Role=make_role(allow("sqs:*"), role="stronger-role")
        )
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 1


@enforced
def test_a_stream_is_read_from_where_its_poller_stopped(lambda_esm):
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    make_function(make_role(allow("kinesis:*")))
    function = lambda_esm.function("orders", lambda event, context: len(event["Records"]))
    source = f"arn:aws:kinesis:{HERE}:stream/clicks"
    uuid = make_mapping(source, StartingPosition="LATEST")["UUID"]
    lambda_esm.clock.advance(60)
    revoke()
    for _ in range(3):
        kinesis.put_record(StreamName="clicks", Data=b"x", PartitionKey="k")
    lambda_esm.clock.advance(60)
    assert result_of(uuid).startswith(f"PROBLEM: Cannot access stream {source}. Please ensure the role can perform")
    states = [transition.reason for transition in lambda_esm.mapping(uuid).history]
    assert set(states) == {"User action"}
    grant(allow(["kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"], source))
    lambda_esm.clock.advance(60)
    assert [invocation.result for invocation in function.invocations] == [3]
    assert result_of(uuid) == "OK"


@advised
def test_advice_on_a_poller_does_not_stop_it(lambda_esm):
    url = make_queue()
    make_function(make_role(allow(READ[:2], QUEUE)))
    function = lambda_esm.function("orders", lambda event, context: None)
    make_mapping()
    send(url, "a")
    lambda_esm.clock.advance(60)
    assert len(function.invocations) == 1
    [advice] = advice_of(lambda_esm)
    assert "may not sqs:GetQueueAttributes" in str(advice)


@enforced
def test_a_mapping_of_kafka_shows_the_documented_text(lambda_esm):
    make_function(make_role(allow("*"), {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}, role="no-network"))
    message = "The function execution role does not have permissions to call CreateNetworkInterface on EC2"
    cluster = f"arn:aws:kafka:{HERE}:cluster/shop/12345678-1234-1234-1234-123456789012-1"
    lambda_esm.kafka(cluster).create_topic("orders")
    with pytest.raises(ClientError, match=message):
        make_mapping(cluster, Topics=["orders"], StartingPosition="LATEST")
    grant(allow("*"), role="no-network")
    uuid = make_mapping(cluster, Topics=["orders"], StartingPosition="LATEST")["UUID"]
    lambda_esm.clock.advance(60)
    revoke(role="no-network")
    lambda_esm.clock.advance(60)
    answer = boto3.client("lambda").get_event_source_mapping(UUID=uuid)
    assert answer["StateTransitionReason"] == "EVENT_SOURCE_AUTHZ_ERROR"
    assert answer["LastProcessingResult"] == "PROBLEM: Cluster failed to authorize Lambda"
    grant(allow("*"), role="no-network")
    lambda_esm.clock.advance(60)
    assert boto3.client("lambda").get_event_source_mapping(UUID=uuid)["StateTransitionReason"] == "USER_INITIATED"


@enforced
def test_a_mapping_of_amazon_mq_needs_its_secret(lambda_esm):
    login = json.dumps({"username": "orders", "password": "secret-password"})
    secret = boto3.client("secretsmanager").create_secret(Name="login", SecretString=login)["ARN"]
    broker = lambda_esm.mq("shop")
    queue = broker.queue("orders")
    rights = allow(["mq:*", "ec2:*"]), allow("secretsmanager:GetSecretValue", secret)
    make_function(make_role(rights[0]))
    function = lambda_esm.function("orders", lambda event, context: None)
    params = {"Queues": ["orders"], "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": secret}]}
    with pytest.raises(ClientError, match="call GetSecretValue on Secrets Manager"):
        make_mapping(broker.arn, **params)
    grant(*rights)
    uuid = make_mapping(broker.arn, **params)["UUID"]
    lambda_esm.clock.advance(60)
    grant(rights[0])
    queue.send("a")
    lambda_esm.clock.advance(60)
    assert "does not have the required permissions" in result_of(uuid)
    grant(*rights)
    lambda_esm.clock.advance(60)
    assert len(function.invocations) == 1


# --- destinations -----------------------------------------------------------------------------------------------


@enforced
def test_a_destination_gets_what_the_role_may_send(lambda_esm):
    url = make_queue("done")
    make_function(make_role())
    function = lambda_esm.function("orders", lambda event, context: None)
    boto3.client("lambda").put_function_event_invoke_config(
        FunctionName="orders", DestinationConfig={"OnSuccess": {"Destination": DONE}}
    )
    for statement, count in ((allow("s3:*"), 0), (allow("sqs:SendMessage", DONE), 1)):
        grant(statement)
        invoke(kind="Event")
        lambda_esm.clock.run_until_idle()
        found = boto3.client("sqs").receive_message(QueueUrl=url).get("Messages", [])
        assert len(found) == count
    assert function.metrics["DestinationDeliveryFailures"] == 1


@advised
def test_advice_on_a_failure_destination_of_a_stream(lambda_esm):
    make_queue("done")
    boto3.client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    make_function(make_role(allow("kinesis:*")))
    lambda_esm.function("orders", lambda event, context: 1 / 0)
    make_mapping(
        f"arn:aws:kinesis:{HERE}:stream/clicks",
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": DONE}},
    )
    boto3.client("kinesis").put_record(StreamName="clicks", Data=b"x", PartitionKey="k")
    lambda_esm.clock.advance(60)
    [advice] = advice_of(lambda_esm)
    assert f"may not sqs:SendMessage on {DONE}" in str(advice)


# --- triggers ---------------------------------------------------------------------------------------------------


def permit(service, source):
    boto3.client("lambda").add_permission(
        FunctionName="orders",
        StatementId=service,
        Action="lambda:InvokeFunction",
        Principal=f"{service}.amazonaws.com",
        SourceArn=source,
    )


def trigger_by_topic(endpoint, protocol):
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    return topic, lambda: sns.publish(TopicArn=topic, Message="x")


def trigger_by_rule(endpoint, protocol):
    events = boto3.client("events")
    arn = events.put_rule(Name="new", EventPattern='{"source": ["shop"]}')["RuleArn"]
    events.put_targets(Rule="new", Targets=[{"Id": "1", "Arn": endpoint}])
    return arn, lambda: events.put_events(Entries=[{"Source": "shop", "DetailType": "new", "Detail": "{}"}])


TRIGGERS = {"sns": trigger_by_topic, "events": trigger_by_rule}


@enforced
@pytest.mark.parametrize("service", TRIGGERS)
def test_a_function_is_invoked_by_those_that_its_policy_names(lambda_esm, service):
    function = lambda_esm.function("orders", lambda event, context: None)
    source, happen = TRIGGERS[service](FUNCTION, "lambda")
    happen()
    permit(service, f"{source}-other")
    happen()
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 0
    assert any(
        f"{service}.amazonaws.com may not lambda:InvokeFunction on {FUNCTION}" in text for text in texts(lambda_esm)
    )
    boto3.client("lambda").remove_permission(FunctionName="orders", StatementId=service)
    permit(service, source)
    happen()
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 1


@enforced
@pytest.mark.parametrize("service", TRIGGERS)
def test_a_queue_gets_what_its_policy_allows(lambda_esm, service):
    url = make_queue()
    source, happen = TRIGGERS[service](QUEUE, "sqs")
    sqs = boto3.client("sqs")
    happen()
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})
    happen()
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


@advised
def test_advice_on_a_trigger_does_not_stop_it(lambda_esm):
    function = lambda_esm.function("orders", lambda event, context: None)
    _, happen = trigger_by_topic(FUNCTION, "lambda")
    happen()
    happen()
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 2
    [advice] = advice_of(lambda_esm)
    assert '"Principal": {"Service": "sns.amazonaws.com"}' in str(advice)


@enforced
def test_a_bucket_takes_notifications_only_for_those_that_let_it_send(lambda_esm):
    url = make_queue()
    function = lambda_esm.function("orders", lambda event, context: None)
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="files")
    notifications = {
        "LambdaFunctionConfigurations": [{"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectCreated:*"]}],
        "QueueConfigurations": [{"QueueArn": arn_of(url), "Events": ["s3:ObjectCreated:*"]}],
    }
    permit("s3", "arn:aws:s3:::files")
    with pytest.raises(ClientError, match="Unable to validate the following destination configurations"):
        s3.put_bucket_notification_configuration(Bucket="files", NotificationConfiguration=notifications)
    s3.put_object(Bucket="files", Key="a")
    del notifications["QueueConfigurations"]
    s3.put_bucket_notification_configuration(Bucket="files", NotificationConfiguration=notifications)
    s3.put_object(Bucket="files", Key="b")
    lambda_esm.clock.run_until_idle()
    assert [invocation.event["Records"][0]["s3"]["object"]["key"] for invocation in function.invocations] == ["b"]


# --- functions and stacks ---------------------------------------------------------------------------------------


@enforced
def test_the_role_of_a_function_has_to_trust_lambda(lambda_esm):
    other = json.loads(json.dumps(TRUST).replace("lambda.", "ec2."))
    with pytest.raises(ClientError, match="The role defined for the function cannot be assumed by Lambda"):
        make_function(make_role(role="other", trust=other))
    make_function(make_role())
    with pytest.raises(ClientError, match="The role defined for the function cannot be assumed by Lambda"):
        boto3.client("lambda").update_function_configuration(
            FunctionName="orders", Role="arn:aws:iam::123456789012:role/other"
        )


@enforced
def test_the_role_of_a_function_has_to_reach_its_dead_letter_queue(lambda_esm):
    make_queue("done")
    role, message = make_role(), "does not have permissions to call SendMessage on SQS"
    with pytest.raises(ClientError, match=message):
        make_function(role, DeadLetterConfig={"TargetArn": DONE})
    make_function(role)
    aws_lambda = boto3.client("lambda")
    with pytest.raises(ClientError, match=message):
        aws_lambda.update_function_configuration(FunctionName="orders", DeadLetterConfig={"TargetArn": DONE})
    grant(allow("sqs:SendMessage", DONE))
    aws_lambda.update_function_configuration(FunctionName="orders", DeadLetterConfig={"TargetArn": DONE})


@enforced
def test_a_template_gives_its_roles_managed_policies_of_aws(lambda_esm):
    managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
    template = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}},
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": TRUST,
                    "ManagedPolicyArns": [managed],
                    "Policies": [{"PolicyName": "p", "PolicyDocument": json.loads(policy(allow("dynamodb:GetItem")))}],
                },
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "orders",
                    "Runtime": "python3.12",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": "def handler(event, context):\n    return None\n"},
                },
            },
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                },
            },
        }
    }
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName="shop", TemplateBody=json.dumps(template))
    make_table()
    function = lambda_esm.function("orders", put)
    lambda_esm.clock.advance(60)
    send(boto3.client("sqs").get_queue_url(QueueName="orders")["QueueUrl"], "a")
    lambda_esm.clock.advance(1)
    assert "dynamodb:PutItem" in function.invocations[0].error.message
    template["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"] = json.loads(
        policy(allow("dynamodb:*"))
    )
    cloudformation.update_stack(StackName="shop", TemplateBody=json.dumps(template))
    lambda_esm.clock.advance(60)
    assert function.invocations[-1].result == "put"


@enforced
def test_the_diagnosis_names_the_statement_that_is_missing(lambda_esm):
    make_table()
    make_function(make_role())
    lambda_esm.function("orders", put)
    invoke()
    text = " ".join(lambda_esm._report_diagnosis().split())
    assert text.startswith("- The role ")
    assert "may not dynamodb:PutItem on dynamodb:table/orders" in text
    assert '"Action": "dynamodb:PutItem"' in text
    assert "Add that statement." in text
    assert "test_permissions.py:" in text
    assert "botocore" not in text
