"""Lambda's API as botocore's service model states it: shapes, constraints, routes and errors. It has no state."""
