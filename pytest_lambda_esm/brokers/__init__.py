"""Message brokers inside the process: what moto has no storage for. They know neither mappings nor pollers."""
