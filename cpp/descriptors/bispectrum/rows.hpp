// Rows of u^j in the registers of a thread, for devices, which would otherwise wait for memory.
//
// Row mb of u^j comes from row mb of u^{j-1} alone, so that rows are chains: chain mb has this row of j = 2 mb,
// 2 mb + 1, .., twojmax. Its first row comes from row mb of u^{2mb-1}, which mirrors row mb - 1, the second of the chain
// before.
// A row is an array of at least j + 1 elements. All its indices must be known to the compiler, so j is.
#pragma once

#include <utility>

#include "math/complex.hpp"

namespace forcesmith::bispectrum::FORCESMITH_ISA {

using namespace ::forcesmith::FORCESMITH_ISA;

/// A number known to the compiler.
template <int i>
struct Index {
  static constexpr int value = i;
};

/// Calls visit(Index<i>) for i = 0 .. n - 1, or the other way round.
template <int n, class Visit>
FORCESMITH_FUNCTION void unrolled(const Visit& visit) {
  [&]<int... i>(std::integer_sequence<int, i...>)
      FORCESMITH_INLINE_LAMBDA { (visit(Index<i>{}), ...); }(std::make_integer_sequence<int, n>{});
}
template <int n, class Visit>
FORCESMITH_FUNCTION void unrolled_backwards(const Visit& visit) {
  unrolled<n>([&](auto i) FORCESMITH_INLINE_LAMBDA { visit(Index<n - 1 - i.value>{}); });
}

/// From j - 1 to j by the recursion VMK 4.8.2: u^j[mb][ma] from u^{j-1}[mb][ma] and u^{j-1}[mb][ma-1]. roots: of this step.
template <int j, class V, class Real>
FORCESMITH_FUNCTION void step_up(const Real* roots, Complex<V> a, Complex<V> b, Complex<V>* row) {
  Complex<V> carried{V(0.0), V(0.0)};
  unrolled<j>([&](auto index) FORCESMITH_INLINE_LAMBDA {
    constexpr int ma = index.value;
    const Complex<V> p = row[ma];
    row[ma] = carried + V(roots[2 * ma]) * conjugate_times(a, p);
    carried = V(-roots[2 * ma + 1]) * conjugate_times(b, p);
  });
  row[j] = carried;
}

/// Back from j to j - 1, with the adjoint of the row. The row itself comes back because u is
/// unitary: the adjoint of the step, over |a|^2 + |b|^2 (which is 1, but for rounding), undoes it.
template <int j, class V, class Real>
FORCESMITH_FUNCTION void step_down(const Real* roots, Complex<V> a, Complex<V> b, V inverse_norm, Complex<V>* row,
                                   Complex<V>* row_bar, Complex<V>& a_bar, Complex<V>& b_bar) {
  unrolled<j>([&](auto index) FORCESMITH_INLINE_LAMBDA {
    constexpr int ma = index.value;
    const V root(roots[2 * ma]), next_root(-roots[2 * ma + 1]);
    const Complex<V> p = inverse_norm * (a * (root * row[ma]) + b * (next_root * row[ma + 1]));
    const Complex<V> kept = root * row_bar[ma], shifted = next_root * row_bar[ma + 1];
    a_bar = a_bar + conjugate_times(kept, p);
    b_bar = b_bar + conjugate_times(shifted, p);
    row[ma] = p;
    row_bar[ma] = a * kept + b * shifted;
  });
}

/// Element ma of row j / 2 of u^{j-1}, for even j, from the element j - 1 - ma of the row before.
template <int j, class V>
FORCESMITH_FUNCTION Complex<V> mirrored(Complex<V> p, int ma) {
  return (ma + j / 2) % 2 == 0 ? Complex<V>{p.re, -p.im} : Complex<V>{-p.re, p.im};
}

/// Row j / 2 of u^{j-1} from the row before.
template <int j, class V>
FORCESMITH_FUNCTION void mirror(Complex<V>* row) {
  unrolled<j / 2>([&](auto index) FORCESMITH_INLINE_LAMBDA {
    constexpr int ma = index.value;
    const Complex<V> first = row[ma];
    row[ma] = mirrored<j>(row[j - 1 - ma], ma);
    row[j - 1 - ma] = mirrored<j>(first, j - 1 - ma);
  });
}

/// The inverse, and also the adjoint.
template <int j, class V>
FORCESMITH_FUNCTION void mirror_back(Complex<V>* row) {
  unrolled<j / 2>([&](auto index) FORCESMITH_INLINE_LAMBDA {
    constexpr int ma = index.value;
    const Complex<V> first = row[ma];
    row[ma] = mirrored<j>(row[j - 1 - ma], j - 1 - ma);
    row[j - 1 - ma] = mirrored<j>(first, ma);
  });
}

}  // namespace forcesmith::bispectrum::FORCESMITH_ISA
