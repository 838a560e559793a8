// Lets Kokkos before 4.7.1 compile with CUDA 13: forcesmith_cuda.cmake has it included ahead of every source of the
// CUDA library.
//
// CUDA 13 dropped the old forms of two functions of its run-time library, which headers of these
// Kokkos versions still call; here they are again, as overloads.
#pragma once

#include <cuda_runtime.h>

#if CUDART_VERSION >= 13000
inline cudaError_t cudaGraphAddDependencies(cudaGraph_t graph, const cudaGraphNode_t* from, const cudaGraphNode_t* to,
                                            size_t count) {
  return cudaGraphAddDependencies(graph, from, to, nullptr, count);
}

inline cudaError_t cudaMemPrefetchAsync(const void* data, size_t bytes, int device, cudaStream_t stream) {
  const cudaMemLocation location{cudaMemLocationTypeDevice, device};
  return cudaMemPrefetchAsync(data, bytes, location, 0, stream);
}
#endif
