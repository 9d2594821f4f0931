"""Permissions: what the policies of a function's role, and those of a resource, allow. Imported when they count."""
