"""Extrapolation: where a potential has data, and which data it lacks."""
