// Kokkos lifetime, for front ends only (Python module, LAMMPS plugin, tests). The core never
// initialises Kokkos and holds no static Views.
#pragma once

namespace forcesmith {

/// Initialises Kokkos once, unless someone already did; n_threads <= 0 leaves the number of threads
/// to OMP_NUM_THREADS or the number of cores.
void ensure_kokkos(int n_threads);

/// Finalises Kokkos if ensure_kokkos initialised it; may be called twice.
void finalize_kokkos();

/// Threads that for_each_worker can use at once; 1 before Kokkos is initialised.
int max_workers();

}  // namespace forcesmith
