"""Clusters and brokers of a template: what the test produces reaches the function of the template."""

import boto3
import pytest

FUNCTION = """
      F:
        Type: AWS::Serverless::Function
        Properties:
          Runtime: python3.12
          Handler: index.handler
          InlineCode: "def handler(event, context): return event"
          Policies:
            - Statement:
                - Effect: Allow
                  Action: ["ec2:*NetworkInterface*", "ec2:DescribeVpcs", "ec2:DescribeS*"]
                  Resource: "*"
          Events:
            Orders:
"""
SECRET = """
      Login:
        Type: AWS::SecretsManager::Secret
        Properties: {SecretString: '{"username": "shop", "password": "long-enough-1"}'}
"""
KAFKA = f"""
    Transform: AWS::Serverless-2016-10-31
    Resources:
      Cluster:
        Type: AWS::MSK::Cluster
        Properties:
          ClusterName: shop
          KafkaVersion: 3.6.0
          NumberOfBrokerNodes: 2
          BrokerNodeGroupInfo: {{ClientSubnets: [subnet-1, subnet-2], InstanceType: kafka.m5.large}}
      {FUNCTION.strip()}
              Type: MSK
              Properties: {{Stream: !Ref Cluster, Topics: [orders], StartingPosition: TRIM_HORIZON}}
"""
MQ = f"""
    Transform: AWS::Serverless-2016-10-31
    Resources:
      {SECRET.strip()}
      Broker:
        Type: AWS::AmazonMQ::Broker
        Properties:
          BrokerName: shop
          EngineType: %s
          EngineVersion: "%s"
          DeploymentMode: SINGLE_INSTANCE
          HostInstanceType: mq.m5.large
          PubliclyAccessible: false
          Users: [{{Username: shop, Password: long-enough-1}}]
      {FUNCTION.strip()}
              Type: MQ
              Properties:
                Broker: !GetAtt Broker.Arn
                Queues: [orders]
                SourceAccessConfigurations: [{{Type: BASIC_AUTH, URI: !Ref Login}}]
"""
DOCUMENTS = f"""
    Transform: AWS::Serverless-2016-10-31
    Resources:
      {SECRET.strip()}
      Cluster:
        Type: AWS::DocDB::DBCluster
        Properties: {{MasterUsername: shop, MasterUserPassword: long-enough-1}}
      Instance:
        Type: AWS::DocDB::DBInstance
        Properties: {{DBClusterIdentifier: !Ref Cluster, DBInstanceClass: db.r5.large}}
      {FUNCTION.strip()}
              Type: DocumentDB
              Properties:
                Cluster: !Sub "arn:${{AWS::Partition}}:rds:${{AWS::Region}}:${{AWS::AccountId}}:cluster:${{Cluster}}"
                DatabaseName: shop
                CollectionName: orders
                StartingPosition: TRIM_HORIZON
                SourceAccessConfigurations: [{{Type: BASIC_AUTH, URI: !Ref Login}}]
"""


def result(fake, stack):
    fake.clock.run_until_idle()
    [invocation] = stack.function("F").invocations
    assert [str(advice) for advice in fake.take_advice()] == []
    return invocation.result


def test_kafka(lambda_esm, project):
    stack = lambda_esm.deploy(project(KAFKA))
    cluster = lambda_esm.kafka(stack.resource("Cluster").physical_id)
    cluster.create_topic("orders")
    cluster.produce("orders", {"amount": 1})
    event = result(lambda_esm, stack)
    assert event["eventSourceArn"] == str(stack.resource("Cluster"))
    assert list(event["records"]) == ["orders-0"]


@pytest.mark.parametrize(("engine", "version"), [("ACTIVEMQ", "5.18"), ("RABBITMQ", "3.13")])
def test_mq(lambda_esm, project, engine, version):
    stack = lambda_esm.deploy(project(MQ % (engine, version)))
    arn = stack.resource("Broker").attribute("Arn")
    lambda_esm.mq(arn).queue("orders").send("hello")
    event = result(lambda_esm, stack)
    assert event["eventSourceArn"] == arn
    assert event["eventSource"] == ("aws:mq" if engine == "ACTIVEMQ" else "aws:rmq")
    stack.delete()
    assert boto3.client("mq").list_brokers()["BrokerSummaries"] == []


def test_documentdb(lambda_esm, project):
    stack = lambda_esm.deploy(project(DOCUMENTS))
    orders = lambda_esm.documentdb(stack.resource("Cluster").physical_id).collection("shop", "orders")
    orders.insert({"amount": 12})
    [entry] = result(lambda_esm, stack)["events"]
    assert entry["event"]["fullDocument"]["amount"] == 12
