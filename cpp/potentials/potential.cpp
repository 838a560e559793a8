#include "potentials/potential.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace forcesmith {

Potential::Potential(std::vector<std::string> elements,
                     std::vector<std::unique_ptr<Descriptor>> descriptors,
                     std::unique_ptr<Model> model, Json provenance)
    : elements_(std::move(elements)),
      descriptors_(std::move(descriptors)),
      model_(std::move(model)),
      provenance_(std::move(provenance)) {}

double Potential::cutoff() const {
  double largest = zbl_ ? zbl_->outer() : 0.0;
  for (const auto& descriptor : descriptors_) largest = std::max(largest, descriptor->cutoff());
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

int Potential::block_size() const {
  int smallest = descriptors_.front()->block_size();
  for (const auto& descriptor : descriptors_)
    smallest = std::min(smallest, descriptor->block_size());
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
    throw ParameterError("The descriptors of this potential have " + std::to_string(expected) +
                         " parameters, but " + std::to_string(values.size()) + " were given.");
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
  for (std::size_t d = 0; d < descriptors_.size(); ++d)
    descriptors_[d]->adopt_parameters(*smaller.descriptors()[d]);
}

BlockDescriptors::BlockDescriptors(const Potential& potential)
    : potential_(potential), stride_(potential.stride()) {
  // Elements may have different numbers of values only for a single descriptor; with several, the
  // column of the second would depend on the element.
  int column = 0, parameter = 0;
  for (const auto& descriptor : potential.descriptors()) {
    workspaces_.push_back(descriptor->make_workspace());
    columns_.push_back(column);
    parameters_.push_back(parameter);
    column += descriptor->size(0);
    parameter += static_cast<int>(descriptor->parameters().size());
  }
}

void BlockDescriptors::values(const NeighborView& block, double* B) {
  for (std::size_t d = 0; d < workspaces_.size(); ++d)
    potential_.descriptors()[d]->values(block, *workspaces_[d], B + columns_[d], stride_);
}

void BlockDescriptors::backpropagate(const double* beta, double* pair_gradients) {
  for (std::size_t d = 0; d < workspaces_.size(); ++d)
    potential_.descriptors()[d]->backpropagate(*workspaces_[d], beta + columns_[d], stride_,
                                               pair_gradients);
}

void BlockDescriptors::gradients(double* gradients) {
  for (std::size_t d = 0; d < workspaces_.size(); ++d)
    potential_.descriptors()[d]->gradients(*workspaces_[d], gradients + columns_[d], stride_);
}

void BlockDescriptors::tangent(const double* directions, double* B_dot) {
  for (std::size_t d = 0; d < workspaces_.size(); ++d)
    potential_.descriptors()[d]->tangent(*workspaces_[d], directions, B_dot + columns_[d], stride_);
}

void BlockDescriptors::parameter_adjoint(const double* directions, const double* B_bar,
                                         const double* B_dot_bar, double* gradient) {
  for (std::size_t d = 0; d < workspaces_.size(); ++d)
    potential_.descriptors()[d]->parameter_adjoint(*workspaces_[d], directions, B_bar + columns_[d],
                                                   B_dot_bar + columns_[d], stride_,
                                                   gradient + parameters_[d]);
}

}  // namespace forcesmith
