"""Apache Kafka in the process: clusters with topics, partitions, consumer groups and retention on virtual time."""
