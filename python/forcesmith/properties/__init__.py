"""Properties of materials, computed with potentials and with what they are compared to."""
