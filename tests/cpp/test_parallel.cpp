// Workers: each runs once, exceptions reach the caller, and Kokkos may be there or not.
#include "core/parallel.hpp"

#include <Kokkos_Core.hpp>
#include <atomic>
#include <stdexcept>

#include "check.hpp"
#include "core/kokkos_scope.hpp"

namespace {

using forcesmith::for_each_worker;

void test_every_worker_runs_once() {
  for (int n_workers : {0, 1, 2, 3, 7, 40}) {
    std::vector<std::atomic<int>> calls(n_workers);
    for_each_worker(n_workers, [&](int worker) { ++calls[worker]; });
    for (const auto& count : calls) CHECK(count == 1);
  }
}

void test_exceptions() {
  for (int n_workers : {1, 2, 5}) {
    std::atomic<int> calls = 0;
    auto work = [&](int worker) {
      ++calls;
      if (worker > 0 || n_workers == 1) throw std::runtime_error("worker " + std::to_string(worker));
    };
    // The first by number, however they end.
    CHECK_THROWS(std::runtime_error, for_each_worker(n_workers, work), n_workers == 1 ? "worker 0" : "worker 1");
    if (forcesmith::max_workers() > 1) CHECK(calls == n_workers);
    // Nothing is left behind.
    for_each_worker(n_workers, [&](int) { ++calls; });
  }
}

}  // namespace

int main() {
  CHECK(!Kokkos::is_initialized());
  CHECK(forcesmith::max_workers() == 1);
  test_every_worker_runs_once();
  test_exceptions();

  forcesmith::ensure_kokkos(3);
  CHECK(Kokkos::is_initialized());
  const int threads = forcesmith::max_workers();
  std::printf("%d workers\n", threads);
  CHECK(threads == 3 || threads == 1);  // 1: a build without threads
  forcesmith::ensure_kokkos(1);
  CHECK(forcesmith::max_workers() == threads);
  test_every_worker_runs_once();
  test_exceptions();

  forcesmith::finalize_kokkos();
  forcesmith::finalize_kokkos();
  CHECK(Kokkos::is_finalized());
  // Kokkos cannot be started twice; work goes on without it.
  forcesmith::ensure_kokkos(2);
  CHECK(forcesmith::max_workers() == 1);
  test_every_worker_runs_once();
  return failures != 0;
}
