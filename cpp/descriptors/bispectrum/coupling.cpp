#include "descriptors/bispectrum/coupling.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "math/clebsch_gordan.hpp"

namespace forcesmith::bispectrum {

namespace {

/// Z of all products of two densities, j1 >= j2, as sums of products of their elements.
class BlockList {
 public:
  BlockList(Coupling& coupling, int twojmax, int n_channels, bool bnormflag)
      : coupling_(coupling), twojmax_(twojmax), bnormflag_(bnormflag), of_size_(max_shared) {
    for (int j1 = 0; j1 <= twojmax; ++j1)
      for (int j2 = 0; j2 <= j1; ++j2) {
        const std::vector<Sums> of_different = sums(j1, j2, false);
        const std::vector<Sums> of_equal = j1 == j2 ? sums(j1, j2, true) : std::vector<Sums>{};
        // Of the same j, the order does not matter.
        for (int a = 0; a < n_channels; ++a)
          for (int b = 0; b < (j1 == j2 ? a + 1 : n_channels); ++b)
            add(j1, a, j2, b, j1 == j2 && a == b ? of_equal : of_different);
      }
    for (auto& own : of_size_) {
      // Of the same length one after the other: their ends are foreseen by the processor.
      std::stable_sort(own.begin(), own.end(),
                       [](const auto& x, const auto& y) { return x.n_products > y.n_products; });
      coupling_.sums_of_products.insert(coupling_.sums_of_products.end(), own.begin(), own.end());
      coupling_.sums_end.push_back(static_cast<int>(coupling_.sums_of_products.size()));
    }
  }

  int find(int j1, int channel1, int j2, int channel2, int j) const {
    if (j1 == j2 && channel1 < channel2) std::swap(channel1, channel2);
    return number_.at({j1, channel1, j2, channel2, j});
  }

 private:
  /// Elements (block, element of it) of the same products.
  struct Sums {
    std::vector<std::pair<int, int>> elements;
    SumsOfProducts sums;
  };

  int last_j(int j1, int j2) const { return std::min(twojmax_ - (twojmax_ + j1 + j2) % 2, j1 + j2); }

  /// Of all blocks of two factors. Those of equal ones are the same when mb1 and mb2, and ma1 and ma2, trade places.
  std::vector<Sums> sums(int j1, int j2, bool equal) {
    std::vector<Sums> found;
    const int sum = j1 + j2, last = last_j(j1, j2), first = (sum - last) / 2;
    for (int mb_sum = first; 2 * mb_sum <= sum; ++mb_sum)
      for (int ma_sum = first; ma_sum <= (2 * mb_sum == sum ? sum / 2 : sum - first); ++ma_sum) {
        const int smallest = std::max({j1 - j2, sum - 2 * mb_sum, std::abs(sum - 2 * ma_sum)});
        std::vector<int> js;
        for (int j = smallest; j <= last; j += 2) {
          js.push_back(j);
          if (static_cast<int>(js.size()) < max_shared && j + 2 <= last) continue;
          found.push_back(sums_of(j1, j2, equal, mb_sum, ma_sum, js));
          js.clear();
        }
      }
    return found;
  }

  Sums sums_of(int j1, int j2, bool equal, int mb_sum, int ma_sum, const std::vector<int>& js) {
    auto& c = coupling_;
    Sums own{};
    own.sums.products = static_cast<int>(c.products.size());
    own.sums.coefficients = static_cast<int>(c.coupling.size());
    const double multiplicity = 2 * mb_sum == j1 + j2 && 2 * ma_sum == j1 + j2 ? 1.0 : 2.0;
    for (int j : js) {
      const int shift = (j1 + j2 - j) / 2;  // m1 + m2 = m + shift, when each counts from 0
      own.elements.emplace_back((j - (j1 - j2)) / 2, (mb_sum - shift) * (j + 1) + ma_sum - shift);
    }
    for (int mb1 = std::max(0, mb_sum - j2); mb1 <= std::min(mb_sum, j1); ++mb1)
      for (int ma1 = std::max(0, ma_sum - j2); ma1 <= std::min(ma_sum, j1); ++ma1) {
        const int mb2 = mb_sum - mb1, ma2 = ma_sum - ma1;
        if (equal && (mb1 > mb2 || (mb1 == mb2 && ma1 > ma2))) continue;
        const double times = multiplicity * (equal && (mb1 != mb2 || ma1 != ma2) ? 2.0 : 1.0);
        c.products.push_back(
            {static_cast<unsigned short>(mb1 * (j1 + 1) + ma1), static_cast<unsigned short>(mb2 * (j2 + 1) + ma2)});
        for (int j : js) {
          const int shift = (j1 + j2 - j) / 2;
          const double norm = bnormflag_ ? 1.0 / (j + 1.0) : 1.0;
          c.coupling.push_back(times * norm * clebsch_gordan(j1, mb1, j2, mb2, j, mb_sum - shift) *
                               clebsch_gordan(j1, ma1, j2, ma2, j, ma_sum - shift));
        }
      }
    own.sums.n_products = static_cast<int>(c.products.size()) - own.sums.products;
    return own;
  }

  void add(int j1, int channel1, int j2, int channel2, const std::vector<Sums>& all) {
    const auto first_block = static_cast<int>(coupling_.blocks.size());
    for (int j = j1 - j2; j <= last_j(j1, j2); j += 2) {
      number_[{j1, channel1, j2, channel2, j}] = static_cast<int>(coupling_.blocks.size());
      coupling_.blocks.push_back({j, coupling_.n_z});
      coupling_.n_z += half_size(j);
    }
    const int n_full = coupling_.full_begin.back();
    for (auto [elements, sums] : all) {
      sums.u1 = channel1 * n_full + coupling_.full_begin[j1];
      sums.u2 = channel2 * n_full + coupling_.full_begin[j2];
      sums.z = static_cast<int>(coupling_.z_places.size());
      for (auto [block, element] : elements)
        coupling_.z_places.push_back(coupling_.blocks[first_block + block].z + element);
      of_size_[elements.size() - 1].push_back(sums);
    }
  }

  Coupling& coupling_;
  int twojmax_;
  bool bnormflag_;
  std::vector<std::vector<SumsOfProducts>> of_size_;  // by the number of elements, less 1
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
