"""Scheduled rules of EventBridge and schedules of EventBridge Scheduler in moto, which stores them and runs nothing."""
