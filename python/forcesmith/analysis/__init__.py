"""Errors of potentials, and plots."""
