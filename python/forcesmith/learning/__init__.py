"""Learning on the fly: conditions, and exploring them by LAMMPS."""
