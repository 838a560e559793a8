#include "potentials/potential.hpp"

#include <algorithm>

#include "core/chemical_elements.hpp"
#include "core/error.hpp"
#include "core/phase.hpp"

namespace forcesmith {

Potential::Potential(std::vector<std::string> elements, std::vector<std::unique_ptr<Descriptor>> descriptors,
                     std::unique_ptr<Model> model, Json provenance)
    : elements_(std::move(elements)),
      descriptors_(std::move(descriptors)),
      model_(std::move(model)),
      provenance_(std::move(provenance)) {
  check_different(elements_, "a potential");
}

double Potential::cutoff() const {
  double largest = 0.0;
  for (const auto& descriptor : descriptors_) largest = std::max(largest, descriptor->cutoff());
  for (const auto& term : terms_) largest = std::max(largest, term->cutoff());
  return largest;
}

int Potential::size(int element) const {
  int sum = 0;
  for (const auto& descriptor : descriptors_) sum += descriptor->size(element);
  return sum;
}

int Potential::stride() const {
  int largest = 0;
  for (std::size_t element = 0; element < elements_.size(); ++element)
    largest = std::max(largest, size(static_cast<int>(element)));
  return largest;
}

int Potential::block_size(Precision precision) const {
  int smallest = descriptors_.front()->block_size(precision);
  for (const auto& descriptor : descriptors_) smallest = std::min(smallest, descriptor->block_size(precision));
  return smallest;
}

std::vector<double> Potential::descriptor_parameters() const {
  std::vector<double> all;
  for (const auto& descriptor : descriptors_) {
    const std::vector<double> own = descriptor->parameters();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

void Potential::set_descriptor_parameters(std::span<const double> values) {
  const std::size_t expected = descriptor_parameters().size();
  if (values.size() != expected)
    throw ParameterError("The descriptors of this potential have " + std::to_string(expected) + " parameters, but " +
                         std::to_string(values.size()) + " were given.");
  change_parameters();
  std::size_t first = 0;
  for (const auto& descriptor : descriptors_) {
    const std::size_t count = descriptor->parameters().size();
    descriptor->set_parameters(values.subspan(first, count));
    first += count;
  }
}

void Potential::adopt_descriptor_parameters(const Potential& smaller) {
  if (smaller.elements() != elements_ || smaller.descriptors().size() != descriptors_.size())
    throw ParameterError("A potential can start only from one with the same elements and as many descriptors.");
  change_parameters();
  for (std::size_t d = 0; d < descriptors_.size(); ++d) descriptors_[d]->adopt_parameters(*smaller.descriptors()[d]);
}

BlockDescriptors::BlockDescriptors(const Potential& potential, Precision precision) : stride_(potential.stride()) {
  const std::size_t n_elements = potential.elements().size();
  std::vector<int> next(n_elements, 0);
  int parameter = 0;
  for (const auto& descriptor : potential.descriptors()) {
    Part part{descriptor.get(), descriptor->make_workspace(precision), next, 0, parameter, true, {}, {}};
    for (std::size_t element = 0; element < n_elements; ++element) {
      const int size = descriptor->size(static_cast<int>(element));
      part.stride = std::max(part.stride, size);
      part.in_place = part.in_place && next[element] == next[0];
      next[element] += size;
    }
    // Written in place, a descriptor may set what lies beyond its own columns; the next one follows.
    if (part.in_place) part.stride = stride_;
    parameter += static_cast<int>(descriptor->parameters().size());
    parts_.push_back(std::move(part));
  }
}

template <class Real>
void BlockDescriptors::values(const NeighborViewOf<Real>& block, double* B) {
  types_ = block.center_types;
  pair_offsets_.assign(block.offsets, block.offsets + block.n_atoms + 1);
  for (Part& part : parts_)
    part.write(*this, B, block.n_atoms,
               [&](double* own) { part.descriptor->values(block, *part.workspace, own, part.stride); });
}
template void BlockDescriptors::values(const NeighborViewOf<double>&, double*);
template void BlockDescriptors::values(const NeighborViewOf<float>&, double*);

void BlockDescriptors::backpropagate(const double* beta, const PairForces& forces) {
  for (Part& part : parts_) {
    FORCESMITH_PHASE(descriptor);
    part.descriptor->backpropagate(*part.workspace, part.read(*this, beta, part.buffer), part.stride, forces);
  }
}

void BlockDescriptors::gradients(double* gradients) {
  // Rows of pairs, of the element of their center.
  for (Part& part : parts_) {
    if (part.in_place) {
      part.descriptor->gradients(*part.workspace, gradients + part.columns[0], stride_);
      continue;
    }
    const std::int64_t first_pair = pair_offsets_.front();
    part.buffer.assign(3 * (pair_offsets_.back() - first_pair) * part.stride, 0.0);
    part.descriptor->gradients(*part.workspace, part.buffer.data(), part.stride);
    for (std::size_t atom = 0; atom + 1 < pair_offsets_.size(); ++atom) {
      const int element = types_[atom], size = part.descriptor->size(element);
      for (std::int64_t row = 3 * (pair_offsets_[atom] - first_pair); row < 3 * (pair_offsets_[atom + 1] - first_pair);
           ++row)
        std::copy_n(part.buffer.data() + row * part.stride, size, gradients + row * stride_ + part.columns[element]);
    }
  }
}

void BlockDescriptors::tangent(const double* directions, double* B_dot) {
  const int n_atoms = static_cast<int>(pair_offsets_.size()) - 1;
  for (Part& part : parts_)
    part.write(*this, B_dot, n_atoms,
               [&](double* own) { part.descriptor->tangent(*part.workspace, directions, own, part.stride); });
}

void BlockDescriptors::parameter_adjoint(const double* directions, const double* B_bar, const double* B_dot_bar,
                                         double* gradient, int gradient_stride) {
  for (Part& part : parts_)
    part.descriptor->parameter_adjoint(*part.workspace, directions, part.read(*this, B_bar, part.buffer),
                                       part.read(*this, B_dot_bar, part.second_buffer), part.stride,
                                       gradient + part.first_parameter, gradient_stride);
}

template <class Compute>
void BlockDescriptors::Part::write(const BlockDescriptors& all, double* rows, int n_atoms, const Compute& compute) {
  if (in_place) return compute(rows + columns[0]);
  buffer.resize(static_cast<std::size_t>(n_atoms) * stride);
  compute(buffer.data());
  for (int atom = 0; atom < n_atoms; ++atom)
    std::copy_n(buffer.data() + atom * stride, descriptor->size(all.types_[atom]),
                rows + atom * all.stride_ + columns[all.types_[atom]]);
}

const double* BlockDescriptors::Part::read(const BlockDescriptors& all, const double* rows,
                                           std::vector<double>& copy) const {
  if (in_place) return rows + columns[0];
  const std::size_t n_atoms = all.pair_offsets_.size() - 1;
  copy.assign(n_atoms * stride, 0.0);
  for (std::size_t atom = 0; atom < n_atoms; ++atom)
    std::copy_n(rows + atom * all.stride_ + columns[all.types_[atom]], descriptor->size(all.types_[atom]),
                copy.data() + atom * stride);
  return copy.data();
}

}  // namespace forcesmith
