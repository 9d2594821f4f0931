"""Mappings of Kafka with a schema registry: schemas, and the parameters of such a mapping."""

from __future__ import annotations

import base64
from typing import Any

from helpers.conformance import needs_shape
from helpers.kafka import PROVISIONED
from helpers.streams import ACCOUNT, REGION
from pytest_lambda_esm import FakeLambda

URL = "https://registry.example.com:8081"
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}:registry/shop"
MSK_CONFIG = "AmazonManagedKafkaEventSourceConfig"

AVRO = {
    "type": "record",
    "name": "Order",
    "fields": [{"name": "id", "type": "string"}, {"name": "amount", "type": ["null", "int"], "default": None}],
}
PROTOBUF = """
syntax = "proto3";
package shop;
message Order { string id = 1; int32 amount = 2; message Line { int64 big_number = 1; } }
message Bill { string id = 1; }
"""
JSON_SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}


def validating(*attributes: str, uri: str = URL, record_format: str = "JSON", **members: Any) -> dict[str, Any]:
    """Return the parameters of a mapping that validates these attributes, by default the value."""
    needs_shape(MSK_CONFIG, "SchemaRegistryConfig")
    config = {
        "SchemaRegistryURI": uri,
        "EventRecordFormat": record_format,
        "SchemaValidationConfigs": [{"Attribute": attribute} for attribute in attributes or ("VALUE",)],
        **members,
    }
    return {**PROVISIONED, MSK_CONFIG: {"SchemaRegistryConfig": config}}


def records(fake: FakeLambda) -> list[dict[str, Any]]:
    """Return all records that the functions got."""
    return [each for invocation in fake.invocations for found in invocation.event["records"].values() for each in found]


def content(record: dict[str, Any], member: str = "value") -> bytes:
    """Return a record's key or value."""
    return base64.b64decode(record[member])
