"""Pollers of SQS queues."""
