"""Teachers: what labels configurations with energies, forces and stresses."""
