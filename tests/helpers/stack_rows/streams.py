"""Streams, Kafka clusters, message brokers and document databases."""

from __future__ import annotations

from helpers.stack_rows.row import ACCOUNT, ROLE, Client, Row


def nothing_stored(client: Client) -> list[str]:
    """Return what moto has of Amazon DocumentDB."""
    return []


ROWS = [
    Row(
        "AWS::Kinesis::StreamConsumer",
        {"StreamARN": {"Fn::GetAtt": ["Stream", "Arn"]}, "ConsumerName": "one"},
        {"ConsumerName": "two"},
        lambda client: [
            consumer["ConsumerName"]
            for consumer in client("kinesis").list_stream_consumers(
                StreamARN=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/stream"
            )["Consumers"]
        ],
        created=["one"],
        updated=["two"],
        ref=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/stream/consumer/one*",
        attributes={
            "ConsumerARN": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/stream/consumer/one*",
            "ConsumerName": "one",
            "ConsumerStatus": "ACTIVE",
            "StreamARN": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/stream",
        },
        replaced=True,
    ),
    Row(
        "AWS::MSK::Cluster",
        {
            "ClusterName": "one",
            "KafkaVersion": "3.6.0",
            "NumberOfBrokerNodes": "3",
            "BrokerNodeGroupInfo": {"InstanceType": "kafka.m5.large", "ClientSubnets": ["subnet-1"]},
        },
        {"ClusterName": "two"},
        lambda client: [each["ClusterName"] for each in client("kafka").list_clusters()["ClusterInfoList"]],
        created=["one"],
        updated=["two"],
        ref=f"arn:aws:kafka:us-east-1:{ACCOUNT}:cluster/*",
        attributes={"Arn": f"arn:aws:kafka:us-east-1:{ACCOUNT}:cluster/*"},
        replaced=True,
    ),
    Row(
        "AWS::MSK::ServerlessCluster",
        {"ClusterName": "one", "VpcConfigs": [{"SubnetIds": ["subnet-1"]}], "Tags": {"team": "shop"}},
        {"ClusterName": "two"},
        lambda client: [each["ClusterName"] for each in client("kafka").list_clusters_v2()["ClusterInfoList"]],
        created=["one"],
        updated=["two"],
        ref=f"arn:aws:kafka:us-east-1:{ACCOUNT}:serverless-cluster/*",
        attributes={"Arn": f"arn:aws:kafka:us-east-1:{ACCOUNT}:serverless-cluster/*"},
        replaced=True,
    ),
    Row(
        "AWS::AmazonMQ::Broker",
        {
            "BrokerName": "one",
            "EngineType": "ACTIVEMQ",
            "EngineVersion": "5.18",
            "DeploymentMode": "SINGLE_INSTANCE",
            "HostInstanceType": "mq.m5.large",
            "PubliclyAccessible": False,
            "AutoMinorVersionUpgrade": True,
            "Users": [{"Username": "shop", "Password": "long-enough-1"}],
            "Tags": [{"Key": "team", "Value": "shop"}],
        },
        {"HostInstanceType": "mq.m5.xlarge"},
        lambda client: [each["HostInstanceType"] for each in client("mq").list_brokers()["BrokerSummaries"]],
        created=["mq.m5.large"],
        updated=["mq.m5.xlarge"],
        ref="*",
        attributes={"Arn": f"arn:aws:mq:us-east-1:{ACCOUNT}:broker:*"},
    ),
    Row(
        "AWS::DocDB::DBCluster",
        {"DBClusterIdentifier": "One", "MasterUsername": "shop", "MasterUserPassword": "long-enough-1"},
        {"DBClusterIdentifier": "two"},
        nothing_stored,
        created=[],
        updated=[],
        ref="one",
        attributes={
            "ClusterResourceId": "cluster-*",
            "Endpoint": "one.cluster-*",
            "Port": "27017",
            "ReadEndpoint": "one.cluster-ro-*",
        },
        replaced=True,
    ),
    Row(
        "AWS::DocDB::DBInstance",
        {"DBClusterIdentifier": "one", "DBInstanceIdentifier": "first", "DBInstanceClass": "db.r5.large"},
        {"DBInstanceClass": "db.r5.xlarge"},
        nothing_stored,
        created=[],
        updated=[],
        ref="first",
        attributes={"Endpoint": "first.*", "Port": "27017"},
    ),
    Row(
        "AWS::DocDB::DBSubnetGroup",
        {"DBSubnetGroupDescription": "of the shop", "SubnetIds": ["subnet-1"]},
        {"SubnetIds": ["subnet-2"]},
        nothing_stored,
        created=[],
        updated=[],
        ref="shop-tested-*",
    ),
    Row(
        "AWS::DocDB::DBClusterParameterGroup",
        {"Description": "of the shop", "Family": "docdb5.0", "Parameters": {"audit_logs": "disabled"}},
        {"Parameters": {"audit_logs": "enabled"}},
        nothing_stored,
        created=[],
        updated=[],
        ref="shop-tested-*",
    ),
    Row(
        "AWS::KinesisFirehose::DeliveryStream",
        {
            "DeliveryStreamType": "DirectPut",
            "ExtendedS3DestinationConfiguration": {"BucketARN": "arn:aws:s3:::shelf", "RoleARN": ROLE},
        },
        {"DeliveryStreamName": "named"},
        lambda client: [
            each.startswith("shop-Tested") for each in client("firehose").list_delivery_streams()["DeliveryStreamNames"]
        ],
        created=[True],
        updated=[False],
        ref="shop-Tested-*",
        attributes={"Arn": f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/shop-Tested-*"},
        replaced=True,
    ),
]
