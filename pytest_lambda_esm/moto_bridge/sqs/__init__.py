"""moto's SQS queues: the operations that clients call, and the queues that pollers read."""
