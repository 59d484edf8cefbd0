"""Reference and demonstration data."""
