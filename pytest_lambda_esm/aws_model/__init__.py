"""Lambda's API as botocore's service model states it: no operations, no state."""
