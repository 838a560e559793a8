// The host in place of a device: backends of Kokkos' host spaces, for tests.
#include "core/error.hpp"
#include "devices/device_hooks.hpp"

#include <cstdlib>

namespace forcesmith {

const char* build_name() { return FORCESMITH_BUILD_NAME; }

std::string prepare_device(int, Kokkos::InitializationSettings&) {
  // For tests of what is said where there is none.
  if (const char* problem = std::getenv("FORCESMITH_TEST_DEVICE_PROBLEM")) throw Error(problem);
  return std::string("the host's processor, by Kokkos ") + Kokkos::DefaultHostExecutionSpace::name();
}

void check_launches() {}

std::size_t free_memory() {
  const char* megabytes = std::getenv("FORCESMITH_TEST_DEVICE_MEMORY");
  return (megabytes ? std::strtoull(megabytes, nullptr, 10) : 1024ull) << 20;
}

}  // namespace forcesmith
