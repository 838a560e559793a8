// What a core can do at most: fused multiply-adds that need no memory and do not wait for each other.
#pragma once

namespace forcesmith {

/// Does about `wanted` floating-point operations; returns how many it did. `sum` keeps the compiler from
/// leaving them out.
using MultiplyAdds = double (*)(double wanted, double& sum);

namespace portable {
double multiply_adds(double wanted, double& sum);
}
namespace avx2 {
double multiply_adds(double wanted, double& sum);
}
namespace avx512 {
double multiply_adds(double wanted, double& sum);
}

}  // namespace forcesmith
