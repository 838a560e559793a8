// How kernels with one thread per atom are launched.
#pragma once

#include <Kokkos_Core.hpp>

namespace forcesmith {

/// One thread per atom, in blocks of a single warp: a few thousand atoms then keep as many processors of a device busy as
/// there are warps of them, and a block's memory is that of one slice of atoms (neighbors/device_block.hpp). The
/// execution spaces of the host divide the range as they like.
template <class ExecSpace>
using AtomRange = Kokkos::RangePolicy<ExecSpace, Kokkos::LaunchBounds<32, 1>>;

}  // namespace forcesmith
