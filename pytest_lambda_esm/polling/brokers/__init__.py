"""Pollers of message brokers: Amazon MQ."""
