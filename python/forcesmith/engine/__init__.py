"""The engine: tasks on the cores of this machine or of a cluster."""
