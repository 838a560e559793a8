// Host parallelism: run a function on several workers through Kokkos' default host space.
#pragma once

#include <functional>

namespace forcesmith {

/// Calls work(worker) for worker = 0 .. n_workers - 1, in parallel where Kokkos has threads. The first
/// exception (by worker number) is thrown again after all workers ended.
void for_each_worker(int n_workers, const std::function<void(int worker)>& work);

}  // namespace forcesmith
