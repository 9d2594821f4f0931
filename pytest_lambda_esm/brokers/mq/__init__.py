"""Amazon MQ in memory: brokers that run ActiveMQ or RabbitMQ, their queues and their messages."""
