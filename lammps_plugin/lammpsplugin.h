// The plugin interface of LAMMPS, declared here because its header is not among those that LAMMPS
// installs. Source: LAMMPS manual, "Writing plugins".
#pragma once

extern "C" {

/// What a plugin tells LAMMPS about one style.
struct lammpsplugin_t {
  const char* version;  // LAMMPS the plugin was built for, for example "22 Jul 2025"
  const char* style;    // kind of style: "pair"
  const char* name;     // name in the input script
  const char* info;     // one line about it
  const char* author;
  union {
    void* (*v1)(void* lammps);                         // pair styles and commands
    void* (*v2)(void* lammps, int narg, char** args);  // fixes, computes and regions
  } creator;
  void* handle;  // handle of the shared object
};

/// Passed by LAMMPS to lammpsplugin_init.
using lammpsplugin_regfunc = void (*)(lammpsplugin_t* plugin, void* lammps);

/// What LAMMPS looks up and calls after loading a shared object.
[[gnu::visibility("default")]] void lammpsplugin_init(void* lammps, void* handle, void* regfunc);
}
