// Numbers known to the compiler as a list of template arguments, for shuffles of lanes.
#pragma once

namespace forcesmith {

/// The numbers 0 .. n - 1.
template <int... i>
struct Indices {};
template <int n, int... i>
struct IndicesUpTo : IndicesUpTo<n - 1, n - 1, i...> {};
template <int... i>
struct IndicesUpTo<0, i...> {
  using Type = Indices<i...>;
};

}  // namespace forcesmith
