// A whole potential on a device: energies, forces and virial of atoms whose neighbors are in the memory of a Kokkos
// execution space. It is put together from the launchers of its descriptors, its model and its terms, which follow
// from the kernels of all that are registered. On a CPU, Evaluator is used instead.
#pragma once

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/device_arrays.hpp"
#include "core/error.hpp"
#include "descriptors/device_descriptor.hpp"
#include "models/device_model.hpp"
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

/// Numbers of rows in other columns: row `atom` of `narrow` is at columns[types[atom]] of that of `wide`, sizes[..]
/// numbers. to_wide: from narrow to wide, else back.
template <class ExecSpace>
void copy_columns(bool to_wide, int n_atoms, const int* types, const int* columns, const int* sizes, double* wide,
                  int wide_stride, double* narrow, int narrow_stride) {
  Kokkos::parallel_for(
      "forcesmith::potential::copy_columns", Kokkos::RangePolicy<ExecSpace>(0, n_atoms), KOKKOS_LAMBDA(int atom) {
        double* in_wide = wide + static_cast<std::ptrdiff_t>(atom) * wide_stride + columns[types[atom]];
        double* in_narrow = narrow + static_cast<std::ptrdiff_t>(atom) * narrow_stride;
        for (int k = 0; k < sizes[types[atom]]; ++k) {
          if (to_wide) in_wide[k] = in_narrow[k];
          else in_narrow[k] = in_wide[k];
        }
      });
}

/// Real: the precision of the descriptors and of the displacements.
template <class ExecSpace, class Real>
class DevicePotential {
 public:
  /// max_bytes: of the memory that is used at once, beside that of the arguments of evaluate(). Throws ParameterError
  /// if something in the potential cannot be computed on devices.
  explicit DevicePotential(const Potential& potential, std::size_t max_bytes = std::size_t{1} << 30)
      : stride_(potential.stride()), max_bytes_(max_bytes), model_(make_device_model<ExecSpace>(potential.model())) {
    if (potential.short_range() && potential.short_range()->has_wall())
      throw ParameterError(
          "The repulsive wall where the training data end at short range cannot be computed on devices yet; use a "
          "CPU.");
    const int n_elements = static_cast<int>(potential.elements().size());
    std::vector<int> columns(n_elements, 0);
    for (const auto& descriptor : potential.descriptors()) {
      Part part;
      part.descriptor = make_device_descriptor<ExecSpace, Real>(*descriptor);
      std::vector<int> sizes(n_elements);
      for (int element = 0; element < n_elements; ++element) sizes[element] = descriptor->size(element);
      part.column = columns[0];
      part.in_place = std::all_of(columns.begin(), columns.end(), [&](int column) { return column == columns[0]; });
      part.stride = part.in_place ? stride_ : *std::max_element(sizes.begin(), sizes.end());
      part.d_columns = device_copy<ExecSpace>("forcesmith::potential::columns", columns);
      part.d_sizes = device_copy<ExecSpace>("forcesmith::potential::sizes", sizes);
      for (int element = 0; element < n_elements; ++element) columns[element] += sizes[element];
      parts_.push_back(std::move(part));
    }
    for (const auto& term : potential.terms()) terms_.push_back(make_device_term<ExecSpace, Real>(*term));
  }

  /// Sets site energies [n_atoms], adds to forces [n_host][3] and, on the host, to the virial [6]. All other arrays,
  /// and all of `neighbors`, are in the memory of the device.
  void evaluate(const NeighborViewOf<Real>& neighbors, double* energies, double* forces, double* virial) {
    if (neighbors.n_atoms == 0) return;
    std::vector<std::int64_t> offsets(neighbors.n_atoms + 1);
    Kokkos::deep_copy(
        Kokkos::View<std::int64_t*, Kokkos::HostSpace>(offsets.data(), offsets.size()),
        Kokkos::View<const std::int64_t*, typename ExecSpace::memory_space>(neighbors.offsets, offsets.size()));
    for (int first = 0; first < neighbors.n_atoms;) {
      const DeviceBlock<Real> block = block_from(neighbors, offsets, first);
      evaluate_block(block, energies + first, {forces, virial});
      first += block.view.n_atoms;
    }
    Kokkos::fence();
  }

 private:
  static constexpr int largest_block = 1 << 25;  // pairs: kernels count numbers of pairs, some dozens each, by int
  /// One descriptor, and where its values are among those of all; in_place: in the same column for all elements.
  struct Part {
    std::unique_ptr<DeviceDescriptor<ExecSpace, Real>> descriptor;
    int column = 0, stride = 0;
    bool in_place = true;
    DeviceArray<ExecSpace, int> d_columns, d_sizes;  // [element]
    DeviceArray<ExecSpace, double> d_buffer;         // [n_atoms][stride], unless in place
  };

  std::size_t bytes(int n_atoms, int n_pairs, int max_pairs) const {
    std::size_t sum = model_->bytes(n_atoms) + 2 * sizeof(double) * stride_ * n_atoms;
    for (const Part& part : parts_) {
      sum += part.descriptor->bytes(n_atoms, n_pairs, max_pairs);
      if (!part.in_place) sum += sizeof(double) * part.stride * n_atoms;
    }
    for (const auto& term : terms_) sum += term->bytes(n_atoms, n_pairs);
    return sum;
  }

  /// As many atoms from `first` on as there is memory for, and at least one.
  DeviceBlock<Real> block_from(const NeighborViewOf<Real>& all, const std::vector<std::int64_t>& offsets,
                               int first) const {
    DeviceBlock<Real> block{all, offsets[first]};
    block.view.centers += first;
    block.view.center_types += first;
    block.view.offsets += first;
    int count = 0;
    while (first + count < all.n_atoms) {
      const int n_pairs = static_cast<int>(offsets[first + count + 1] - offsets[first]);
      const int max_pairs =
          std::max(block.max_pairs, static_cast<int>(offsets[first + count + 1] - offsets[first + count]));
      if (count > 0 && (n_pairs > largest_block || bytes(count + 1, n_pairs, max_pairs) > max_bytes_)) break;
      block.n_pairs = n_pairs;
      block.max_pairs = max_pairs;
      ++count;
    }
    block.view.n_atoms = count;
    return block;
  }

  void evaluate_block(const DeviceBlock<Real>& block, double* energies, const DeviceForces& forces) {
    const int n_atoms = block.view.n_atoms;
    const int* types = block.view.center_types;
    double* B = reserve(d_B_, "forcesmith::potential::B", static_cast<std::size_t>(n_atoms) * stride_);
    double* beta = reserve(d_beta_, "forcesmith::potential::beta", static_cast<std::size_t>(n_atoms) * stride_);
    for (Part& part : parts_) {
      double* own = rows(part, B, n_atoms);
      part.descriptor->values(block, own, part.stride);
      if (!part.in_place)
        copy_columns<ExecSpace>(true, n_atoms, types, part.d_columns.data(), part.d_sizes.data(), B, stride_, own,
                                part.stride);
    }
    model_->energies_and_gradients(n_atoms, types, B, stride_, energies, beta);
    for (Part& part : parts_) {
      double* own = rows(part, beta, n_atoms);
      if (!part.in_place)
        copy_columns<ExecSpace>(false, n_atoms, types, part.d_columns.data(), part.d_sizes.data(), beta, stride_, own,
                                part.stride);
      part.descriptor->backpropagate(own, part.stride, forces);
    }
    for (const auto& term : terms_) term->add(block, energies, forces);
  }

  /// Where a descriptor reads or writes its values.
  static double* rows(Part& part, double* of_all, int n_atoms) {
    if (part.in_place) return of_all + part.column;
    return reserve(part.d_buffer, "forcesmith::potential::buffer", static_cast<std::size_t>(n_atoms) * part.stride);
  }

  int stride_;
  std::size_t max_bytes_;
  std::vector<Part> parts_;
  std::unique_ptr<DeviceModel<ExecSpace>> model_;
  std::vector<std::unique_ptr<DeviceTerm<ExecSpace, Real>>> terms_;
  DeviceArray<ExecSpace, double> d_B_, d_beta_;
};

}  // namespace forcesmith
