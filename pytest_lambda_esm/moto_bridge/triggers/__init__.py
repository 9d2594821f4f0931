"""Events that other services of moto send to functions, queues, topics and buses: their contents, filters and failures.

One file per service: ``sns``, ``s3``, ``logs`` and ``events`` (EventBridge). ``direct`` takes whatever else of moto
invokes a function.
"""
