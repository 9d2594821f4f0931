"""The journeys of records: everything that happened to one record, in order, and what it was caused by."""
