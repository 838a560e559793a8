#include "core/parallel.hpp"

#include <Kokkos_Core.hpp>
#include <exception>
#include <vector>

#include "core/kokkos_scope.hpp"

namespace forcesmith {

namespace {
bool we_initialized = false;
}

void ensure_kokkos(int n_threads) {
  if (Kokkos::is_initialized() || Kokkos::is_finalized()) return;
  Kokkos::InitializationSettings settings;
  settings.set_disable_warnings(true);
  if (n_threads > 0) settings.set_num_threads(n_threads);
  Kokkos::initialize(settings);
  we_initialized = true;
}

void finalize_kokkos() {
  if (we_initialized && Kokkos::is_initialized()) Kokkos::finalize();
  we_initialized = false;
}

int max_workers() {
  if (!Kokkos::is_initialized()) return 1;
  return Kokkos::DefaultHostExecutionSpace().concurrency();
}

void for_each_worker(int n_workers, const std::function<void(int)>& work) {
  if (n_workers <= 1 || !Kokkos::is_initialized()) {
    for (int worker = 0; worker < n_workers; ++worker) work(worker);
    return;
  }
  std::vector<std::exception_ptr> errors(n_workers);
  using HostSpace = Kokkos::DefaultHostExecutionSpace;
  Kokkos::parallel_for("forcesmith::for_each_worker", Kokkos::RangePolicy<HostSpace>(0, n_workers), [&](int worker) {
    try {
      work(worker);
    } catch (...) {
      errors[worker] = std::current_exception();
    }
  });
  HostSpace().fence();
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace forcesmith
