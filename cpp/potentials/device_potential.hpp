// A whole potential on a device: energies, forces and virials of atoms that are in the memory of a Kokkos execution
// space. It is put together from the launchers of its descriptors, its model and its terms, which follow
// from the kernels of all that are registered. On a CPU, Evaluator is used instead.
#pragma once

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/device_arrays.hpp"
#include "core/error.hpp"
#include "descriptors/device_descriptor.hpp"
#include "extrapolation/device_grades.hpp"
#include "models/device_model.hpp"
#include "neighbors/device_forces.hpp"
#include "neighbors/device_selection.hpp"
#include "potentials/device_columns.hpp"
#include "potentials/device_wall.hpp"
#include "potentials/potential.hpp"
#include "potentials/registered.hpp"
#include "potentials/terms/device_term.hpp"

namespace forcesmith {

/// The launcher of a registered descriptor.
template <class ExecSpace, class Real>
std::unique_ptr<DeviceDescriptor<ExecSpace, Real>> make_device_descriptor(const Descriptor& descriptor) {
  std::unique_ptr<DeviceDescriptor<ExecSpace, Real>> made;
  for_each_type(RegisteredDescriptors{}, [&]<class Own>() {
    if (const auto* own = dynamic_cast<const Own*>(&descriptor))
      made = std::make_unique<DeviceKernels<ExecSpace, Own, Real>>(*own);
  });
  if (made == nullptr) throw std::logic_error("The descriptor \"" + descriptor.type() + "\" is not registered.");
  return made;
}

template <class ExecSpace>
std::unique_ptr<DeviceModel<ExecSpace>> make_device_model(const Model& model) {
  std::unique_ptr<DeviceModel<ExecSpace>> made;
  for_each_type(RegisteredModels{}, [&]<class Own>() {
    if (const auto* own = dynamic_cast<const Own*>(&model))
      made = std::make_unique<DeviceModelKernels<ExecSpace, Own>>(*own);
  });
  if (made == nullptr) throw std::logic_error("The model \"" + model.type() + "\" is not registered.");
  return made;
}

/// Throws ParameterError for a term that has no kernels.
template <class ExecSpace, class Real>
std::unique_ptr<DeviceTerm<ExecSpace, Real>> make_device_term(const Term& term) {
  std::unique_ptr<DeviceTerm<ExecSpace, Real>> made;
  for_each_type(RegisteredTerms{}, [&]<class Own>() {
    if constexpr (requires { typename Own::Kernels; })
      if (const auto* own = dynamic_cast<const Own*>(&term))
        made = std::make_unique<DevicePairTerm<ExecSpace, Own, Real>>(*own);
  });
  if (made == nullptr)
    throw ParameterError("The term \"" + term.type() + "\" cannot be computed on devices yet; use a CPU.");
  return made;
}

namespace FORCESMITH_ISA {

/// How many descriptor values of an atom lie outside their range in the training set; see Model::input_range.
struct CountValuesOutside {
  const int *centers, *types;
  const double* B;  // by device_slot(stride, atom, k)
  int stride;
  const double *low, *high;  // [element][stride]; null: not known
  const int* sizes;          // [element]
  int* values_outside;       // by atom of the host

  KOKKOS_INLINE_FUNCTION void operator()(int atom) const {
    if (low == nullptr) {
      values_outside[centers[atom]] = -1;
      return;
    }
    const int element = types[atom];
    int count = 0;
    for (int k = 0; k < sizes[element]; ++k) {
      const double own = B[device_slot(stride, atom, k)];
      count += own < low[element * stride + k] || own > high[element * stride + k];
    }
    values_outside[centers[atom]] = count;
  }
};

}  // namespace FORCESMITH_ISA

inline constexpr std::size_t most_working_memory = std::size_t{8} << 30, least_working_memory = std::size_t{1} << 24;

/// Bytes to work in, of those of a device that nobody uses.
inline std::size_t working_memory(std::size_t free) {
  return std::clamp(free / 4, least_working_memory, most_working_memory);
}

/// As many atoms as there is memory for, in whole slices, and at least one slice.
inline int atoms_at_once(int n_atoms, int max_neighbors, std::size_t bytes_of_slice, std::size_t max_bytes) {
  constexpr std::size_t most_slots = std::size_t{1} << 25;  // kernels count them, and multiples, by int
  const std::size_t slots = device_slots(std::max(1, max_neighbors), device_slice);
  const std::size_t of_slice = std::max<std::size_t>(1, bytes_of_slice);
  const std::size_t n_slices = std::max<std::size_t>(1, std::min(max_bytes / of_slice, most_slots / slots));
  return static_cast<int>(std::min<std::size_t>(n_atoms, n_slices * device_slice));
}

/// What is wanted, and the sums over all atoms.
struct DeviceEvaluation {
  DeviceSums arrays;
  // In the memory of the device, by atom of the host, set for centers; null: not wanted.
  int* values_outside = nullptr;   // see Model::values_outside
  int* close_neighbors = nullptr;  // neighbors closer than in the training data; of a potential that knows them
  double* grades = nullptr;        // see ActiveSet::is_of_features
  double energy = 0.0;             // out: eV
  double virial[6] = {};           // out: xx yy zz xy xz yz, eV
};

/// Real: the precision of the descriptors and of the displacements.
template <class ExecSpace, class Real>
class DevicePotential {
 public:
  /// The potential must outlive this. max_bytes: of the memory that is used at once, beside that of the arguments of
  /// evaluate(). Throws ParameterError if something in the potential cannot be computed on devices.
  explicit DevicePotential(const Potential& potential, std::size_t max_bytes = std::size_t{1} << 30)
      : potential_(&potential),
        stride_(potential.stride()),
        max_bytes_(max_bytes),
        selection_(potential.cutoff()),
        model_(make_device_model<ExecSpace>(potential.model())) {
    for (std::size_t d = 0; d < potential.descriptors().size(); ++d)
      parts_.push_back({make_device_descriptor<ExecSpace, Real>(*potential.descriptors()[d]),
                        DeviceColumns<ExecSpace>(potential, d)});
    std::vector<int> sizes;
    for (std::size_t element = 0; element < potential.elements().size(); ++element)
      sizes.push_back(potential.size(static_cast<int>(element)));
    d_sizes_ = device_copy<ExecSpace>("forcesmith::potential::sizes", sizes);
    for (const auto& term : potential.terms()) terms_.push_back(make_device_term<ExecSpace, Real>(*term));
    if (const auto& short_range = potential.short_range()) {
      wall_.emplace(*short_range);
      if (short_range->repulsion()) terms_.push_back(make_device_term<ExecSpace, Real>(*short_range->repulsion()));
    }
    set_input_ranges(potential.model(), sizes);
    if (const auto& set = potential.active_set(); set && set->is_of_features())
      grades_.emplace(*set, static_cast<int>(potential.elements().size()));
  }

  /// Takes over the parameters of the potential, which have changed and are those of no active set; all else is as it
  /// was.
  void update() {
    grades_.reset();
    for (std::size_t d = 0; d < parts_.size(); ++d) parts_[d].descriptor->update(*potential_->descriptors()[d]);
    model_->update(potential_->model());
  }

  std::size_t max_bytes() const { return max_bytes_; }

  /// Gives the memory back, to work in half of it. False, and nothing done, if that would be too little to be of use.
  bool use_less_memory() {
    if (max_bytes_ <= least_working_memory) return false;
    *this = DevicePotential(*potential_, max_bytes_ / 2);
    return true;
  }

  /// pairs: ListedPairs or GivenPairs. Out of memory, it fails before it has added anything. Throws ParameterError where
  /// grades are wanted that cannot be had.
  template <class Pairs>
  void evaluate(const Pairs& pairs, DeviceEvaluation& wanted) {
    if (wanted.grades && !grades_)
      throw ParameterError(
          "Devices compute the extrapolation grades of potentials whose active set has the parameters \"linear\" and "
          "the "
          "mode \"neighborhoods\"; this one has none, or another; use the device cpu.");
    const int n_atoms = pairs.n_atoms(), max_neighbors = pairs.max_neighbors();
    const int parts = parts_of_atoms<ExecSpace>(n_atoms);
    const std::size_t of_slice =
        bytes(device_slice, max_neighbors, parts) + (wanted.grades ? grades_->bytes(device_slice) : 0);
    const int at_once = atoms_at_once(n_atoms, max_neighbors, of_slice, max_bytes_);
    const int n_blocks = n_atoms == 0 ? 0 : (n_atoms + at_once - 1) / at_once;
    constexpr int n_sums = FORCESMITH_ISA::AddForces<Real>::value_count;
    double* sums = reserve(d_sums_, "forcesmith::potential::sums", static_cast<std::size_t>(n_sums) * n_blocks);
    for (int block = 0; block < n_blocks; ++block) {
      const int first = block * at_once;
      // The first block is the largest: later ones find the memory that it took.
      evaluate_block(selection_.select(pairs, first, std::min(at_once, n_atoms - first), parts), wanted,
                     sums + n_sums * block);
    }
    std::vector<double> of_blocks(static_cast<std::size_t>(n_sums) * n_blocks);
    Kokkos::deep_copy(Kokkos::View<double*, Kokkos::HostSpace>(of_blocks.data(), of_blocks.size()),
                      Kokkos::View<const double*, typename ExecSpace::memory_space>(sums, of_blocks.size()));
    wanted.energy = 0.0;
    std::fill_n(wanted.virial, 6, 0.0);
    for (int block = 0; block < n_blocks; ++block) {
      for (int c = 0; c < 6; ++c) wanted.virial[c] += of_blocks[n_sums * block + c];
      wanted.energy += of_blocks[n_sums * block + 6];
    }
  }

 private:
  struct Part {
    std::unique_ptr<DeviceDescriptor<ExecSpace, Real>> descriptor;
    DeviceColumns<ExecSpace> columns;
  };

  void set_input_ranges(const Model& model, const std::vector<int>& sizes) {
    std::vector<double> low, high;
    for (std::size_t element = 0; element < sizes.size(); ++element) {
      const std::optional<InputRange> range = model.input_range(static_cast<int>(element));
      if (!range) return;
      for (auto [bounds, all] : {std::pair{range->min, &low}, std::pair{range->max, &high}}) {
        all->insert(all->end(), bounds.begin(), bounds.end());
        all->resize((element + 1) * stride_, 0.0);
      }
    }
    d_low_ = device_copy<ExecSpace>("forcesmith::potential::low", low);
    d_high_ = device_copy<ExecSpace>("forcesmith::potential::high", high);
  }

  std::size_t bytes(int n_atoms, int max_neighbors, int parts) const {
    std::size_t sum = selection_.bytes(n_atoms, max_neighbors) + model_->bytes(n_atoms) +
                      sizeof(double) * (2 * device_slots(stride_, n_atoms) + n_atoms);
    if (wall_) sum += wall_->bytes(n_atoms, max_neighbors);
    for (const Part& part : parts_)
      sum += part.descriptor->bytes(n_atoms, max_neighbors, parts) + part.columns.bytes(n_atoms);
    for (const auto& term : terms_) sum += term->bytes(n_atoms, max_neighbors);
    return sum;
  }

  void evaluate_block(const DeviceBlock<Real>& block, const DeviceEvaluation& wanted, double* sums) {
    const int n_atoms = block.n_atoms;
    const int* types = block.center_types;
    const std::size_t n_values = device_slots(stride_, n_atoms);
    double* B = reserve(d_B_, "forcesmith::potential::B", n_values);
    double* beta = reserve(d_beta_, "forcesmith::potential::beta", n_values);
    double* energies = reserve(d_energies_, "forcesmith::potential::energies", n_atoms);
    const bool moves = wall_ && wall_->has_wall();
    if (wanted.grades && moves) {  // grades are those of neighbors where they really are
      find_energies(block, B, energies, beta);
      find_grades(block, B, wanted.grades);
    }
    if (wall_) wall_->move(block, selection_.components(), wanted.close_neighbors);
    find_energies(block, B, energies, beta);
    if (wanted.grades && !moves) find_grades(block, B, wanted.grades);
    if (wanted.values_outside)
      Kokkos::parallel_for("forcesmith::potential::values_outside", Kokkos::RangePolicy<ExecSpace>(0, n_atoms),
                           FORCESMITH_ISA::CountValuesOutside{block.centers, types, B, stride_, d_low_.data(),
                                                              d_high_.data(), d_sizes_.data(), wanted.values_outside});
    for (Part& part : parts_) {
      double* own = part.columns.rows(beta, n_atoms);
      part.columns.take(own, beta, n_atoms, types);
      part.descriptor->backpropagate(own, part.columns.stride(), block);
    }
    if (wall_) wall_->move_back(block, selection_.components());
    for (const auto& term : terms_) term->add(block, energies);
    add_forces<ExecSpace>(block, energies, wanted.arrays, sums);
  }

  void find_energies(const DeviceBlock<Real>& block, double* B, double* energies, double* beta) {
    for (Part& part : parts_) {
      double* own = part.columns.rows(B, block.n_atoms);
      part.descriptor->values(block, own, part.columns.stride());
      part.columns.put(own, B, block.n_atoms, block.center_types);
    }
    model_->energies_and_gradients(block.n_atoms, block.center_types, B, stride_, energies, beta);
  }

  void find_grades(const DeviceBlock<Real>& block, const double* B, double* grades) {
    model_->features(block.n_atoms, block.center_types, B, stride_, grades_->features(block.n_atoms),
                     grades_->stride());
    grades_->compute(block, grades);
  }

  const Potential* potential_;
  int stride_;
  std::size_t max_bytes_;
  DeviceSelection<ExecSpace, Real> selection_;
  std::vector<Part> parts_;
  std::unique_ptr<DeviceModel<ExecSpace>> model_;
  std::vector<std::unique_ptr<DeviceTerm<ExecSpace, Real>>> terms_;
  std::optional<DeviceWall<ExecSpace, Real>> wall_;
  std::optional<DeviceGrades<ExecSpace>> grades_;  // nothing: there are none
  DeviceArray<ExecSpace, int> d_sizes_;            // [element]
  DeviceArray<ExecSpace, double> d_low_, d_high_;  // [element][stride], or empty
  DeviceArray<ExecSpace, double> d_B_, d_beta_, d_energies_, d_sums_;
};

}  // namespace forcesmith
