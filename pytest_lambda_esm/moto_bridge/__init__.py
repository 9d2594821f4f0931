"""The only code that knows the internals of moto, responses and botocore."""
