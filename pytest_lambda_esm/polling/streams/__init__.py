"""Pollers of Kinesis and DynamoDB streams."""
