"""Japanese analysis and search indexes. Knows nothing of the marketplace."""
