#include "extrapolation/active_set.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/fingerprint.hpp"
#include "core/instruction_set.hpp"
#include "core/text.hpp"

namespace forcesmith {

static_assert(std::endian::native == std::endian::little, "Active set files are little-endian.");

namespace extrapolation {

static ComputeGrades compute_grades_in_use() { return FORCESMITH_VARIANT_IN_USE(compute_grades_variant); }

}  // namespace extrapolation

namespace {

constexpr int most_columns = 20000;
constexpr char first_line[] = "forcesmith active set 1\n";

/// Numbers of a row of InverseMatrix.
int padded(int size) { return (size + 7) / 8 * 8; }

/// How far the product of the rows with the inverse is from what it must be, for a few of its rows.
double largest_residual(const ActiveSet::Matrix& matrix) {
  const std::size_t n = matrix.size;
  const std::size_t step = std::max<std::size_t>(1, n / 8);
  double largest = 0.0;
  std::vector<double> product(n);
  for (std::size_t row = 0; row < n; row += step) {
    std::fill(product.begin(), product.end(), 0.0);
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t column = 0; column < n; ++column)
        product[column] += matrix.rows[row * n + k] * matrix.inverse[k * n + column];
    product[row] -= 1.0;
    for (const double own : product)
      if (!(std::abs(own) <= largest)) largest = std::abs(own);
  }
  return largest;
}

std::string checksum(std::string_view bytes) { return Fingerprint().add(bytes).text(); }

}  // namespace

ActiveSet::ActiveSet(Settings settings, std::vector<Matrix> matrices, const std::string& where)
    : settings_(std::move(settings)), compute_grades_(extrapolation::compute_grades_in_use()) {
  if (matrices.empty()) throw FormatError(where + " has no matrix.");
  for (Matrix& matrix : matrices) {
    const std::size_t n = matrix.size, n_numbers = n * n;
    if (matrix.size < 1 || matrix.rows.size() != n_numbers || matrix.inverse.size() != n_numbers)
      throw FormatError(where + " has a matrix that is not square, or an inverse of another size.");
    if (!all_finite(matrix.rows) || !all_finite(matrix.inverse))
      throw FormatError(where + " holds numbers that are not finite.");
    if (!(largest_residual(matrix) < 1e-3))
      throw FormatError(where + " has an inverse that is not that of its rows; make the active set anew.");
    sizes_.push_back(matrix.size);
    auto& inverse = inverses_.emplace_back(n * padded(matrix.size), 0.0);
    for (std::size_t row = 0; row < n; ++row)
      std::copy_n(&matrix.inverse[row * n], n, &inverse[row * padded(matrix.size)]);
    rows_.push_back(std::move(matrix.rows));
  }
}

int ActiveSet::n_columns() const { return *std::max_element(sizes_.begin(), sizes_.end()); }

extrapolation::InverseMatrix ActiveSet::inverse(int matrix) const {
  return {sizes_[matrix], padded(sizes_[matrix]), inverses_[matrix].data()};
}

double ActiveSet::grade_of_sum(std::span<const double> sum, double n_atoms) const {
  if (n_atoms == 0.0) return 0.0;
  std::vector<double> scaled(sum.begin(), sum.end());
  for (double& number : scaled) number *= std::pow(n_atoms, -0.5 * settings_.weight_scaling);
  const double* row = scaled.data();
  double grade = 0.0;
  compute_grades(0, 1, &row, &grade);
  return grade;
}

namespace {

using enum ActiveSet::Parameters;
using enum ActiveSet::Mode;

}  // namespace

std::string to_string(ActiveSet::Parameters parameters) { return parameters == linear ? "linear" : "all"; }
std::string to_string(ActiveSet::Mode mode) { return mode == neighborhoods ? "neighborhoods" : "configurations"; }

ActiveSet::Parameters active_set_parameters_named(const std::string& name) {
  for (const auto value : {linear, all})
    if (name == to_string(value)) return value;
  throw ParameterError("The parameters of an active set are \"linear\" or \"all\", not \"" + printable(name) + "\".");
}

ActiveSet::Mode active_set_mode_named(const std::string& name) {
  for (const auto value : {neighborhoods, configurations})
    if (name == to_string(value)) return value;
  throw ParameterError("The mode of an active set is \"neighborhoods\" or \"configurations\", not \"" +
                       printable(name) + "\".");
}

std::string print_active_set(const ActiveSet& set, const std::string& fingerprint) {
  std::string numbers;
  const auto add = [&](const double* row, std::size_t size) {
    numbers.append(reinterpret_cast<const char*>(row), sizeof(double) * size);
  };
  Json sizes = Json::array();
  for (int matrix = 0; matrix < static_cast<int>(set.n_matrices()); ++matrix) {
    sizes.push_back(set.size(matrix));
    add(set.rows(matrix).data(), set.rows(matrix).size());
    const extrapolation::InverseMatrix inverse = set.inverse(matrix);
    for (int row = 0; row < inverse.size; ++row)
      add(inverse.numbers + static_cast<std::size_t>(row) * inverse.stride, inverse.size);
  }
  const ActiveSet::Settings& settings = set.settings();
  const Json header{{"potential", fingerprint},
                    {"parameters", to_string(settings.parameters)},
                    {"mode", to_string(settings.mode)},
                    {"weight_scaling", settings.weight_scaling},
                    {"sizes", sizes},
                    {"info", settings.info},
                    {"checksum", checksum(numbers)}};
  return first_line + header.dump() + "\n" + numbers;
}

ActiveSet parse_active_set(const std::string& text, const std::string& path, const std::string& fingerprint) {
  const std::string where = "The active set \"" + path + "\"";
  if (!text.starts_with(first_line)) throw FormatError(where + " is no such file of this version of forcesmith.");
  const std::size_t begin = std::strlen(first_line), end = text.find('\n', begin);
  const auto damaged = [&]() { return FormatError(where + " is damaged or cut off; copy or make it again."); };
  if (end == std::string::npos) throw damaged();
  ActiveSet::Settings settings;
  std::vector<ActiveSet::Matrix> matrices;
  std::string_view numbers = std::string_view(text).substr(end + 1);
  try {
    const Json header = Json::parse(text.substr(begin, end - begin));
    if (header.at("potential").get<std::string>() != fingerprint)
      throw FormatError(where +
                        " belongs to another potential than the one that names it; make it anew with: "
                        "forcesmith active-set POTENTIAL DATA");
    if (header.at("checksum").get<std::string>() != checksum(numbers)) throw damaged();
    settings.parameters = active_set_parameters_named(header.at("parameters"));
    settings.mode = active_set_mode_named(header.at("mode"));
    settings.weight_scaling = header.at("weight_scaling");
    settings.info = header.at("info");
    for (const Json& size : header.at("sizes")) {
      ActiveSet::Matrix& matrix = matrices.emplace_back();
      matrix.size = size;
      if (matrix.size < 1 || matrix.size > most_columns) throw damaged();
      const std::size_t n = static_cast<std::size_t>(matrix.size) * matrix.size;
      if (numbers.size() < 2 * n * sizeof(double)) throw damaged();
      for (std::vector<double>* own : {&matrix.rows, &matrix.inverse}) {
        own->resize(n);
        std::memcpy(own->data(), numbers.data(), n * sizeof(double));
        numbers.remove_prefix(n * sizeof(double));
      }
    }
  } catch (const Json::exception&) {
    throw damaged();
  }
  if (!numbers.empty()) throw damaged();
  return ActiveSet(std::move(settings), std::move(matrices), where);
}

}  // namespace forcesmith
