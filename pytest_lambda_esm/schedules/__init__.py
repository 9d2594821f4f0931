"""Schedules of EventBridge: when each one is due, and delivery to its targets. They know neither rules nor moto."""
