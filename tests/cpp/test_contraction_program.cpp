// The generator of contraction programs: published counts, valid and lean programs, in place of longer ones; what check()
// refuses.
#include "descriptors/moment_tensor/contraction_program.hpp"

#include <algorithm>
#include <set>

#include "check.hpp"
#include "core/error.hpp"

namespace {

using forcesmith::FormatError;
using forcesmith::ParameterError;
using forcesmith::moment_tensor::ContractionProgram;
using forcesmith::moment_tensor::generate_contractions;
using forcesmith::moment_tensor::with_fewest_products;

void test_generator() {
  // A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016), and MLIP's untrained potentials.
  const std::vector<std::pair<int, int>> counts{{2, 1},   {4, 2},   {6, 5},   {8, 9},    {10, 16},
                                                {12, 29}, {14, 52}, {16, 92}, {18, 163}, {20, 288}};
  for (const auto& [level, count] : counts) {
    const ContractionProgram program = generate_contractions(level);
    CHECK(program.n_values() == count);
    CHECK(program.n_radial() == (level - 2) / 4 + 1);
    program.check("generated");
    CHECK(program == generate_contractions(level));
    const std::set<int> distinct(program.mapping.begin(), program.mapping.end());
    CHECK(static_cast<int>(distinct.size()) == count);
    const std::set<std::array<int, 4>> basic(program.basic.begin(), program.basic.end());
    CHECK(basic.size() == program.basic.size());
    // Every moment is needed for some basis function, basic ones included.
    std::vector<bool> needed(program.n_moments);
    for (int moment : program.mapping) needed[moment] = true;
    for (auto product = program.products.rbegin(); product != program.products.rend(); ++product)
      if (needed[(*product)[3]]) needed[(*product)[0]] = needed[(*product)[1]] = true;
    for (int moment = 0; moment < program.n_moments; ++moment) CHECK(needed[moment]);
  }
  // With one factor only the scalars M_{mu,0} are left, with two also M_{mu,nu} : M_{mu',nu}.
  CHECK(generate_contractions(10, 1).n_values() == 3);
  CHECK(generate_contractions(8, 2).n_values() == 6);
}

void test_check() {
  const ContractionProgram good = generate_contractions(8);
  const int n_basic = static_cast<int>(good.basic.size()), n_moments = good.n_moments;
  auto refused = [&](auto&& change, const std::string& part) {
    ContractionProgram program = good;
    change(program);
    CHECK_THROWS(FormatError, program.check("the file"), part);
    CHECK_THROWS(FormatError, program.check("the file"), "the file: ");
  };
  good.check("the file");
  refused([](auto& p) { p.basic.clear(); }, "0 basic moments");
  refused([](auto& p) { p.n_moments = 3; }, "of 3 moments");
  refused([](auto& p) { p.n_moments = 1'000'000'000; }, "1000000000 moments, but only");
  refused([](auto& p) { p.basic[1][2] = -1; }, "basic moment 1 has the index -1");
  refused([&](auto& p) { p.products[0][0] = n_moments; }, "product 0");
  refused([&](auto& p) { p.products[0][3] = n_basic - 1; }, "product 0");
  refused([&](auto& p) { p.products[0] = {n_moments - 1, 0, 1, n_basic}; }, "before it is complete");
  refused([&](auto& p) { p.mapping[0] = n_moments; }, "mapped to moment");
  refused([&](auto& p) { p.mapping[0] = -1; }, "mapped to moment -1");
}

/// The same functions with more products: factors of 2 as two products, functions in the opposite order.
ContractionProgram longer(ContractionProgram program) {
  std::vector<std::array<int, 4>> products;
  for (const auto& [left, right, factor, target] : program.products) {
    const int copies = factor % 2 == 0 ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) products.push_back({right, left, factor / copies, target});
  }
  program.products = products;
  std::reverse(program.mapping.begin(), program.mapping.end());
  return program;
}

void test_fewest_products() {
  for (int level : {10, 12, 16}) {
    const ContractionProgram own = generate_contractions(level);
    CHECK(with_fewest_products(own) == own);
    const ContractionProgram given = longer(own), found = with_fewest_products(given);
    CHECK(given.products.size() > own.products.size());
    CHECK(found.products == own.products && found.basic == own.basic);
    CHECK(found.mapping == given.mapping);
    // One function that is no contraction of that level, or another multiple of it: the program stays as it is.
    ContractionProgram other = given;
    other.products.back()[2] *= 3;
    CHECK(with_fewest_products(other) == other);
    // Powers of more factors than an int can count.
    ContractionProgram powers = given;
    for (int power = 0; power < 40; ++power) {
      powers.products.push_back({powers.n_moments - 1, powers.n_moments - 1, 1, powers.n_moments});
      powers.mapping.push_back(powers.n_moments++);
    }
    CHECK(with_fewest_products(powers) == powers);
    // Fewer functions: those alone.
    ContractionProgram fewer = given;
    fewer.mapping.resize(2);
    CHECK(with_fewest_products(fewer).mapping == fewer.mapping);
  }
}

}  // namespace

int main() {
  test_generator();
  test_fewest_products();
  test_check();
  for (int level : {-2, 0, 1, 7, 30}) CHECK_THROWS(ParameterError, generate_contractions(level), "2 to 28");
  CHECK_THROWS(ParameterError, generate_contractions(8, 0), "at least one moment");
  return failures != 0;
}
