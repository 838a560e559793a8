#include "descriptors/bispectrum/coupling.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "math/clebsch_gordan.hpp"

namespace forcesmith::bispectrum {

namespace {

/// All products of two densities, j1 >= j2.
class BlockList {
 public:
  BlockList(Coupling& coupling, int twojmax, int n_channels, bool bnormflag)
      : coupling_(coupling), twojmax_(twojmax), bnormflag_(bnormflag) {
    for (int j1 = 0; j1 <= twojmax; ++j1)
      for (int j2 = 0; j2 <= j1; ++j2) {
        const int coefficients = add_coefficients(j1, j2);
        // Of the same j, the order does not matter.
        for (int a = 0; a < n_channels; ++a)
          for (int b = 0; b < (j1 == j2 ? a + 1 : n_channels); ++b) add({j1, j2, a, b, 0, 0, coefficients});
      }
  }

  int find(int j1, int channel1, int j2, int channel2, int j) const {
    if (j1 == j2 && channel1 < channel2) std::swap(channel1, channel2);
    return number_.at({j1, channel1, j2, channel2, j});
  }

 private:
  int last_j(int j1, int j2) const { return std::min(twojmax_ - (twojmax_ + j1 + j2) % 2, j1 + j2); }

  int add_coefficients(int j1, int j2) {
    const auto first = static_cast<int>(coupling_.clebsch_gordan.size());
    for (int m1 = 0; m1 <= j1; ++m1)
      for (int m2 = 0; m2 <= j2; ++m2)
        for (int j = j1 - j2; j <= last_j(j1, j2); j += 2) {
          // They enter Z twice, for rows and columns.
          const double norm = bnormflag_ ? 1.0 / std::sqrt(j + 1.0) : 1.0;
          coupling_.clebsch_gordan.push_back(norm * clebsch_gordan(j1, m1, j2, m2, j, m1 + m2 - (j1 + j2 - j) / 2));
        }
    return first;
  }

  void add(Factors factors) {
    const int j1 = factors.j1, j2 = factors.j2, number = static_cast<int>(coupling_.factors.size());
    factors.first_block = static_cast<int>(coupling_.blocks.size());
    for (int j = j1 - j2; j <= last_j(j1, j2); j += 2) {
      number_[{j1, factors.channel1, j2, factors.channel2, j}] = static_cast<int>(coupling_.blocks.size());
      coupling_.blocks.push_back({j, coupling_.n_z});
      coupling_.n_z += half_size(j);
      ++factors.n_blocks;
    }
    coupling_.factors.push_back(factors);
    for (int mb_sum = (j1 + j2 - last_j(j1, j2)) / 2; 2 * mb_sum <= j1 + j2; ++mb_sum)
      coupling_.diagonals.push_back({number, mb_sum});
  }

  Coupling& coupling_;
  int twojmax_;
  bool bnormflag_;
  std::map<std::tuple<int, int, int, int, int>, int> number_;
};

/// p(z) times (1 + sign z) / 2.
std::vector<double> times_square(const std::vector<double>& p, double sign) {
  std::vector<double> product(p.size() + 1, 0.0);
  for (std::size_t i = 0; i < p.size(); ++i) {
    product[i] += 0.5 * p[i];
    product[i + 1] += 0.5 * sign * p[i];
  }
  return product;
}

/// The polynomials on the sphere, and the elements of u^j as sums of them: by the recursion VMK 4.8.2, u^j[mb][ma] from
/// u^{j-1}[mb][ma] and u^{j-1}[mb][ma-1], with polynomials of z as factors of A^K B^L.
void add_polynomials(int twojmax, Coupling& c) {
  std::map<std::pair<int, int>, int> first;  // polynomial of K, L
  int n_polynomials = 0;
  for (int n = twojmax / 2 + 1; n > 0; --n) {
    for (int degree = 0; degree <= twojmax; ++degree)
      if ((twojmax - degree) / 2 + 1 == n)
        for (int K = 0; K <= degree; ++K)
          for (int L : {degree - K, K - degree}) {
            if ((K == 0 && L < 0) || first.count({K, L})) continue;
            first[{K, L}] = n_polynomials;
            c.power_products.push_back({K, L, n_polynomials});
            n_polynomials += n;
          }
    c.power_products_end.push_back(static_cast<int>(c.power_products.size()));
  }

  std::vector<std::vector<std::vector<double>>> rows{{{1.0}}}, next;  // [mb][ma] of one j, all of them
  for (int j = 0; j <= twojmax; ++j, rows = std::move(next)) {
    for (int mb = 0; 2 * mb <= j; ++mb)
      for (int ma = 0; ma <= (2 * mb < j ? j : mb); ++ma) {
        const int K = j - ma - mb, L = ma - mb;
        const bool is_conjugate = K < 0 || (K == 0 && L < 0);
        const std::vector<double>& p = rows[mb][ma];
        const int n = (j - std::abs(K) - std::abs(L)) / 2 + 1;
        c.elements.push_back({first.at(is_conjugate ? std::pair{-K, -L} : std::pair{K, L}), n,
                              static_cast<int>(c.element_coefficients.size()), is_conjugate});
        for (int i = 0; i < n; ++i) c.element_coefficients.push_back(p[i]);
      }
    const int k = j + 1;
    next.assign(k + 1, std::vector<std::vector<double>>(k + 1));
    for (int mb = 0; mb <= j; ++mb)
      for (int ma = 0; ma <= k; ++ma) {
        std::vector<double> sum((k - std::abs(k - ma - mb) - std::abs(ma - mb)) / 2 + 1, 0.0);
        const auto add = [&](double root, const std::vector<double>& p) {
          for (std::size_t i = 0; i < sum.size() && i < p.size(); ++i) sum[i] += root * p[i];
        };
        if (ma <= j) {
          const double root = std::sqrt((k - ma) / static_cast<double>(k - mb));
          add(root, j - ma - mb < 0 ? times_square(rows[mb][ma], 1.0) : rows[mb][ma]);
        }
        if (ma > 0) {
          const double root = std::sqrt(ma / static_cast<double>(k - mb));
          add(root, ma - 1 - mb < 0 ? times_square(rows[mb][ma - 1], -1.0) : rows[mb][ma - 1]);
        }
        next[mb][ma] = sum;
      }
    for (int ma = 0; ma <= k; ++ma) {
      next[k][ma] = next[0][k - ma];
      for (double& number : next[k][ma]) number *= (ma + k) % 2 == 0 ? 1.0 : -1.0;
    }
  }
}

}  // namespace

Coupling make_coupling(int twojmax, int n_channels, bool bnormflag) {
  Coupling c;
  c.half_begin.push_back(0);
  c.full_begin.push_back(0);
  for (int j = 0; j <= twojmax; ++j) {
    c.half_begin.push_back(c.half_begin.back() + half_size(j));
    c.full_begin.push_back(c.full_begin.back() + (j + 1) * (j + 1));
    c.roots_begin.push_back(static_cast<int>(c.roots.size() / 2));
    for (int mb = 0; 2 * mb <= j && j > 0; ++mb)
      for (int ma = 0; ma < j; ++ma) {
        c.roots.push_back(std::sqrt((j - ma) / static_cast<double>(j - mb)));
        c.roots.push_back(std::sqrt((ma + 1) / static_cast<double>(j - mb)));
      }
  }

  add_polynomials(twojmax, c);

  // LAMMPS' order: channels outside, the last fastest, then j1, j2, j.
  for (int a = 0; a < n_channels; ++a)
    for (int b = 0; b < n_channels; ++b)
      for (int channel = 0; channel < n_channels; ++channel)
        for (int j1 = 0; j1 <= twojmax; ++j1)
          for (int j2 = 0; j2 <= j1; ++j2)
            for (int j = j1 - j2; j <= std::min(twojmax, j1 + j2); j += 2)
              if (j >= j1) c.components.push_back({{a, b, channel}, j1, j2, j});

  // B is linear in each of its three factors, and B_{j1 j2 j} / (2j+1) does not change when they trade
  // places: each factor's cofactor is a Z, too.
  const BlockList blocks(c, twojmax, n_channels, bnormflag);
  std::map<std::pair<int, int>, std::vector<std::pair<int, double>>> entries;  // (block, channel)
  for (std::size_t k = 0; k < c.components.size(); ++k) {
    const auto& [channels, j1, j2, j] = c.components[k];
    const auto [a, b, channel] = channels;
    auto add = [&](int block, int of, double factor) {
      auto& list = entries[{block, of}];
      const int value = static_cast<int>(k);
      if (!list.empty() && list.back().first == value) list.back().second += factor;
      else list.emplace_back(value, factor);
      return block;
    };
    auto factor = [&](int other) { return bnormflag ? 1.0 : (j + 1.0) / (other + 1.0); };
    c.value_channel.push_back(channel);
    c.value_block.push_back(add(blocks.find(j1, a, j2, b, j), channel, 1.0));
    add(blocks.find(j, channel, j2, b, j1), a, factor(j1));
    add(blocks.find(j, channel, j1, a, j2), b, factor(j2));
  }
  for (const auto& [key, list] : entries) {
    const int begin = static_cast<int>(c.entry_value.size());
    for (const auto& [value, factor] : list) {
      c.entry_value.push_back(value);
      c.entry_factor.push_back(factor);
    }
    c.projections.push_back({key.first, key.second, begin, static_cast<int>(c.entry_value.size())});
  }
  return c;
}

}  // namespace forcesmith::bispectrum
