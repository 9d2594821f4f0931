"""What surrounds a handler while it runs: its process state, its loggers and its output."""
