"""Fits: from settings and labelled configurations to a potential."""
