"""What happened: the timeline, the log of calls, and what became of every record."""
