"""The pollers of Kafka mappings: partitions, batches, outcomes, commits."""
