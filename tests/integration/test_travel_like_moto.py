"""Tests as moto's own suite writes them with ``freeze_time``: each passes with moto alone, and with a fake active."""

from datetime import datetime, timedelta, timezone

import boto3
import pytest
from botocore.exceptions import ClientError
from freezegun import freeze_time
from moto import mock_aws

from pytest_lambda_esm import FakeLambda

REGION = "us-east-1"
START = "2026-01-01T00:00:00Z"


@pytest.fixture(params=["moto alone", "with a fake"], autouse=True)
def started(request):
    """moto, started alone or by a fake."""
    environment = mock_aws() if request.param == "moto alone" else FakeLambda(start=START)
    with environment:
        yield


def client(service):
    return boto3.client(service, region_name=REGION)


def bodies(sqs, url, **parameters):
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **parameters)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_visibility_and_delays():
    sqs = client("sqs")
    with freeze_time("2015-01-01 12:00:00"):
        url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="at once")
        sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=60)
        assert bodies(sqs, url) == ["at once"]
    with freeze_time("2015-01-01 12:00:15"):
        assert bodies(sqs, url) == []
    with freeze_time("2015-01-01 12:00:31"):
        assert bodies(sqs, url) == ["at once"]
    with freeze_time("2015-01-01 12:01:02"):
        assert sorted(bodies(sqs, url)) == ["at once", "delayed"]


def test_retention():
    sqs = client("sqs")
    with freeze_time("2015-01-01 12:00:00"):
        url = sqs.create_queue(QueueName="q", Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="m")
    with freeze_time("2015-01-01 12:00:59"):
        assert bodies(sqs, url, VisibilityTimeout=0) == ["m"]
    with freeze_time("2015-01-01 12:01:01"):
        assert bodies(sqs, url) == []


def test_timestamps_of_a_message():
    sqs = client("sqs")
    with freeze_time("2015-01-01 12:00:00"):
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="m")
        [message] = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert message["Attributes"]["SentTimestamp"] == "1420113600000"
    assert message["Attributes"]["ApproximateFirstReceiveTimestamp"] == "1420113600000"


def test_deduplication_ends_after_five_minutes():
    sqs = client("sqs")
    with freeze_time("2015-01-01 12:00:00") as frozen:
        url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        group = {"QueueUrl": url, "MessageGroupId": "g", "MessageDeduplicationId": "d"}
        sqs.send_message(MessageBody="1", **group)
        frozen.tick(timedelta(seconds=299))
        sqs.send_message(MessageBody="2", **group)
        frozen.tick(timedelta(seconds=2))
        sqs.send_message(MessageBody="3", **group)
        assert bodies(sqs, url) == ["1", "3"]


def test_items_with_a_time_to_live_are_kept_until_then():
    dynamodb = client("dynamodb")
    with freeze_time("2015-01-01 12:00:00"):
        dynamodb.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.update_time_to_live(
            TableName="t", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
        )
        dynamodb.put_item(TableName="t", Item={"id": {"S": "1"}, "expires": {"N": str(1420113600 + 3600)}})
        created = dynamodb.describe_table(TableName="t")["Table"]["CreationDateTime"]
        assert created.astimezone(timezone.utc) == datetime(2015, 1, 1, 12, tzinfo=timezone.utc)
    with freeze_time("2015-01-01 12:59:59"):
        assert dynamodb.scan(TableName="t")["Count"] == 1


def test_iterators_from_a_timestamp_on():
    kinesis = client("kinesis")
    with freeze_time("2015-01-01 12:00:00"):
        kinesis.create_stream(StreamName="s", ShardCount=1)
        kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"1")
    with freeze_time("2015-01-01 12:10:00"):
        kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"2")
        [shard] = kinesis.describe_stream(StreamName="s")["StreamDescription"]["Shards"]
        iterator = kinesis.get_shard_iterator(
            StreamName="s",
            ShardId=shard["ShardId"],
            ShardIteratorType="AT_TIMESTAMP",
            Timestamp=datetime(2015, 1, 1, 12, 5, tzinfo=timezone.utc),
        )["ShardIterator"]
        records = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [record["Data"] for record in records] == [b"2"]
    assert records[0]["ApproximateArrivalTimestamp"].astimezone(timezone.utc).minute == 10


def test_metrics_of_a_period():
    cloudwatch = client("cloudwatch")
    for minute, value in ((0, 1.0), (5, 2.0)):
        with freeze_time(f"2015-01-01 12:0{minute}:00"):
            cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": value}])
    with freeze_time("2015-01-01 12:06:00"):
        [point] = cloudwatch.get_metric_statistics(
            Namespace="n",
            MetricName="m",
            StartTime=datetime(2015, 1, 1, 12, 4),
            EndTime=datetime(2015, 1, 1, 12, 6),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
    assert point["Sum"] == 2.0


def test_dates_of_objects_and_their_expiry():
    s3 = client("s3")
    with freeze_time("2015-01-01 12:00:00"):
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="k", Body=b"1")
        rule = {"ID": "r", "Prefix": "", "Status": "Enabled", "Expiration": {"Date": datetime(2015, 2, 1)}}
        s3.put_bucket_lifecycle_configuration(Bucket="bucket", LifecycleConfiguration={"Rules": [rule]})
    with freeze_time("2015-01-02 12:00:00"):
        s3.put_object(Bucket="bucket", Key="l", Body=b"2")
        assert s3.head_object(Bucket="bucket", Key="k")["LastModified"].day == 1
        assert s3.head_object(Bucket="bucket", Key="l")["LastModified"].day == 2
        [rule] = s3.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"]
        assert rule["Expiration"]["Date"].date() == datetime(2015, 2, 1).date()


def test_a_parameter_keeps_the_date_of_its_last_change():
    ssm = client("ssm")
    with freeze_time("2015-01-01 12:00:00") as frozen:
        ssm.put_parameter(Name="p", Value="1", Type="String")
        frozen.move_to("2015-01-03 12:00:00")
        ssm.put_parameter(Name="p", Value="2", Type="String", Overwrite=True)
        frozen.move_to("2015-01-02 12:00:00")  # And back.
        assert ssm.get_parameter(Name="p")["Parameter"]["LastModifiedDate"].day == 3
        ssm.put_parameter(Name="p", Value="3", Type="String", Overwrite=True)
        assert ssm.get_parameter(Name="p")["Parameter"]["LastModifiedDate"].day == 2


def test_nested_freezes():
    sqs = client("sqs")
    with freeze_time("2015-01-01 12:00:00"):
        url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="m")
        assert bodies(sqs, url) == ["m"]
        with freeze_time("2014-06-01"):
            assert datetime.now() == datetime(2014, 6, 1)
            assert bodies(sqs, url) == []
        assert datetime.now() == datetime(2015, 1, 1, 12)
        assert bodies(sqs, url) == []
        with freeze_time("2015-01-01 12:01:01"):
            assert bodies(sqs, url) == ["m"]


def test_a_freezer_that_ticks():
    logs = client("logs")
    with freeze_time("2015-01-01 12:00:00", tick=True) as frozen:
        logs.create_log_group(logGroupName="g")
        frozen.tick(timedelta(hours=1))
        logs.create_log_stream(logGroupName="g", logStreamName="s")
        [group] = logs.describe_log_groups()["logGroups"]
        [stream] = logs.describe_log_streams(logGroupName="g")["logStreams"]
    noon = 1420113600000
    assert noon <= group["creationTime"] < noon + 60_000
    assert noon + 3600_000 <= stream["creationTime"] < noon + 3660_000


def test_a_freezer_that_ticks_by_the_call():
    with freeze_time("2015-01-01 12:00:00", auto_tick_seconds=15):
        first = client("ssm").put_parameter(Name="p", Value="1", Type="String")
        second = client("ssm").put_parameter(Name="p", Value="2", Type="String", Overwrite=True)
        assert (first["Version"], second["Version"]) == (1, 2)


@freeze_time("2015-01-01 12:00:00")
def test_a_decorated_test():
    iam = client("iam")
    iam.create_user(UserName="u")
    assert iam.get_user(UserName="u")["User"]["CreateDate"] == datetime(2015, 1, 1, 12, tzinfo=timezone.utc)


@freeze_time("2015-01-01 12:00:00")
class TestDecoratedClass:
    def setup_method(self, method):
        self.sqs = client("sqs")
        self.url = self.sqs.create_queue(QueueName="q")["QueueUrl"]

    def test_attributes(self):
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        assert float(attributes["CreatedTimestamp"]) == 1420113600

    def test_receive(self):
        self.sqs.send_message(QueueUrl=self.url, MessageBody="m")
        assert bodies(self.sqs, self.url) == ["m"]


@pytest.fixture
def frozen():
    with freeze_time("2015-01-01 12:00:00") as factory:
        yield factory


def test_a_frozen_fixture(frozen):
    secrets = client("secretsmanager")
    secrets.create_secret(Name="s", SecretString="x")
    secrets.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    frozen.move_to("2015-01-05")
    with pytest.raises(ClientError, match="InvalidRequest"):
        secrets.get_secret_value(SecretId="s")
    secrets.restore_secret(SecretId="s")
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "x"
