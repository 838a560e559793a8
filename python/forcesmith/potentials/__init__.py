"""Potentials: reading, writing, evaluating; what closes them at short range."""
