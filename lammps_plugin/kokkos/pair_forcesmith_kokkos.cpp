#include "pair_forcesmith_kokkos.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <iterator>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "atom_kokkos.h"
#include "atom_masks.h"
#include "error.h"
#include "force.h"
#include "group.h"
#include "hidden_atoms.hpp"
#include "kokkos.h"
#include "neigh_list_kokkos.h"
#include "neigh_request.h"
#include "neighbor_adapter.hpp"
#include "neighbor_kokkos.h"
#include "pair_forcesmith_base.h"
#include "potentials/device_potential.hpp"
#include "potentials/potential.hpp"
#include "suffix.h"

namespace forcesmith::lammps {

using namespace LAMMPS_NS;  // what its KOKKOS types are in depends on the version

namespace {

const std::string device_is_full =
    "Not enough memory on the device for pair_style forcesmith/kk; use more devices or nodes, or a smaller system";

/// The rows of three numbers of one of LAMMPS' arrays, as they are.
template <class View>
double* rows_of(const View& view) {
  static_assert(std::is_same_v<typename View::non_const_value_type, double> &&
                    std::is_same_v<typename View::array_layout, Kokkos::LayoutRight>,
                "forcesmith/kk needs a LAMMPS whose KOKKOS package computes in double precision (KOKKOS_PREC=double, "
                "the default)");
  return view.data();
}

// Free functions: CUDA allows lambdas for devices in no private member function.

/// Of the types of atoms; -1 for atoms of which a bit of hidden_groups is set.
template <class ExecSpace, class Types, class Masks>
void set_elements(int n_host, const Types& types, const Masks& masks, int hidden_groups, const int* element_of_type,
                  int* elements) {
  Kokkos::parallel_for(
      "forcesmith::lammps::set_elements", Kokkos::RangePolicy<ExecSpace>(0, n_host),
      KOKKOS_LAMBDA(int i) { elements[i] = (masks(i) & hidden_groups) != 0 ? -1 : element_of_type[types(i)]; });
}

/// Listed atoms that have an element and are of the types wanted, in the order of the list; their number.
template <class ExecSpace, class List, class Types>
int select_centers(int n_listed, const List& listed, const Types& types, const int* elements, const int* wanted,
                   int* centers) {
  int n_centers = 0;
  Kokkos::parallel_scan(
      "forcesmith::lammps::select_centers", Kokkos::RangePolicy<ExecSpace>(0, n_listed),
      KOKKOS_LAMBDA(int a, int& before, bool last) {
        const int i = listed(a);
        if (elements[i] < 0 || wanted[types(i)] == 0) return;
        if (last) centers[before] = i;
        ++before;
      },
      n_centers);
  return n_centers;
}

template <class ExecSpace, class List, class Counts>
int largest_count(int n_listed, const List& listed, const Counts& counts) {
  int largest = 0;
  Kokkos::parallel_reduce(
      "forcesmith::lammps::largest_count", Kokkos::RangePolicy<ExecSpace>(0, n_listed),
      KOKKOS_LAMBDA(int a, int& largest) { largest = Kokkos::max(largest, counts(listed(a))); },
      Kokkos::Max<int>(largest));
  return largest;
}

template <class ExecSpace>
void add_scaled(std::size_t size, double scale, const double* own, double* sum) {
  Kokkos::parallel_for(
      "forcesmith::lammps::add_scaled", Kokkos::RangePolicy<ExecSpace>(0, size),
      KOKKOS_LAMBDA(std::size_t i) { sum[i] += scale * own[i]; });
}

/// What is looked at after each step, over local atoms.
struct Sums {
  double finite = 0.0;         // of positions and forces: not finite where one of them is not
  std::int64_t n_outside = 0;  // atoms with values outside
  std::int64_t n_close = 0;    // close neighbors
};

template <class ExecSpace>
Sums sums_of(int n_local, const double* positions, const double* forces, const DeviceEvaluation& found) {
  Sums sums;
  const int *outside = found.values_outside, *close = found.close_neighbors;
  Kokkos::parallel_reduce(
      "forcesmith::lammps::sums_of", Kokkos::RangePolicy<ExecSpace>(0, n_local),
      KOKKOS_LAMBDA(std::ptrdiff_t i, double& finite, std::int64_t& n_outside, std::int64_t& n_close) {
        for (std::ptrdiff_t k = 3 * i; k < 3 * i + 3; ++k) finite += positions[k] + forces[k];
        if (outside && outside[i] > 0) ++n_outside;
        if (close) n_close += close[i];
      },
      sums.finite, sums.n_outside, sums.n_close);
  return sums;
}

/// Bytes that evaluations may work in.
template <class ExecSpace>
std::size_t bytes_to_work_in() {
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<ExecSpace, Kokkos::Cuda>) {
    std::size_t free = 0, all = 0;
    cudaMemGetInfo(&free, &all);
    return working_memory(free);
  }
#endif
  return std::size_t{1} << 30;
}

/// An array of the device, set to zero.
template <class ExecSpace, class T>
T* zeros(DeviceArray<ExecSpace, T>& array, std::size_t size) {
  reserve(array, "forcesmith::lammps::array", size);
  Kokkos::deep_copy(ExecSpace(), Kokkos::subview(array, Kokkos::make_pair(std::size_t{0}, size)), T{});
  return array.data();
}

template <class ExecSpace, class T>
void copy_to_cpu(const DeviceArray<ExecSpace, T>& array, T* cpu, std::size_t size) {
  Kokkos::deep_copy(Kokkos::View<T*, Kokkos::HostSpace>(cpu, size),
                    Kokkos::subview(array, Kokkos::make_pair(std::size_t{0}, size)));
}

/// A small array on the device, copied there when it changes.
template <class ExecSpace>
class DeviceTable {
 public:
  const int* set(std::vector<int> values) {
    if (values != values_) {
      d_values_ = device_copy<ExecSpace>("forcesmith::lammps::table", values);
      values_ = std::move(values);
    }
    return d_values_.data();
  }

 private:
  std::vector<int> values_;
  DeviceArray<ExecSpace, int> d_values_;
};

/// Of one of LAMMPS' two-dimensional arrays of atoms, n_columns numbers each: what is wanted of it from the device.
struct Column {
  double* DeviceSums::* array;
  std::size_t n_columns;
};
constexpr Column columns[] = {{&DeviceSums::energies, 1},
                              {&DeviceSums::forces, 3},
                              {&DeviceSums::virials, 6},
                              {&DeviceSums::centroid_virials, 9}};

/// DeviceType: LMPDeviceType or LMPHostType.
template <class DeviceType>
class PairForcesmithKokkos final : public PairForcesmithBase {
 public:
  using ExecSpace = typename DeviceType::execution_space;

  /// Needs a LAMMPS that was started with KOKKOS.
  explicit PairForcesmithKokkos(LAMMPS* lmp);

  void settings(int narg, char** arg) override;
  void init_style() override;
  void compute(int eflag, int vflag) override;

 private:
  void make_evaluator() override;
  void evaluate_alone(double* energies, double* forces) override;
  ClosestPair find_closest_pair() override;
  std::string limited_host() const override { return "pair_style forcesmith/kk"; }
  void sync_atoms() override { atomKK->sync(Host, X_MASK | TYPE_MASK | MASK_MASK | TAG_MASK); }
  void find_grades(const WantedGrades& grades) override;
  void compute_atoms(double* grades);
  void evaluate(DeviceEvaluation& wanted, const std::set<double>& different);
  DeviceAtoms device_atoms();
  DeviceNeighborList device_list(const DeviceAtoms& atoms, double scale);

  std::variant<std::monostate, DevicePotential<ExecSpace, double>, DevicePotential<ExecSpace, float>> evaluator_;
  bool all_are_ours_ = false;                                         // no atom is of another style, or hidden
  bigint build_of_list_ = -1;                                         // Neighbor::ncalls of max_count_
  int max_count_ = 0;                                                 // of neighbors
  DeviceTable<ExecSpace> d_element_of_type_;                          // [n_types + 1] -1: not of this style, or hidden
  DeviceTable<ExecSpace> d_wanted_;                                   // [n_types + 1]
  DeviceArray<ExecSpace, int> d_elements_;                            // [n_host]
  DeviceArray<ExecSpace, int> d_centers_;                             // those of the list, if not all
  DeviceArray<ExecSpace, int> d_values_outside_, d_close_neighbors_;  // [n_host]
  DeviceArray<ExecSpace, double> d_sums_[4], d_unscaled_[4];          // see columns
  DeviceArray<ExecSpace, double> d_grades_;                           // [n_host]
};

template <class DeviceType>
PairForcesmithKokkos<DeviceType>::PairForcesmithKokkos(LAMMPS* lmp) : PairForcesmithBase(lmp) {
  kokkosable = 1;
  suffix_flag |= Suffix::KOKKOS;
  no_virial_fdotr_compute = 1;  // pairs are summed on the device
  atomKK = static_cast<AtomKokkos*>(atom);
  execution_space = ExecutionSpaceFromDevice<DeviceType>::space;
  datamask_read = X_MASK | F_MASK | TYPE_MASK | MASK_MASK;
  datamask_modify = F_MASK;
}

template <class DeviceType>
void PairForcesmithKokkos<DeviceType>::settings(int narg, char** arg) {
  for (int i = 0; i + 1 < narg; i += 2)
    if (std::string(arg[i]) == "device" && std::string(arg[i + 1]) != "auto")
      error->all(
          FLERR,
          "pair_style forcesmith/kk computes where KOKKOS does, by LAMMPS' command line (-k on g 1 or -k on t 4), "
          "found 'device {}'; leave that out, or use pair_style forcesmith without the suffix kk",
          arg[i + 1]);
  PairForcesmithBase::settings(narg, arg);
}

template <class DeviceType>
void PairForcesmithKokkos<DeviceType>::make_evaluator() {
  const auto make = [&]<class Real>(Real) {
    evaluator_.template emplace<DevicePotential<ExecSpace, Real>>(*potential_, bytes_to_work_in<ExecSpace>());
  };
  if (precision_ == Precision::single) make(float());
  else make(double());
}

template <class DeviceType>
void PairForcesmithKokkos<DeviceType>::init_style() {
  if (force->newton_pair == 0)
    error->all(FLERR,
               "pair_style forcesmith/kk needs newton on, found newton off for pairs, as KOKKOS sets it on GPUs; start "
               "LAMMPS with -pk kokkos newton on neigh half");
  PairForcesmithBase::init_style();
  build_of_list_ = -1;
  auto* request = neighbor->find_request(this);
  request->set_kokkos_host(std::is_same_v<DeviceType, LMPHostType> && !std::is_same_v<DeviceType, LMPDeviceType>);
  request->set_kokkos_device(std::is_same_v<DeviceType, LMPDeviceType>);
}

// ---- every step ----

template <class DeviceType>
void PairForcesmithKokkos<DeviceType>::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);
  pvector[0] = pvector[1] = 0.0;
  ++steps_;
  const WantedGrades grades = begin_grades();
  deviations_.begin();  // an error where fix pair asks for them
  if (list->inum > 0) compute_atoms(grades.grades);
  finish_call({});
}

/// grades: [n_host] on the CPU; null: not wanted.
template <class DeviceType>
void PairForcesmithKokkos<DeviceType>::compute_atoms(double* grades) {
  atomKK->sync(execution_space, datamask_read);

  const std::size_t n_host = atom->nlocal + atom->nghost;
  double* const on_cpu[] = {eflag_atom ? eatom : nullptr, nullptr, vflag_atom ? &vatom[0][0] : nullptr,
                            cvflag_atom ? &cvatom[0][0] : nullptr};
  DeviceEvaluation wanted;
  Sums sums;
  try {
    for (std::size_t k = 0; k < std::size(columns); ++k)
      if (on_cpu[k]) wanted.arrays.*columns[k].array = zeros<ExecSpace>(d_sums_[k], columns[k].n_columns * n_host);
    wanted.arrays.forces = rows_of(atomKK->k_f.template view<DeviceType>());
    if (count_outside_) {
      wanted.values_outside = zeros<ExecSpace>(d_values_outside_, n_host);
      if (potential_->short_range()) wanted.close_neighbors = zeros<ExecSpace>(d_close_neighbors_, n_host);
    }
    if (grades) wanted.grades = zeros<ExecSpace>(d_grades_, n_host);
    evaluate(wanted, scales());
    sums = sums_of<ExecSpace>(atom->nlocal, rows_of(atomKK->k_x.template view<DeviceType>()), wanted.arrays.forces,
                              wanted);
    for (std::size_t k = 0; k < std::size(columns); ++k)
      if (on_cpu[k]) copy_to_cpu<ExecSpace>(d_sums_[k], on_cpu[k], columns[k].n_columns * n_host);
    if (grades) copy_to_cpu<ExecSpace>(d_grades_, grades, n_host);
  } catch (const std::exception& problem) {
    error->one(FLERR, is_out_of_memory(problem) ? device_is_full : std::string(problem.what()));
  }
  atomKK->modified(execution_space, datamask_modify);

  if (!std::isfinite(sums.finite + wanted.energy) || sums.n_outside > 0 || sums.n_close > 0) sync_atoms();
  if (!std::isfinite(sums.finite + wanted.energy)) report_not_finite();
  count_close_pairs(sums.n_close);
  if (sums.n_outside > 0) {
    std::vector<int> values_outside(atom->nlocal);
    copy_to_cpu<ExecSpace>(d_values_outside_, values_outside.data(), values_outside.size());
    count_extrapolation(values_outside.data());
  }
  if (eflag_global) eng_vdwl += wanted.energy;
  for (int c = 0; vflag_global && c < 6; ++c) virial[c] += wanted.virial[c];
}

/// Adds the energies of atoms times the scale of their type, which is one of `different`.
template <class DeviceType>
void PairForcesmithKokkos<DeviceType>::evaluate(DeviceEvaluation& wanted, const std::set<double>& different) {
  const DeviceAtoms atoms = device_atoms();
  for (const double scale : different) {
    if (scale == 0.0) continue;
    DeviceEvaluation own = wanted;
    const auto size = [&](const Column& column) { return column.n_columns * atoms.n_host; };
    if (scale != 1.0)
      for (std::size_t k = 0; k < std::size(columns); ++k)
        if (double*& array = own.arrays.*columns[k].array) array = zeros<ExecSpace>(d_unscaled_[k], size(columns[k]));
    const FORCESMITH_ISA::ListedPairs pairs{atoms, device_list(atoms, scale)};
    std::visit(
        [&](auto& evaluator) {
          if constexpr (!std::is_same_v<decltype(evaluator), std::monostate&>)
            with_less_memory([&] { evaluator.evaluate(pairs, own); }, [&] { return evaluator.use_less_memory(); });
        },
        evaluator_);
    if (scale != 1.0)
      for (const Column& column : columns)
        if (double* sum = wanted.arrays.*column.array)
          add_scaled<ExecSpace>(size(column), scale, own.arrays.*column.array, sum);
    wanted.energy += scale * own.energy;
    for (int c = 0; c < 6; ++c) wanted.virial[c] += scale * own.virial[c];
  }
}

template <class DeviceType>
DeviceAtoms PairForcesmithKokkos<DeviceType>::device_atoms() {
  const HiddenAtoms hidden(*neighbor, *group, atom->ntypes);
  std::vector<int> element_of_type = element_of_type_;
  for (int type = 1; type <= atom->ntypes; ++type)
    if (hidden.contains(type, 0)) element_of_type[type] = -1;
  all_are_ours_ =
      !hidden.possible() && std::find(element_of_type.begin() + 1, element_of_type.end(), -1) == element_of_type.end();
  const int n_host = atom->nlocal + atom->nghost;
  int* elements = reserve(d_elements_, "forcesmith::lammps::elements", n_host);
  set_elements<ExecSpace>(n_host, atomKK->k_type.template view<DeviceType>(),
                          atomKK->k_mask.template view<DeviceType>(), hidden.groups(),
                          d_element_of_type_.set(std::move(element_of_type)), elements);
  return {n_host, rows_of(atomKK->k_x.template view<DeviceType>()), elements};
}

/// Of the atoms that have an element, and whose type has this scale.
template <class DeviceType>
DeviceNeighborList PairForcesmithKokkos<DeviceType>::device_list(const DeviceAtoms& atoms, double scale) {
  const auto& listed = *static_cast<NeighListKokkos<DeviceType>*>(list);
  if (build_of_list_ != neighbor->ncalls) {
    max_count_ = largest_count<ExecSpace>(list->inum, listed.d_ilist, listed.d_numneigh);
    build_of_list_ = neighbor->ncalls;
  }
  std::vector<int> wanted(atom->ntypes + 1);
  for (int type = 1; type <= atom->ntypes; ++type) wanted[type] = scale_[type][type] == scale;
  int n_centers = list->inum;
  const int* centers = listed.d_ilist.data();
  if (!all_are_ours_ || std::find(wanted.begin() + 1, wanted.end(), 0) != wanted.end()) {
    int* selected = reserve(d_centers_, "forcesmith::lammps::centers", list->inum);
    n_centers = select_centers<ExecSpace>(list->inum, listed.d_ilist, atomKK->k_type.template view<DeviceType>(),
                                          atoms.elements, d_wanted_.set(std::move(wanted)), selected);
    centers = selected;
  }
  return {n_centers,
          centers,
          listed.d_numneigh.data(),
          listed.d_neighbors.data(),
          static_cast<std::ptrdiff_t>(listed.d_neighbors.stride(0)),
          static_cast<std::ptrdiff_t>(listed.d_neighbors.stride(1)),
          NEIGHMASK,
          max_count_};
}

// ---- for messages ----

template <class DeviceType>
void PairForcesmithKokkos<DeviceType>::evaluate_alone(double* energies, double* forces) {
  const std::size_t n_host = atom->nlocal + atom->nghost;
  DeviceEvaluation wanted;
  DeviceArray<ExecSpace, double> d_energies, d_forces;
  wanted.arrays.energies = zeros<ExecSpace>(d_energies, n_host);
  wanted.arrays.forces = zeros<ExecSpace>(d_forces, 3 * n_host);
  evaluate(wanted, scales());
  copy_to_cpu<ExecSpace>(d_energies, energies, n_host);
  copy_to_cpu<ExecSpace>(d_forces, forces, 3 * n_host);
}

template <class DeviceType>
void PairForcesmithKokkos<DeviceType>::find_grades(const WantedGrades& grades) {
  if (list->inum == 0) return;
  atomKK->sync(execution_space, datamask_read);
  const std::size_t n_host = atom->nlocal + atom->nghost;
  DeviceEvaluation wanted;
  wanted.grades = zeros<ExecSpace>(d_grades_, n_host);
  evaluate(wanted, scales());
  copy_to_cpu<ExecSpace>(d_grades_, grades.grades, n_host);
}

/// On the CPU, with a copy of the list.
template <class DeviceType>
ClosestPair PairForcesmithKokkos<DeviceType>::find_closest_pair() {
  const auto& listed = *static_cast<NeighListKokkos<DeviceType>*>(list);
  const auto on_cpu = [](const auto& view) { return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view); };
  const auto centers = on_cpu(listed.d_ilist), counts = on_cpu(listed.d_numneigh);
  const auto neighbors = on_cpu(listed.d_neighbors);
  std::vector<std::vector<int>> rows(atom->nlocal + atom->nghost);
  std::vector<int*> first(rows.size());
  for (int a = 0; a < list->inum; ++a) {
    const int i = centers(a);
    for (int k = 0; k < counts(i); ++k) rows[i].push_back(neighbors(i, k));
    first[i] = rows[i].data();
  }
  const NeighborAdapter<double> source({list->inum, centers.data(), counts.data(), first.data()}, *atom,
                                       HiddenAtoms(*neighbor, *group, atom->ntypes), element_of_type_,
                                       potential_->cutoff(), &*potential_->short_range());
  return closest_pair(*potential_->short_range(), source);
}

template <class DeviceType>
void* create(void* lammps) {
  auto* lmp = static_cast<LAMMPS*>(lammps);
  if (lmp->kokkos == nullptr)
    lmp->error->all(
        FLERR,
        "pair_style forcesmith/kk needs a LAMMPS that was started with KOKKOS: add -k on (and g 1 for a GPU) "
        "to its command line, or use pair_style forcesmith");
  return new PairForcesmithKokkos<DeviceType>(lmp);
}

}  // namespace

void* create_pair_on_device(void* lammps) { return create<LMPDeviceType>(lammps); }
void* create_pair_on_host(void* lammps) { return create<LMPHostType>(lammps); }

}  // namespace forcesmith::lammps
