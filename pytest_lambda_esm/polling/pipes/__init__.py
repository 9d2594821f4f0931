"""Pipes of EventBridge: the settings with which a pipe polls its source, and delivery through its enrichment."""
