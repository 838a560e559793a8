"""How parameters are searched."""
