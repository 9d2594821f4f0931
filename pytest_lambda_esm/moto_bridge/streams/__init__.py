"""moto's Kinesis streams and the streams of its DynamoDB tables, as pollers see them."""
