"""The operations of Lambda's API that the fake answers, one file per resource."""
