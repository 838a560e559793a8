// The active set of a potential: the atoms of its training set whose information vectors b_i span the largest volume.
// Grades are measured against them: gamma_i = max_k |b_i A^-1|_k (E. V. Podryabinkin, A. V. Shapeev, Comput. Mater. Sci.
// 140, 171 (2017)). At most 1 for the training set, above 2 worth learning, above 10 dangerous.
//
// b_i are derivatives of E_i with parameters: with those in which E_i is linear (Model::features), then there is a
// matrix A for each element; or with all of the potential, those of the descriptors first, then there is one A (as
// MLIP has it). Rows of A are atoms, or whole configurations: sums of b_i, divided by the number of atoms^(scaling / 2).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/parameter_schema.hpp"
#include "extrapolation/variants.hpp"

namespace forcesmith {

class ActiveSet {
 public:
  enum class Parameters { linear, all };
  enum class Mode { neighborhoods, configurations };

  struct Settings {
    Parameters parameters = Parameters::linear;
    Mode mode = Mode::neighborhoods;
    int weight_scaling = 2;      // of configurations
    Json info = Json::object();  // where its rows come from, for those who read
  };
  struct Matrix {
    int size = 0;
    std::vector<double> rows;     // A, [size][size]
    std::vector<double> inverse;  // A^-1, [size][size]
  };

  /// matrices: one per element, or one. Throws FormatError naming `where` for numbers that are not finite, or an
  /// inverse that is not that of the rows.
  ActiveSet(Settings settings, std::vector<Matrix> matrices, const std::string& where = "the active set");

  const Settings& settings() const { return settings_; }
  /// Whether grades are those of atoms and follow from their features (Model::features): devices compute these.
  bool is_of_features() const {
    return settings_.parameters == Parameters::linear && settings_.mode == Mode::neighborhoods;
  }
  std::size_t n_matrices() const { return sizes_.size(); }
  /// 0 for an element where all share one.
  int matrix_of(int element) const { return n_matrices() == 1 ? 0 : element; }
  int size(int matrix) const { return sizes_[matrix]; }
  /// Largest size: numbers of a row b.
  int n_columns() const;
  std::span<const double> rows(int matrix) const { return rows_[matrix]; }  // [size][size]
  extrapolation::InverseMatrix inverse(int matrix) const;

  /// grades [n_rows] of the rows b, which are of one matrix.
  void compute_grades(int matrix, int n_rows, const double* const* b, double* grades) const {
    compute_grades_(inverse(matrix), n_rows, b, grades);
  }
  /// Of a configuration: sum [n_columns()] of the b_i of n_atoms atoms; 0 without atoms. Sets of configurations only.
  double grade_of_sum(std::span<const double> sum, double n_atoms) const;

 private:
  Settings settings_;
  std::vector<int> sizes_;
  std::vector<std::vector<double>> rows_;
  std::vector<std::vector<double, AlignedAllocator<double>>> inverses_;  // see InverseMatrix
  extrapolation::ComputeGrades compute_grades_;
};

std::string to_string(ActiveSet::Parameters parameters);  // "linear", "all"
std::string to_string(ActiveSet::Mode mode);              // "neighborhoods", "configurations"
/// Throw ParameterError for other words.
ActiveSet::Parameters active_set_parameters_named(const std::string& name);
ActiveSet::Mode active_set_mode_named(const std::string& name);

/// The binary file: a line "forcesmith active set 1", a line of JSON, then for each matrix A and A^-1 as little-endian
/// doubles. fingerprint: of the potential that it belongs to.
std::string print_active_set(const ActiveSet& set, const std::string& fingerprint);
/// Throws FormatError for what is no such file, is damaged, or belongs to another potential.
ActiveSet parse_active_set(const std::string& text, const std::string& path, const std::string& fingerprint);

}  // namespace forcesmith
