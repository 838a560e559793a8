"""File formats of data."""
