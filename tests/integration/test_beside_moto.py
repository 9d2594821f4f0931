"""The fake and moto: what existed before the fake, and what moto still answers."""

import io
import json
import zipfile

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws
from moto.core.models import default_user_config

from helpers.queues import accept, make_queue, send, subscribe
from pytest_lambda_esm import FakeLambda, NotSimulated


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("app.py", "def handler(event, context): return None\n")
    return buffer.getvalue()


def create_function(name="orders"):
    role = boto3.client("iam", "us-east-1").create_role(RoleName=f"role-of-{name}", AssumeRolePolicyDocument="{}")
    return boto3.client("lambda", "us-east-1").create_function(
        FunctionName=name,
        Role=role["Role"]["Arn"],
        Runtime="python3.12",
        Handler="app.handler",
        Code={"ZipFile": archive()},
        Timeout=5,
    )


@pytest.fixture
def earlier():
    """What existed before the fake: a queue, a message, and a function and a mapping that moto created."""
    with mock_aws():
        sqs = boto3.client("sqs", "us-east-1")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sqs.send_message(QueueUrl=url, MessageBody="before")
        create_function()
        mapping = boto3.client("lambda", "us-east-1").create_event_source_mapping(
            EventSourceArn=arn, FunctionName="orders", BatchSize=7
        )
        yield url, mapping["UUID"]
        from moto.sqs.models import sqs_backends

        assert sqs_backends["123456789012"]["us-east-1"].queues["q"].lambda_event_source_mappings


def test_a_mapping_that_moto_created_is_taken_over(earlier, lambda_esm, lambda_esm_client):
    url, uuid = earlier
    function = lambda_esm.function("orders", lambda event, context: None)
    answer = lambda_esm_client.get_event_source_mapping(UUID=uuid)
    assert (answer["State"], answer["BatchSize"]) == ("Enabled", 7)
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody="after")
    assert function.invocations == []
    lambda_esm.clock.run_until_idle()
    bodies = [record["body"] for invocation in function.invocations for record in invocation.event["Records"]]
    assert bodies == ["before", "after"]


def test_a_disabled_mapping_that_moto_created_stays_disabled(earlier):
    _, uuid = earlier
    aws_lambda = boto3.client("lambda", "us-east-1")
    aws_lambda.update_event_source_mapping(UUID=uuid, Enabled=False)
    with FakeLambda(region="us-east-1", advice="off") as fake:
        function = fake.function("orders", accept)
        assert aws_lambda.get_event_source_mapping(UUID=uuid)["State"] == "Disabled"
        fake.clock.advance(60)
        assert function.invocations == []
        aws_lambda.update_event_source_mapping(UUID=uuid, Enabled=True)
        fake.clock.run_until_idle()
        assert [record["body"] for record in function.invocations[0].event["Records"]] == ["before"]


def test_a_message_deleted_by_the_fake_can_be_deleted_again_after_it():
    with mock_aws():
        sqs = boto3.client("sqs", "us-east-1")
        with FakeLambda(region="us-east-1", advice="off") as fake:
            url = make_queue()
            orders = fake.function("orders", accept)
            send(url, "a")
            subscribe(fake, url)
            fake.clock.run_until_idle()
        [record] = orders.invocations[0].event["Records"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=record["receiptHandle"])
        with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
            sqs.delete_message(QueueUrl=url, ReceiptHandle="AQEBnone")


def role_id():
    return boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["RoleId"]


def test_ids_of_moto_come_from_the_seed():
    found = []
    for seed in (1, 1, 2):
        with FakeLambda(seed=seed):
            found.append(role_id())
    assert found[0] == found[1] != found[2]


def test_the_fake_does_not_reset_motos_own_randomness():
    """Ids that moto makes after each fake differ."""
    found = []
    for _ in range(3):
        with mock_aws():
            found.append(role_id())
        with FakeLambda(seed=1):
            role_id()
    assert len(set(found)) == 3


def test_motos_own_delivery_never_fires(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    setup.send("x")
    assert setup.function.invocations == []
    lambda_esm.clock.run_until_idle()
    assert len(setup.function.invocations) == 1


def test_a_function_created_by_code_under_test_is_bound_by_name(lambda_esm):
    create_function()
    function = lambda_esm.function("orders", lambda event, context: context.get_remaining_time_in_millis())
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    lambda_esm.clock.run_until_idle()
    assert function.invocations[0].result == 5000


def test_a_handler_may_be_bound_before_the_function_exists(lambda_esm):
    lambda_esm.bind("orders", lambda event, context: None)
    create_function()
    assert boto3.client("lambda").get_function(FunctionName="orders")["Configuration"]["Timeout"] == 5
    lambda_esm.calls.assert_called("CreateFunction", times=1, FunctionName="orders")
    with pytest.raises(AssertionError, match=r"no parameter 'FunctioName'\. Did you mean 'FunctionName'"):
        lambda_esm.calls.assert_called("CreateFunction", FunctioName="orders")


def test_moto_knows_the_functions_of_the_test(lambda_esm, lambda_esm_client):
    lambda_esm.function("orders", timeout=9, memory=256, environment={"TABLE": "t"})
    configuration = lambda_esm_client.get_function_configuration(FunctionName="orders")
    assert (configuration["Timeout"], configuration["MemorySize"]) == (9, 256)
    assert configuration["Environment"] == {"Variables": {"TABLE": "t"}}
    role = boto3.client("iam").get_role(RoleName=configuration["Role"].rpartition("/")[2])
    assert role["Role"]["Arn"] == configuration["Role"]


def test_function_does_not_change_the_configuration_of_an_existing_function(lambda_esm):
    from pytest_lambda_esm import ConfigurationError

    create_function()
    with pytest.raises(ConfigurationError, match="update_function_configuration"):
        lambda_esm.function("orders", timeout=20)


def test_a_reset_of_moto_removes_the_mappings(lambda_esm, connect):
    from moto.core.models import MockAWS

    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    MockAWS().reset()
    assert setup.aws_lambda.list_event_source_mappings()["EventSourceMappings"] == []
    assert lambda_esm.clock.next_event is None


TEMPLATE = {
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}},
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": "orders",
                "BatchSize": 4,
                "Tags": [{"Key": "team", "Value": "shop"}],
            },
        },
    },
    "Outputs": {"Uuid": {"Value": {"Ref": "Mapping"}}},
}


def test_cloudformation_creates_and_deletes_mappings_through_the_fake(lambda_esm, lambda_esm_client):
    function = lambda_esm.function("orders", lambda event, context: None)
    cloudformation, sqs = boto3.client("cloudformation"), boto3.client("sqs")
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(TEMPLATE))
    [output] = cloudformation.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    answer = lambda_esm_client.get_event_source_mapping(UUID=output["OutputValue"])
    assert (answer["State"], answer["BatchSize"]) == ("Enabled", 4)
    arn = answer["EventSourceMappingArn"]
    assert lambda_esm_client.list_tags(Resource=arn)["Tags"]["team"] == "shop"
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="q")["QueueUrl"], MessageBody="x")
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 1
    cloudformation.delete_stack(StackName="s")
    assert lambda_esm_client.list_event_source_mappings()["EventSourceMappings"] == []


def test_the_dynamodb_streams_client_reaches_moto(lambda_esm):
    boto3.client("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    assert len(boto3.client("dynamodbstreams").list_streams()["Streams"]) == 1


def test_requests_reach_the_fake_too(lambda_esm):
    requests = pytest.importorskip("requests")
    answer = requests.get("https://lambda.us-east-1.amazonaws.com/2015-03-31/event-source-mappings/", timeout=10)
    assert answer.json() == {"EventSourceMappings": []}
    lambda_esm.calls.assert_called("ListEventSourceMappings", times=1)


def test_an_unsupported_parameter_raises_not_simulated_and_not_an_aws_error(lambda_esm_client):
    from botocore.exceptions import BotoCoreError, ClientError

    if "TenantId" not in lambda_esm_client.meta.service_model.operation_model("Invoke").input_shape.members:
        pytest.skip("this botocore knows no TenantId")
    with pytest.raises(NotSimulated, match="Instead: ") as info:
        lambda_esm_client.invoke(FunctionName="f", TenantId="a-tenant")
    assert not isinstance(info.value, (BotoCoreError, ClientError))


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("inner", [True, False])
def test_a_nested_mock_does_not_replace_motos_lambda(connect, outer, inner):
    with mock_aws(config={"lambda": {"use_docker": outer}}):
        with FakeLambda() as fake:
            before = fake.function("before", lambda event, context: "ours")
            with mock_aws(config={"lambda": {"use_docker": inner}}):
                setup = connect(fake)
                setup.wait_until_enabled()
                setup.send("x")
                fake.clock.run_until_idle()
                assert len(setup.function.invocations) == 1
                answer = boto3.client("lambda").invoke(FunctionName=before.name)
                assert answer["Payload"].read() == b'"ours"'
            names = [function["FunctionName"] for function in boto3.client("lambda").list_functions()["Functions"]]
            assert sorted(names) == ["before", "orders"]
        assert default_user_config["lambda"]["use_docker"] is outer
    assert default_user_config["lambda"]["use_docker"] is True


def test_an_operation_that_moto_lacks_raises_not_simulated_and_can_be_made_to_fail(lambda_esm):
    client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(NotSimulated, match=r"get_runtime_management_config.*Instead: let botocore's Stubber answer it"):
        client.get_runtime_management_config(FunctionName="f")
    lambda_esm.faults.add("GetRuntimeManagementConfig", "ServiceException")
    with pytest.raises(client.exceptions.ServiceException):
        client.get_runtime_management_config(FunctionName="f")


@pytest.mark.parametrize("name", ["orders", "orders.fifo"], ids=["standard", "FIFO"])
def test_messages_that_were_in_flight_before_the_fake_began(monkeypatch, name):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    group = {"group": "A"} if name.endswith(".fifo") else {}
    with mock_aws():
        sqs = boto3.client("sqs", "us-east-1")
        url = make_queue(name, VisibilityTimeout=60)
        send(url, "a", **group)
        [message] = sqs.receive_message(QueueUrl=url)["Messages"]
        send(url, "b", **group)
        with FakeLambda(region="us-east-1", advice="off") as fake:
            orders = fake.function("orders", accept)
            start = fake.clock.now
            subscribe(fake, url, BatchSize=1)
            fake.clock.run_until_idle()
            seen = [record["body"] for each in orders.invocations for record in each.event["Records"]]
            assert seen == (["a", "b"] if group else ["b", "a"])
            first = orders.invocations[seen.index("a")]
            assert 40 < (first.started - start).total_seconds() <= 60
            assert first.event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"
            assert first.event["Records"][0]["receiptHandle"] != message["ReceiptHandle"]


def test_a_receipt_from_before_the_fake_deletes_its_message(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        sqs = boto3.client("sqs", "us-east-1")
        url = make_queue()
        send(url, "a", "b")
        first, second = (sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"] for _ in range(2))
        with FakeLambda(region="us-east-1", advice="off") as fake:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first, VisibilityTimeout=0)
            [again] = sqs.receive_message(QueueUrl=url)["Messages"]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=second)
            fake.clock.advance(hours=1)
            assert "Messages" not in sqs.receive_message(QueueUrl=url)
