#include "potentials/information_vectors.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/fingerprint.hpp"
#include "core/parallel.hpp"
#include "potentials/evaluate.hpp"

namespace forcesmith {

/// dE_i/dparameters of one atom after the other: the training gradient of its energy alone.
struct InformationVectors::AllParameters {
  explicit AllParameters(const Potential& potential)
      : descriptors(potential),
        B(potential.stride()),
        B_dot(potential.stride()),
        B_bar(potential.stride()),
        B_dot_bar(potential.stride()),
        n_descriptor(potential.descriptor_parameters().size()) {}

  /// A view of one atom, in double precision.
  NeighborView of_atom(const NeighborViewOf<double>& view) { return view; }
  NeighborView of_atom(const NeighborViewOf<float>& view) {
    const std::int64_t begin = view.offsets[0], n = view.offsets[1] - begin;
    const float* from[3] = {view.x + begin, view.y + begin, view.z + begin};
    for (int axis = 0; axis < 3; ++axis) components[axis].assign(from[axis], from[axis] + n);
    offsets[1] = n;
    return {1,
            view.centers,
            view.center_types,
            offsets,
            view.neighbors + begin,
            view.types + begin,
            components[0].data(),
            components[1].data(),
            components[2].data()};
  }
  template <class Real>
  NeighborBufferOf<Real>& buffer() {
    return std::get<NeighborBufferOf<Real>>(buffers);
  }

  InBothPrecisions<NeighborBufferOf> buffers;
  BlockDescriptors descriptors;
  std::vector<double> B, B_dot, B_bar, B_dot_bar, directions;
  std::vector<double> components[3];
  std::int64_t offsets[2] = {0, 0};
  std::size_t n_descriptor;
};

int InformationVectors::size(const Potential& potential, ActiveSet::Parameters parameters, int element) {
  if (parameters == ActiveSet::Parameters::linear) return potential.model().n_features(element);
  return static_cast<int>(potential.descriptor_parameters().size() + potential.model_parameters().size());
}

InformationVectors::InformationVectors(const Potential& potential, ActiveSet::Parameters parameters)
    : potential_(potential), stride_(0), model_(potential.model().make_workspace()) {
  for (std::size_t element = 0; element < potential.elements().size(); ++element)
    stride_ = std::max(stride_, size(potential, parameters, static_cast<int>(element)));
  if (parameters == ActiveSet::Parameters::all) all_ = std::make_unique<AllParameters>(potential);
}
InformationVectors::~InformationVectors() = default;

template <class Real>
void InformationVectors::compute(const NeighborSourceOf<Real>& source, int first, const NeighborViewOf<Real>& block,
                                 const double* B, double* b) {
  std::fill_n(b, static_cast<std::size_t>(block.n_atoms) * stride_, 0.0);
  if (!all_) {
    potential_.model().features(*model_, block.n_atoms, block.center_types, B, potential_.stride(), b, stride_);
    return;
  }
  AllParameters& own = *all_;
  const double one = 1.0;
  for (int atom = 0; atom < block.n_atoms; ++atom) {
    const NeighborView view = own.of_atom(source.block(first + atom, 1, own.buffer<Real>()));
    own.directions.assign(3 * (view.offsets[1] - view.offsets[0]), 0.0);
    double* row = b + static_cast<std::size_t>(atom) * stride_;
    own.descriptors.values(view, own.B.data());
    own.descriptors.tangent(own.directions.data(), own.B_dot.data());
    potential_.model().parameter_adjoint(*model_, 1, view.center_types, own.B.data(), own.B_dot.data(),
                                         potential_.stride(), &one, own.B_bar.data(), own.B_dot_bar.data(),
                                         row + own.n_descriptor);
    std::fill(own.B_dot_bar.begin(), own.B_dot_bar.end(), 0.0);
    own.descriptors.parameter_adjoint(own.directions.data(), own.B_bar.data(), own.B_dot_bar.data(), row);
  }
}
template void InformationVectors::compute(const NeighborSourceOf<double>&, int, const NeighborViewOf<double>&,
                                          const double*, double*);
template void InformationVectors::compute(const NeighborSourceOf<float>&, int, const NeighborViewOf<float>&,
                                          const double*, double*);

BlockGrades::BlockGrades(const Potential& potential)
    : potential_(potential),
      set_(*potential.active_set()),
      vectors_(potential, potential.active_set()->settings().parameters) {}

template <class Real>
void BlockGrades::compute(const NeighborSourceOf<Real>& source, int first, const NeighborViewOf<Real>& block,
                          const double* B, double* grades, double* information_sum) {
  const int n_atoms = block.n_atoms, stride = vectors_.stride();
  b_.resize(static_cast<std::size_t>(n_atoms) * stride);
  vectors_.compute(source, first, block, B, b_.data());
  const bool all = set_.settings().parameters == ActiveSet::Parameters::all;
  const int n_elements = static_cast<int>(potential_.elements().size());
  int first_column = 0;  // of the element in the sum
  for (int element = 0; element < n_elements; ++element) {
    atoms_.clear();
    rows_.clear();
    for (int atom = 0; atom < n_atoms; ++atom) {
      if (block.center_types[atom] != element) continue;
      atoms_.push_back(atom);
      rows_.push_back(&b_[static_cast<std::size_t>(atom) * stride]);
    }
    const int size = InformationVectors::size(potential_, set_.settings().parameters, element);
    if (grades && !atoms_.empty()) {
      found_.resize(atoms_.size());
      set_.compute_grades(set_.matrix_of(element), static_cast<int>(atoms_.size()), rows_.data(), found_.data());
      for (std::size_t i = 0; i < atoms_.size(); ++i) grades[block.centers[atoms_[i]]] = found_[i];
    }
    for (std::size_t i = 0; information_sum && i < rows_.size(); ++i)
      for (int k = 0; k < size; ++k) information_sum[first_column + k] += rows_[i][k];
    if (!all) first_column += size;
  }
}
template void BlockGrades::compute(const NeighborSourceOf<double>&, int, const NeighborViewOf<double>&, const double*,
                                   double*, double*);
template void BlockGrades::compute(const NeighborSourceOf<float>&, int, const NeighborViewOf<float>&, const double*,
                                   double*, double*);

void information_vectors(const Potential& potential, ActiveSet::Parameters parameters, const NeighborSource& source,
                         double* b, int n_workers) {
  const int n_atoms = source.n_atoms(), block_size = potential.block_size();
  n_workers = std::clamp(n_workers, 1, std::max(1, (n_atoms + block_size - 1) / block_size));
  for_each_worker(n_workers, [&](int worker) {
    NeighborBuffer buffer;
    BlockDescriptors descriptors(potential);
    InformationVectors vectors(potential, parameters);
    std::vector<double> B(static_cast<std::size_t>(block_size) * potential.stride());
    const int end = first_of_worker(n_atoms, block_size, worker + 1, n_workers);
    for (int first = first_of_worker(n_atoms, block_size, worker, n_workers); first < end; first += block_size) {
      const NeighborView block = source.block(first, std::min(block_size, end - first), buffer);
      if (parameters == ActiveSet::Parameters::linear) descriptors.values(block, B.data());
      vectors.compute(source, first, block, B.data(), b + static_cast<std::size_t>(first) * vectors.stride());
    }
  });
}

int information_sum_size(const Potential& potential, ActiveSet::Parameters parameters) {
  if (parameters == ActiveSet::Parameters::all) return InformationVectors::size(potential, parameters, 0);
  int sum = 0;
  for (std::size_t element = 0; element < potential.elements().size(); ++element)
    sum += InformationVectors::size(potential, parameters, static_cast<int>(element));
  return sum;
}

std::string fingerprint(const Potential& potential) {
  Fingerprint all;
  for (const std::string& element : potential.elements()) all.add(element);
  for (const auto& descriptor : potential.descriptors()) {
    all.add(descriptor->type());
    const double cutoff = descriptor->cutoff();
    all.add(std::span(&cutoff, 1));
    for (std::size_t element = 0; element < potential.elements().size(); ++element)
      all.add_number(descriptor->size(static_cast<int>(element)));
  }
  all.add(potential.model().type());
  all.add(potential.descriptor_parameters());
  all.add(potential.model_parameters());
  return all.text();
}

void check_active_set(const Potential& potential, const ActiveSet& set, const std::string& where) {
  const ActiveSet::Settings& settings = set.settings();
  std::vector<int> expected;
  if (settings.mode == ActiveSet::Mode::configurations)
    expected.push_back(information_sum_size(potential, settings.parameters));
  else if (settings.parameters == ActiveSet::Parameters::all)
    expected.push_back(InformationVectors::size(potential, settings.parameters, 0));
  else
    for (std::size_t element = 0; element < potential.elements().size(); ++element)
      expected.push_back(potential.model().n_features(static_cast<int>(element)));
  bool fits = expected.size() == set.n_matrices();
  for (std::size_t matrix = 0; fits && matrix < expected.size(); ++matrix)
    fits = set.size(static_cast<int>(matrix)) == expected[matrix];
  if (!fits)
    throw FormatError(where + " does not fit to the potential: its matrices must have " +
                      std::to_string(expected.front()) + (expected.size() > 1 ? ", ..." : "") +
                      " columns, one matrix for each element or one for all.");
}

}  // namespace forcesmith
