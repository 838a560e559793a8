"""Reference data: configurations with labels, files, units, neighbors."""
