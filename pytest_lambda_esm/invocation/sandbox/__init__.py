"""Isolate a handler from the test's process: process state, loggers and output."""
