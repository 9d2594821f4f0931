"""moto's Kinesis streams and DynamoDB streams, as pollers see them."""
