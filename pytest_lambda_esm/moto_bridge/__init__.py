"""Everything that knows moto's, responses' and botocore's internals, and nothing else."""
