#include "descriptors/bispectrum/coupling.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "math/clebsch_gordan.hpp"

namespace forcesmith::bispectrum {

namespace {

/// Numbers Z blocks as they are asked for; blocks with the same j share their coefficients.
class BlockList {
 public:
  BlockList(Coupling& coupling, bool bnormflag) : coupling_(coupling), bnormflag_(bnormflag) {}

  int find(int j1, int channel1, int j2, int channel2, int j) {
    const auto [place, is_new] = number_.try_emplace({j1, channel1, j2, channel2, j}, number_.size());
    if (is_new) {
      coupling_.blocks.push_back({j1, j2, j, channel1, channel2, coefficients(j1, j2, j), coupling_.n_z});
      coupling_.n_z += (j / 2 + 1) * (j + 1);
    }
    return place->second;
  }

 private:
  int coefficients(int j1, int j2, int j) {
    const auto [place, is_new] = first_.try_emplace({j1, j2, j}, coupling_.clebsch_gordan.size());
    if (is_new) {
      // They enter Z twice, for rows and columns.
      const double norm = bnormflag_ ? 1.0 / std::sqrt(j + 1.0) : 1.0;
      for (int m1 = 0; m1 <= j1; ++m1)
        for (int m2 = 0; m2 <= j2; ++m2)
          coupling_.clebsch_gordan.push_back(norm * clebsch_gordan(j1, m1, j2, m2, j, m1 + m2 - (j1 + j2 - j) / 2));
    }
    return place->second;
  }

  Coupling& coupling_;
  bool bnormflag_;
  std::map<std::tuple<int, int, int, int, int>, int> number_;
  std::map<std::tuple<int, int, int>, int> first_;
};

}  // namespace

Coupling make_coupling(int twojmax, int n_channels, bool bnormflag) {
  Coupling c;
  c.half_begin.push_back(0);
  c.full_begin.push_back(0);
  for (int j = 0; j <= twojmax; ++j) {
    c.half_begin.push_back(c.half_begin.back() + (j / 2 + 1) * (j + 1));
    c.full_begin.push_back(c.full_begin.back() + (j + 1) * (j + 1));
    c.roots_begin.push_back(static_cast<int>(c.roots.size() / 2));
    for (int mb = 0; 2 * mb <= j && j > 0; ++mb)
      for (int ma = 0; ma < j; ++ma) {
        c.roots.push_back(std::sqrt((j - ma) / static_cast<double>(j - mb)));
        c.roots.push_back(std::sqrt((ma + 1) / static_cast<double>(j - mb)));
      }
  }

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
  BlockList blocks(c, bnormflag);
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
