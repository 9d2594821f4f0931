"""From an event to a handler's outcome: run a handler as Lambda runs a function."""
