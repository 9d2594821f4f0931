"""The endpoint: the same fake over HTTP, for clients in other processes and languages."""
