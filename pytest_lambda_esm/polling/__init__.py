"""The pollers: what turns waiting records into batches, and batches into invocations."""
