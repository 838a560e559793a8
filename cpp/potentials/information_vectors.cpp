#include "potentials/information_vectors.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/fingerprint.hpp"
#include "core/parallel.hpp"
#include "potentials/evaluate.hpp"

namespace forcesmith {

/// dE_i/dparameters: the training gradient of the energies alone, atom by atom.
struct InformationVectors::AllParameters {
  explicit AllParameters(const Potential& potential)
      : descriptors(potential),
        block_size(potential.block_size()),
        n_descriptor(static_cast<int>(potential.descriptor_parameters().size())) {
    const std::size_t size = static_cast<std::size_t>(potential.block_size(Precision::single)) * potential.stride();
    for (std::vector<double>* own : {&B, &B_dot, &B_bar, &B_dot_bar}) own->assign(size, 0.0);
  }

  BlockDescriptors descriptors;
  int block_size, n_descriptor;
  std::vector<double> B, B_dot, B_bar, B_dot_bar, directions;
};

namespace {

/// Atoms first .. first + count - 1 of a view.
template <class Real>
NeighborViewOf<Real> part_of(NeighborViewOf<Real> view, int first, int count) {
  view.n_atoms = count;
  view.centers += first;
  view.center_types += first;
  view.offsets += first;
  return view;
}

/// A view in double precision.
class InDouble {
 public:
  NeighborView operator()(const NeighborView& view) { return view; }
  NeighborView operator()(const NeighborViewOf<float>& view) {
    const std::int64_t begin = view.offsets[0], n = view.offsets[view.n_atoms] - begin;
    const float* from[3] = {view.x + begin, view.y + begin, view.z + begin};
    for (int axis = 0; axis < 3; ++axis) components_[axis].assign(from[axis], from[axis] + n);
    offsets_.assign(view.offsets, view.offsets + view.n_atoms + 1);
    for (std::int64_t& offset : offsets_) offset -= begin;
    return {view.n_atoms,          view.centers,           view.center_types,
            offsets_.data(),       view.neighbors + begin, view.types + begin,
            components_[0].data(), components_[1].data(),  components_[2].data()};
  }

 private:
  std::vector<double> components_[3];
  std::vector<std::int64_t> offsets_;
};

}  // namespace

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
void InformationVectors::compute(const NeighborViewOf<Real>& block, const double* B, double* b) {
  std::fill_n(b, static_cast<std::size_t>(block.n_atoms) * stride_, 0.0);
  if (!all_) {
    potential_.model().features(*model_, block.n_atoms, block.center_types, B, potential_.stride(), b, stride_);
    return;
  }
  AllParameters& own = *all_;
  InDouble in_double;
  // Blocks of single precision are twice as large.
  for (int first = 0; first < block.n_atoms; first += own.block_size) {
    const int count = std::min(own.block_size, block.n_atoms - first);
    const NeighborView view = in_double(part_of(block, first, count));
    double* rows = b + static_cast<std::size_t>(first) * stride_;
    const int stride = potential_.stride();
    const double* values = B + static_cast<std::size_t>(first) * stride;
    if (own.n_descriptor > 0) {
      own.descriptors.values(view, own.B.data());
      values = own.B.data();
      own.directions.assign(3 * (view.offsets[count] - view.offsets[0]), 0.0);
      own.descriptors.tangent(own.directions.data(), own.B_dot.data());
    }
    const double one = 1.0;
    for (int atom = 0; atom < count; ++atom) {
      const std::size_t row = static_cast<std::size_t>(atom) * stride;
      potential_.model().parameter_adjoint(*model_, 1, view.center_types + atom, values + row, &own.B_dot[row], stride,
                                           &one, &own.B_bar[row], &own.B_dot_bar[row],
                                           rows + static_cast<std::size_t>(atom) * stride_ + own.n_descriptor);
    }
    if (own.n_descriptor == 0) continue;
    std::fill_n(own.B_dot_bar.begin(), static_cast<std::size_t>(count) * stride, 0.0);
    own.descriptors.parameter_adjoint(own.directions.data(), own.B_bar.data(), own.B_dot_bar.data(), rows, stride_);
  }
}
template void InformationVectors::compute(const NeighborViewOf<double>&, const double*, double*);
template void InformationVectors::compute(const NeighborViewOf<float>&, const double*, double*);

BlockGrades::BlockGrades(const Potential& potential)
    : potential_(potential),
      set_(*potential.active_set()),
      vectors_(potential, potential.active_set()->settings().parameters) {
  const ActiveSet::Parameters parameters = set_.settings().parameters;
  int first_column = 0;
  for (std::size_t element = 0; element < potential.elements().size(); ++element) {
    const int size = InformationVectors::size(potential, parameters, static_cast<int>(element));
    waiting_.push_back({size, first_column, {}, {}});
    if (parameters == ActiveSet::Parameters::linear) first_column += size;
  }
}

void BlockGrades::begin() {
  for (Waiting& own : waiting_) {
    own.centers.clear();
    own.rows.clear();
  }
}

template <class Real>
void BlockGrades::compute(const NeighborViewOf<Real>& block, const double* B, double* grades, double* information_sum) {
  const int stride = vectors_.stride();
  b_.resize(static_cast<std::size_t>(block.n_atoms) * stride);
  vectors_.compute(block, B, b_.data());
  for (int atom = 0; atom < block.n_atoms; ++atom) {
    const int element = block.center_types[atom];
    Waiting& own = waiting_[element];
    const double* row = &b_[static_cast<std::size_t>(atom) * stride];
    for (int k = 0; information_sum && k < own.size; ++k) information_sum[own.first_column + k] += row[k];
    if (!grades) continue;
    own.centers.push_back(block.centers[atom]);
    own.rows.insert(own.rows.end(), row, row + own.size);
    if (own.centers.size() == extrapolation::most_grades) grade(element, grades);
  }
}
template void BlockGrades::compute(const NeighborViewOf<double>&, const double*, double*, double*);
template void BlockGrades::compute(const NeighborViewOf<float>&, const double*, double*, double*);

void BlockGrades::finish(double* grades) {
  for (std::size_t element = 0; grades && element < waiting_.size(); ++element)
    grade(static_cast<int>(element), grades);
}

void BlockGrades::grade(int element, double* grades) {
  auto& [size, first_column, centers, numbers] = waiting_[element];
  const double* rows[extrapolation::most_grades];
  double found[extrapolation::most_grades];
  for (std::size_t i = 0; i < centers.size(); ++i) rows[i] = &numbers[i * size];
  set_.compute_grades(set_.matrix_of(element), static_cast<int>(centers.size()), rows, found);
  for (std::size_t i = 0; i < centers.size(); ++i) grades[centers[i]] = found[i];
  centers.clear();
  numbers.clear();
}

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
      descriptors.values(block, B.data());
      vectors.compute(block, B.data(), b + static_cast<std::size_t>(first) * vectors.stride());
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
  for (const auto& descriptor : potential.descriptors()) all.add(descriptor->type()).add(descriptor->to_json().dump());
  return all.add(potential.model().type()).add(potential.model().to_json().dump()).text();
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
                      " columns, one matrix for each element or one for all; make it anew by forcesmith active-set.");
}

}  // namespace forcesmith
