// What a backend asks of the machine it runs on; one file per kind of device (cuda/cuda_device.cpp, and for tests
// host_device.cpp).
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <string>

namespace forcesmith {

/// What the backend was built from, see cmake/forcesmith_build_name.cmake.
const char* build_name();

/// Looks at the devices before Kokkos does, and chooses one. Throws Error with one sentence where none can be used.
/// Returns its name.
std::string prepare_device(int rank_on_machine, Kokkos::InitializationSettings& settings);

/// Throws Error if a kernel could not be started since it was asked last, which Kokkos does not look at.
void check_launches();

/// Bytes of the device's memory that nobody uses.
std::size_t free_memory();

}  // namespace forcesmith
