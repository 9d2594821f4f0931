"""Clusters of Amazon DocumentDB in memory: their documents, and their change streams."""
