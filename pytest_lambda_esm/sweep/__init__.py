"""Sweeps: a test body, run once for each of its calls and each error that the call can raise."""
