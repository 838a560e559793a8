// Tiles of products: every sum is in one of them, and they give the same as the lists of products.
#include "descriptors/product_tiles.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "check.hpp"
#include "descriptors/product_kernels.hpp"
#include "descriptors/product_program.hpp"
#include "random_numbers.hpp"

namespace {

using namespace forcesmith;
using namespace forcesmith::FORCESMITH_ISA;

constexpr int width = 2;
using V = Simd<double, width>;

struct Program {
  ProductProgram products;
  ProductTables<double> tables{};

  explicit Program(int n_given) : products(n_given) {}
  void finish() {
    products.finish();
    products.set_sizes(tables);
    products.set_arrays(tables);
  }
};

/// Outer products and contractions of matrices of moments, as of tensors, squares and single products among them, then
/// products of these.
Program tensor_program() {
  constexpr int n = 7;
  Program program(2 * n * n);
  const auto element = [](int matrix, int i, int j) { return matrix * n * n + i * n + j; };
  std::vector<int> made;
  for (int matrix = 0; matrix < 2; ++matrix)
    for (int i = 0; i < n; ++i)
      for (int j = matrix == 0 ? i : 0; j < n; ++j) {  // a triangle and a square
        for (int k = 0; k < n; ++k)
          program.products.multiply(element(0, i, k), element(matrix, j, k), matrix == 0 ? 1.0 : k % 3);
        made.push_back(program.products.finish_moment());
      }
  for (const int moment : {made[0], made[5], made.back()}) {
    program.products.multiply(moment, moment, 1.0);
    program.products.multiply(moment, 3, -2.5);
    made.push_back(program.products.finish_moment());
    program.products.multiply(moment, 4, 1.0);
    program.products.finish_moment();
    program.products.multiply(moment, 4, 1.0);  // the same again
    program.products.finish_moment();
  }
  program.products.multiply(made.back(), made[1], 3.0);
  program.products.finish_moment();
  program.finish();
  return program;
}

Program random_program(std::mt19937& random, int n_given, int n_products) {
  Program program(n_given);
  const auto below = [&](int n) { return static_cast<int>(random() % n); };
  for (int p = 0; p < n_products; ++p) {
    const int n_terms = below(5), n_known = n_given + p;
    for (int term = 0; term < n_terms; ++term)
      program.products.multiply(below(n_known), below(n_known), below(3) - 1.0);
    program.products.finish_moment();
  }
  program.finish();
  return program;
}

void check_every_sum_is_in_one_tile(const ProductTables<double>& t) {
  std::multiset<int> targets;
  int numbers = 0;
  for (int r = 0; r < t.n_tile_runs; ++r) {
    const int* run = t.tile_runs + tile_run_size * r;
    const int n_rows = run[0], n_columns = run[1];
    CHECK(1 <= n_rows && n_rows <= tile_rows && n_rows <= n_columns && n_columns <= widest_tile[n_rows]);
    CHECK(run[4] == numbers);
    for (int tile = 0; tile < run[3]; ++tile) {
      const int *begin = t.tiles + numbers, n_k = begin[0];
      targets.insert(begin + 2, begin + 2 + n_rows * n_columns);
      const double* factors = t.tile_factors + begin[1];
      CHECK(begin[1] + n_k <= t.n_tile_factors);
      CHECK(run[2] == std::any_of(factors, factors + n_k, [](double factor) { return factor != 1.0; }));
      numbers += 2 + n_rows * n_columns + n_k * (n_rows + n_columns);
    }
  }
  CHECK(numbers == t.n_tile_numbers);
  std::multiset<int> expected;
  for (int target = t.first_product; target < t.n_moments; ++target) expected.insert(target);
  CHECK(targets == expected);
}

void check_like_lists(const ProductTables<double>& t, std::mt19937& random) {
  const std::size_t size = static_cast<std::size_t>(t.n_moments) * width;
  Numbers moments = random_numbers(random, size), adjoints = random_numbers(random, size);
  Numbers listed = moments, listed_adjoints = adjoints;
  const auto at = [](Numbers& numbers) { return registers_at<V>(numbers.data()); };
  compute_all_products<V>(t, at(moments));
  for (int target = t.first_product; target < t.n_moments; ++target) compute_products<V>(t, at(listed), target);
  reverse_all_products<V>(t, at(moments), at(adjoints));
  reverse_products<V>(t, at(listed), at(listed_adjoints), 0, t.n_factors, {0, 1});
  double difference = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    difference = std::max(difference, std::abs(moments[i] - listed[i]) / (1.0 + std::abs(listed[i])));
    difference =
        std::max(difference, std::abs(adjoints[i] - listed_adjoints[i]) / (1.0 + std::abs(listed_adjoints[i])));
  }
  CHECK(difference < 1e-12);
}

}  // namespace

int main() {
  std::mt19937 random(1);
  const Program of_tensors = tensor_program();
  check_every_sum_is_in_one_tile(of_tensors.tables);
  check_like_lists(of_tensors.tables, random);
  // Products of tensors share what they load: 77 sums in few tiles.
  int largest = 0;
  for (int r = 0; r < of_tensors.tables.n_tile_runs; ++r)
    largest = std::max(
        largest, of_tensors.tables.tile_runs[tile_run_size * r] * of_tensors.tables.tile_runs[tile_run_size * r + 1]);
  CHECK(largest == 9);
  for (int n_products : {0, 1, 10, 100}) {
    const Program program = random_program(random, 12, n_products);
    check_every_sum_is_in_one_tile(program.tables);
    check_like_lists(program.tables, random);
  }
  return failures != 0;
}
