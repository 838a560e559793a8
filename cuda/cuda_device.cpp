// NVIDIA GPUs as a backend finds them: what can be wrong is found before Kokkos looks, which would end the process.
#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdlib>

#include "core/error.hpp"
#include "devices/device_hooks.hpp"

namespace forcesmith {

namespace {

__global__ void do_nothing() {}

int chosen_device = 0;

std::string version(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

[[noreturn]] void fail(const std::string& what, const std::string& remedy) {
  throw Error(what + "; " + remedy + ", or use the device cpu.");
}

}  // namespace

const char* build_name() { return FORCESMITH_BUILD_NAME; }

std::string prepare_device(int rank_on_machine, Kokkos::InitializationSettings& settings) {
  int of_driver = 0, of_runtime = 0, count = 0;
  cudaRuntimeGetVersion(&of_runtime);
  if (cuDriverGetVersion(&of_driver) != CUDA_SUCCESS || of_driver == 0)
    fail("There is no NVIDIA driver on this machine", "install it");
  const cudaError_t counted = cudaGetDeviceCount(&count);
  if (counted == cudaErrorInsufficientDriver)
    fail("The NVIDIA driver is too old: it is for CUDA " + version(of_driver) + ", forcesmith was built with CUDA " +
             version(of_runtime),
         "install a newer driver, or build forcesmith with an older CUDA");
  if (counted == cudaErrorNoDevice || (counted == cudaSuccess && count == 0))
    fail("No NVIDIA GPU can be seen on this machine", "look at nvidia-smi and at CUDA_VISIBLE_DEVICES");
  if (counted != cudaSuccess)
    fail(std::string("The NVIDIA GPUs cannot be used: ") + cudaGetErrorString(counted), "look at nvidia-smi");
  const int device = chosen_device = rank_on_machine % count;
  cudaDeviceProp properties;
  cudaError_t failed = cudaSetDevice(device);
  if (failed == cudaSuccess) failed = cudaGetDeviceProperties(&properties, device);
  if (failed == cudaSuccess) {
    do_nothing<<<1, 1>>>();
    failed = cudaGetLastError();
    if (failed == cudaSuccess) failed = cudaDeviceSynchronize();
    if (failed == cudaErrorNoKernelImageForDevice || failed == cudaErrorInvalidDeviceFunction ||
        failed == cudaErrorUnsupportedPtxVersion)
      fail(std::string("forcesmith was not compiled for this GPU, ") + properties.name + " (compute capability " +
               std::to_string(properties.major) + "." + std::to_string(properties.minor) + ")",
           "build it with its FORCESMITH_CUDA_ARCHITECTURE (docs/gpus.md)");
  }
  if (failed != cudaSuccess)
    fail("The NVIDIA GPU " + std::to_string(device) + " cannot be used: " + cudaGetErrorString(failed),
         "look at nvidia-smi whether others use it, and at CUDA_VISIBLE_DEVICES");
  unsetenv("KOKKOS_VISIBLE_DEVICES");  // Kokkos would count otherwise than CUDA
  settings.set_device_id(device);
  settings.set_num_threads(1);
  return properties.name;
}

void check_launches() {
  const cudaError_t failed = cudaGetLastError();
  if (failed != cudaSuccess)
    fail(std::string("The NVIDIA GPU cannot start a kernel: ") + cudaGetErrorString(failed),
         "look at nvidia-smi whether others use its memory, take fewer atoms or fewer processes for each GPU");
}

std::size_t free_memory() {
  cudaSetDevice(chosen_device);  // other libraries of the process may use another
  std::size_t free = 0, all = 0;
  cudaMemGetInfo(&free, &all);
  return free;
}

}  // namespace forcesmith
