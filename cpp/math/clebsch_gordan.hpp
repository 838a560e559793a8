// Clebsch-Gordan coefficients, which couple two angular momenta to a third.
#pragma once

namespace forcesmith {

/// <j1 m1 j2 m2 | j m> by Racah's formula (D. A. Varshalovich et al., Quantum Theory of Angular Momentum
/// (1988), 8.2.1). Every j is doubled, every m counted from 0. 0 where the coefficient vanishes.
double clebsch_gordan(int j1, int m1, int j2, int m2, int j, int m);

}  // namespace forcesmith
