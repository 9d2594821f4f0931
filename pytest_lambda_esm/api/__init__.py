"""The operations that a client can call, one file a resource."""
