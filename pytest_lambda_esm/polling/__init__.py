"""Pollers: they read records from a source, and deliver them to a function in batches."""
