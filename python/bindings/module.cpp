// forcesmith._core: the compiled core for Python. Checks shapes, converts arrays, holds no physics.
// forcesmith::Error becomes ValueError, FileError OSError, DeviceError a RuntimeError. Arrays are C-contiguous; shapes
// are in the docstrings.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>

#include "core/error.hpp"
#include "core/files.hpp"
#include "core/instruction_set.hpp"
#include "core/kokkos_scope.hpp"
#include "core/units.hpp"
#include "descriptors/moment_tensor/contraction_program.hpp"
#include "devices/device.hpp"
#include "fitting/design_matrix.hpp"
#include "fitting/parameter_gradient.hpp"
#include "potentials/check_potential.hpp"
#include "potentials/evaluate.hpp"
#include "potentials/formats/forcesmith.hpp"
#include "potentials/information_vectors.hpp"
#include "potentials/registry.hpp"

namespace py = pybind11;

namespace forcesmith {

namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

template <class T>
void check_shape(const Array<T>& array, const std::vector<py::ssize_t>& shape, const char* name) {
  bool same = array.ndim() == static_cast<py::ssize_t>(shape.size());
  for (std::size_t i = 0; same && i < shape.size(); ++i) same = array.shape(i) == shape[i];
  if (same) return;
  std::string expected, found;
  for (py::ssize_t n : shape) expected += (expected.empty() ? "" : ", ") + std::to_string(n);
  for (py::ssize_t i = 0; i < array.ndim(); ++i) found += (found.empty() ? "" : ", ") + std::to_string(array.shape(i));
  throw ParameterError(std::string(name) + " must have the shape (" + expected + "), not (" + found + ").");
}

/// Configurations one after the other, with the neighbors of all their atoms.
class Batch {
 public:
  Batch(Array<int> types, Array<std::int64_t> offsets, Array<int> neighbors, const Array<double>& displacements,
        Array<int> sizes)
      : types_(std::move(types)),
        offsets_(std::move(offsets)),
        neighbors_(std::move(neighbors)),
        centers_(types_.size()) {
    const py::ssize_t n_atoms = types_.size(), n_pairs = neighbors_.size();
    check_shape(types_, {n_atoms}, "types");
    check_shape(offsets_, {n_atoms + 1}, "offsets");
    check_shape(neighbors_, {n_pairs}, "neighbors");
    check_shape(displacements, {n_pairs, 3}, "displacements");
    for (int axis = 0; axis < 3; ++axis) {
      components_[axis].resize(n_pairs);
      for (py::ssize_t pair = 0; pair < n_pairs; ++pair)
        components_[axis][pair] = displacements.data()[3 * pair + axis];
    }
    std::iota(centers_.begin(), centers_.end(), 0);
    for (py::ssize_t c = 0; c < sizes.size(); ++c) {
      ranges_.push_back({static_cast<int>(configuration_.size()), sizes.at(c)});
      configuration_.insert(configuration_.end(), sizes.at(c), static_cast<int>(c));
    }
    bool ordered = offsets_.at(0) == 0 && offsets_.at(n_atoms) == n_pairs;
    for (py::ssize_t i = 0; ordered && i < n_atoms; ++i) ordered = offsets_.at(i) <= offsets_.at(i + 1);
    if (!ordered) throw ParameterError("offsets must rise from 0 to the number of pairs.");
    if (static_cast<py::ssize_t>(configuration_.size()) != n_atoms)
      throw ParameterError("The sizes of the configurations must add up to the number of atoms.");
    for (py::ssize_t i = 0; i < n_atoms; ++i) {
      if (types_.at(i) < 0) throw ParameterError("types must not be negative.");
      for (std::int64_t pair = offsets_.at(i); pair < offsets_.at(i + 1); ++pair) {
        const int j = neighbors_.at(pair);
        if (j < 0 || j >= n_atoms || configuration_[j] != configuration_[i])
          throw ParameterError("A neighbor of atom " + std::to_string(i) + " is atom " + std::to_string(j) +
                               ", which is not in its configuration.");
        neighbor_types_.push_back(types_.at(j));
      }
    }
  }

  /// Of this one alone.
  std::uint64_t key() const { return key_; }
  int n_atoms() const { return static_cast<int>(types_.size()); }
  const Array<int>& types() const { return types_; }
  int n_configurations() const { return static_cast<int>(ranges_.size()); }
  const std::vector<ConfigurationRange>& ranges() const { return ranges_; }
  const std::vector<int>& configuration() const { return configuration_; }

  NeighborView view(const Potential& potential) const {
    const int n_elements = static_cast<int>(potential.elements().size());
    for (py::ssize_t i = 0; i < types_.size(); ++i)
      if (types_.data()[i] >= n_elements)
        throw ParameterError("Atom " + std::to_string(i) + " has the element index " +
                             std::to_string(types_.data()[i]) + ", but the potential has " +
                             std::to_string(n_elements) + " elements.");
    return {n_atoms(),
            centers_.data(),
            types_.data(),
            offsets_.data(),
            neighbors_.data(),
            neighbor_types_.data(),
            components_[0].data(),
            components_[1].data(),
            components_[2].data()};
  }

 private:
  static std::uint64_t next_key() {
    static std::atomic<std::uint64_t> last = 0;
    return ++last;
  }

  std::uint64_t key_ = next_key();
  Array<int> types_;
  Array<std::int64_t> offsets_;
  Array<int> neighbors_;
  std::array<std::vector<double>, 3> components_;  // of the displacements
  std::vector<int> centers_, neighbor_types_, configuration_;
  std::vector<ConfigurationRange> ranges_;
};

py::array_t<double> array_of(const std::vector<double>& values) {
  return py::array_t<double>(values.size(), values.data());
}

py::object python_of(const Json& value) { return py::module_::import("json").attr("loads")(value.dump()); }

Json json_of(const py::object& value) {
  try {
    return Json::parse(py::module_::import("json").attr("dumps")(value).cast<std::string>());
  } catch (const Json::exception&) {
    throw ParameterError("There is a number that is not finite, or too large for a file.");
  }
}

/// Evaluates a potential on the CPU or on a device. What is needed for that is kept until the potential changes.
class PotentialEvaluator {
 public:
  PotentialEvaluator(Potential& potential, const std::string& precision, const std::string& device,
                     std::int64_t kept_bytes)
      : potential_(potential),
        precision_(precision_named(precision)),
        kind_(device_kind_named(device)),
        left_(kept_bytes) {
    const py::gil_scoped_release release;
    prepare();
  }

  py::dict evaluate(const Batch& batch, int n_workers, bool with_grades) {
    Array<double> energies(batch.n_atoms()), forces({batch.n_atoms(), 3}), virials({batch.n_atoms(), 6});
    Evaluation evaluation;
    evaluation.n_host = batch.n_atoms();
    evaluation.energies = energies.mutable_data();
    evaluation.forces = forces.mutable_data();
    evaluation.virials = virials.mutable_data();
    std::fill_n(evaluation.energies, energies.size(), 0.0);
    std::fill_n(evaluation.forces, forces.size(), 0.0);
    std::fill_n(evaluation.virials, virials.size(), 0.0);
    Array<int> values_outside(batch.n_atoms());
    evaluation.values_outside = values_outside.mutable_data();
    const bool knows_distances = potential_.short_range().has_value();
    Array<int> close_neighbors(knows_distances ? batch.n_atoms() : 0);
    if (knows_distances) evaluation.close_neighbors = close_neighbors.mutable_data();
    Array<double> grades(with_grades ? batch.n_atoms() : 0);
    if (with_grades) evaluation.grades = grades.mutable_data();
    const NeighborView view = batch.view(potential_);
    {
      const py::gil_scoped_release release;
      const std::lock_guard one_at_a_time(mutex_);
      prepare();
      if (on_device_) {
        set_pairs(batch, view);
        on_device_->evaluate(nullptr, evaluation);
      } else {
        on_cpu_->evaluate(StoredNeighbors(view), evaluation, n_workers, kept_descriptors(batch));
      }
    }
    Array<double> totals({batch.n_configurations(), 6});
    std::fill_n(totals.mutable_data(), totals.size(), 0.0);
    for (int atom = 0; atom < batch.n_atoms(); ++atom)
      for (int c = 0; c < 6; ++c)
        totals.mutable_data()[6 * batch.configuration()[atom] + c] += evaluation.virials[6 * atom + c];
    py::dict result;
    result["energies"] = energies;
    result["forces"] = forces;
    result["virials"] = totals;
    result["values_outside"] = values_outside;
    if (knows_distances) result["close_neighbors"] = close_neighbors;
    if (with_grades) result["grades"] = grades;
    return result;
  }

  py::tuple parameter_gradient(const Batch& batch, const Array<double>& energy_bar, const Array<double>& force_bar,
                               const Array<double>& virial_bar, int n_workers) {
    const std::vector<double> all = gradients(batch, energy_bar, force_bar, virial_bar, n_workers, true);
    const auto model = all.begin() + static_cast<std::ptrdiff_t>(potential_.descriptor_parameters().size());
    return py::make_tuple(array_of({all.begin(), model}), array_of({model, all.end()}));
  }

  Array<double> parameter_gradients(const Batch& batch, const Array<double>& energy_bar, const Array<double>& force_bar,
                                    const Array<double>& virial_bar, int n_workers) {
    const std::vector<double> all = gradients(batch, energy_bar, force_bar, virial_bar, n_workers, false);
    const std::size_t n_parameters = potential_.descriptor_parameters().size() + potential_.model_parameters().size();
    return Array<double>({static_cast<std::size_t>(batch.n_configurations()), n_parameters}, all.data());
  }

  Potential& potential() { return potential_; }

  void keep(const Batch& batch) { kept_.insert(batch.key()); }

  std::string device() const { return chosen_.device ? chosen_.device->name() : "cpu"; }
  std::string remark() const {
    return chosen_.remark.empty() ? "" : shown_message("The device \"auto\" is the CPU here: " + chosen_.remark);
  }

 private:
  /// Makes anew what is of another potential, or of the process that this one was forked from.
  void prepare() {
    const Potential::Revision revision = potential_.revision();
    const pid_t process = getpid();
    if (revision == revision_ && process == process_) return;
    if (on_device_ && revision.others == revision_.others && process == process_) {
      on_device_->set_parameters(potential_.descriptor_parameters(), potential_.model_parameters());
    } else {
      process_ = 0;
      if (revision.others != revision_.others) descriptors_.clear();
      on_device_.reset();
      on_cpu_.reset();
      chosen_ = choose_device(kind_);
      if (chosen_.device) on_device_ = std::make_unique<DeviceEvaluator>(chosen_.device, potential_, precision_);
      else on_cpu_ = std::make_unique<Evaluator>(potential_, precision_);
      process_ = process;
    }
    revision_ = revision;
  }
  /// Rows of the gradient with the descriptors' parameters, then with the model's.
  std::vector<double> gradients(const Batch& batch, const Array<double>& energy_bar, const Array<double>& force_bar,
                                const Array<double>& virial_bar, int n_workers, bool together) {
    check_shape(energy_bar, {batch.n_configurations()}, "energy_bar");
    check_shape(force_bar, {batch.n_atoms(), 3}, "force_bar");
    check_shape(virial_bar, {batch.n_configurations(), 6}, "virial_bar");
    std::vector<double> per_atom(batch.n_atoms());
    for (int atom = 0; atom < batch.n_atoms(); ++atom) per_atom[atom] = energy_bar.data()[batch.configuration()[atom]];
    const TrainingWeights weights{per_atom.data(), force_bar.data(), virial_bar.data(), batch.configuration().data()};
    const NeighborView view = batch.view(potential_);
    const py::gil_scoped_release release;
    const std::lock_guard one_at_a_time(mutex_);
    prepare();
    if (on_device_) {
      set_pairs(batch, view);
      return on_device_->parameter_gradients(weights, batch.n_configurations(), together);
    }
    return training_gradients(potential_, StoredNeighbors(view), weights, batch.n_configurations(), together, n_workers,
                              kept_descriptors(batch));
  }
  /// Null where none are kept: of potentials whose descriptors change in fits.
  KeptDescriptors* kept_descriptors(const Batch& batch) {
    if (!kept_.contains(batch.key()) || precision_ != Precision::double_ || !potential_.descriptor_parameters().empty())
      return nullptr;
    const auto [found, is_new] = descriptors_.try_emplace(batch.key());
    if (is_new) found->second = std::make_unique<KeptDescriptors>(potential_, batch.n_atoms(), left_);
    return found->second.get();
  }
  void set_pairs(const Batch& batch, const NeighborView& view) {
    on_device_->set_pairs(batch.n_atoms(), view, kept_.contains(batch.key()) ? batch.key() : 0);
  }

  Potential& potential_;
  Precision precision_;
  DeviceKind kind_;
  std::mutex mutex_;
  ChosenDevice chosen_;
  std::unique_ptr<DeviceEvaluator> on_device_;
  std::unique_ptr<Evaluator> on_cpu_;
  std::set<std::uint64_t> kept_;    // keys of batches
  std::atomic<std::int64_t> left_;  // bytes for what is kept of them on the CPU:
  std::map<std::uint64_t, std::unique_ptr<KeptDescriptors>> descriptors_;
  Potential::Revision revision_;
  pid_t process_ = 0;  // 0: nothing is prepared
};

Array<double> design_of_batch(const Potential& potential, const Batch& batch, int first, int count, int n_workers) {
  if (first < 0 || count < 0 || first + count > batch.n_configurations())
    throw ParameterError("There are no configurations " + std::to_string(first) + " to " +
                         std::to_string(first + count - 1) + " in this batch.");
  const std::vector<ConfigurationRange> ranges(batch.ranges().begin() + first, batch.ranges().begin() + first + count);
  std::size_t n_rows = 0;
  for (const ConfigurationRange& range : ranges) n_rows += design_rows(range);
  Array<double> rows({n_rows, potential.model_parameters().size()});
  const StoredNeighbors source(batch.view(potential));
  double* data = rows.mutable_data();
  py::gil_scoped_release release;
  design_matrix(potential, source, ranges, data, n_workers);
  return rows;
}

Array<double> values_of_batch(const Potential& potential, const Batch& batch, int n_workers) {
  Array<double> values({batch.n_atoms(), potential.stride()});
  const StoredNeighbors source(batch.view(potential));
  double* data = values.mutable_data();
  py::gil_scoped_release release;
  descriptor_values(potential, source, data, n_workers);
  return values;
}

Array<double> information_of_batch(const Potential& potential, const Batch& batch, const std::string& parameters,
                                   int n_workers) {
  const ActiveSet::Parameters which = active_set_parameters_named(parameters);
  Array<double> vectors({batch.n_atoms(), InformationVectors(potential, which).stride()});
  const StoredNeighbors source(batch.view(potential));
  double* data = vectors.mutable_data();
  py::gil_scoped_release release;
  information_vectors(potential, which, source, data, n_workers);
  return vectors;
}

/// Arrays of a square matrix, as Python knows it.
py::object active_set_for_python(const Potential& potential) {
  if (!potential.active_set()) return py::none();
  const ActiveSet& set = *potential.active_set();
  py::list matrices, inverses;
  for (int matrix = 0; matrix < static_cast<int>(set.n_matrices()); ++matrix) {
    const extrapolation::InverseMatrix inverse = set.inverse(matrix);
    Array<double> rows({inverse.size, inverse.size}), columns({inverse.size, inverse.size});
    std::copy(set.rows(matrix).begin(), set.rows(matrix).end(), rows.mutable_data());
    for (int row = 0; row < inverse.size; ++row)
      std::copy_n(inverse.numbers + static_cast<std::size_t>(row) * inverse.stride, inverse.size,
                  columns.mutable_data() + static_cast<std::size_t>(row) * inverse.size);
    matrices.append(rows);
    inverses.append(columns);
  }
  py::dict result;
  result["parameters"] = to_string(set.settings().parameters);
  result["mode"] = to_string(set.settings().mode);
  result["weight_scaling"] = set.settings().weight_scaling;
  result["matrices"] = matrices;
  result["inverses"] = inverses;
  result["info"] = python_of(set.settings().info);
  return result;
}

void set_active_set(Potential& potential, const std::string& parameters, const std::string& mode, int weight_scaling,
                    const std::vector<Array<double>>& matrices, const std::vector<Array<double>>& inverses,
                    const py::object& info) {
  if (matrices.size() != inverses.size()) throw ParameterError("There must be an inverse for each matrix.");
  std::vector<ActiveSet::Matrix> all;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const py::ssize_t size = matrices[i].ndim() > 0 ? matrices[i].shape(0) : 0;
    check_shape(matrices[i], {size, size}, "a matrix");
    check_shape(inverses[i], {size, size}, "an inverse");
    all.push_back({static_cast<int>(size),
                   {matrices[i].data(), matrices[i].data() + size * size},
                   {inverses[i].data(), inverses[i].data() + size * size}});
  }
  auto set =
      std::make_shared<const ActiveSet>(ActiveSet::Settings{active_set_parameters_named(parameters),
                                                            active_set_mode_named(mode), weight_scaling, json_of(info)},
                                        std::move(all));
  check_active_set(potential, *set, "The active set");
  potential.set_active_set(std::move(set));
}

using Files = std::vector<std::pair<std::string, std::optional<std::string>>>;

std::vector<TextFile> text_files(const Files& files) {
  std::vector<TextFile> all;
  for (const auto& [path, text] : files) all.push_back({path, text});
  return all;
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "Compiled core of forcesmith.";
  py::register_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const FileError& e) {
      PyErr_SetString(PyExc_OSError, e.what());
    } catch (const Error& e) {
      PyErr_SetString(PyExc_ValueError, e.what());
    } catch (const std::bad_alloc&) {
      PyErr_SetString(PyExc_MemoryError,
                      "There is not enough memory; use a smaller cutoff, or fewer descriptor values or atoms.");
    }
  });
  py::register_exception<DeviceError>(m, "DeviceError", PyExc_RuntimeError).attr("__doc__") =
      "A device cannot be used, or failed; the message says why and what to do.";
  ensure_kokkos(0);
  py::module_::import("atexit").attr("register")(py::cpp_function(&finalize_kokkos));

  m.attr("__version__") = FORCESMITH_VERSION;
  m.attr("bohr") = bohr;                      // angstrom
  m.attr("largest_cutoff") = largest_cutoff;  // angstrom
  m.attr("hartree") = hartree;                // eV
  m.def("max_workers", &max_workers, "Threads that can work at once.");
  m.def("instruction_set", [] { return to_string(instruction_set()); }, "The kernel variant new potentials use.");
  m.def("available_instruction_sets", [] {
    std::vector<std::string> names;
    for (InstructionSet set : available_instruction_sets()) names.push_back(to_string(set));
    return names;
  });
  m.def(
      "registry",
      [] {
        Json all;
        for (const auto& entry : descriptor_registry()) all["descriptors"][entry.name] = to_json(entry.schema());
        for (const auto& entry : model_registry()) all["models"][entry.name] = to_json(entry.schema());
        for (const auto& entry : term_registry()) all["terms"][entry.name] = to_json(entry.schema());
        for (const auto& entry : format_registry()) all["formats"][entry.name] = entry.extensions;
        return python_of(all);
      },
      "Descriptors, models and terms of the energy with their parameters, file formats with their extensions.");
  m.def(
      "write_files", [](const Files& files) { write_files(text_files(files)); }, py::arg("files"),
      py::call_guard<py::gil_scoped_release>(),
      "Write files, pairs of path and content (None: remove), so that all are replaced or, on OSError, none. No "
      "signal comes between.");
  m.def(
      "check_writable", [](const Files& files) { check_writable(text_files(files)); }, py::arg("files"),
      py::call_guard<py::gil_scoped_release>(), "Raise the OSError that write_files would; replace nothing.");
  m.def("potential_file", &potential_file, py::arg("path"),
        "The file that stands for a potential written to this path, which may be a folder; ValueError if its "
        "extension is not known.");
  m.def(
      "generate_contractions",
      [](int level, int max_factors) {
        const moment_tensor::ContractionProgram program = moment_tensor::generate_contractions(level, max_factors);
        py::dict result;
        result["basic"] = program.basic;
        result["products"] = program.products;
        result["mapping"] = program.mapping;
        result["moments"] = program.n_moments;
        return result;
      },
      py::arg("level"), py::arg("max_factors") = 4, "Contraction program of a moment tensor level.");

  py::class_<Batch>(m, "Batch",
                    "Configurations with neighbors: types (n_atoms,), offsets (n_atoms + 1,), "
                    "neighbors (n_pairs,), displacements (n_pairs, 3) angstrom, sizes (n_configurations,).")
      .def(py::init<Array<int>, Array<std::int64_t>, Array<int>, Array<double>, Array<int>>(), py::arg("types"),
           py::arg("offsets"), py::arg("neighbors"), py::arg("displacements"), py::arg("sizes"))
      .def_property_readonly("n_atoms", &Batch::n_atoms)
      .def_property_readonly("types", &Batch::types)
      .def_property_readonly("n_configurations", &Batch::n_configurations);

  py::class_<ParameterBlock>(m, "ParameterBlock", "Parameters of a model that are of one kind.")
      .def_readonly("name", &ParameterBlock::name, "As in the potential file.")
      .def_property_readonly(
          "role", [](const ParameterBlock& block) { return to_string(block.role); },
          "\"offset\" (energy of an isolated atom), \"weight\" or \"bias\".")
      .def_readonly("begin", &ParameterBlock::begin, "Of the first one in the model's parameters.")
      .def_readonly("size", &ParameterBlock::size)
      .def_readonly("element", &ParameterBlock::element, "Index of the element; None: they are not those of one.");

  py::class_<Potential>(m, "Potential")
      .def_static(
          "read",
          [](const std::string& path, const std::vector<std::string>& elements, std::optional<double> cflength,
             std::optional<double> cfenergy,
             bool active_set) { return read_potential(path, {elements, cflength, cfenergy, true, active_set}); },
          py::arg("path"), py::arg("elements") = std::vector<std::string>{}, py::arg("cflength") = py::none(),
          py::arg("cfenergy") = py::none(), py::arg("active_set") = true)
      .def_static(
          "from_json",
          [](const std::string& text, const std::string& name, bool trained) {
            ReadOptions options;
            options.trained = trained;
            return parse_potential_file(bundle_of(name, text), options);
          },
          py::arg("text"), py::arg("name") = "text", py::arg("trained") = true)
      .def("to_json", [](const Potential& potential) { return print_document(potential); })
      .def("write", &write_potential, py::arg("path"))
      .def("left_out_of_file", &left_out_of_file, py::arg("path"))
      .def(
          "files",
          [](const Potential& potential, const std::string& path) {
            py::list files;
            for (const TextFile& file : print_potential(potential, path).files)
              files.append(py::make_tuple(file.path, file.text ? py::object(py::bytes(*file.text)) : py::none()));
            return files;
          },
          py::arg("path"), "What write(path) would write: pairs of path and content (None: the file is removed).")
      .def_property_readonly("elements", &Potential::elements)
      .def_property_readonly("cutoff", &Potential::cutoff)
      .def("size", &Potential::size, py::arg("element"))
      .def(
          "names",
          [](const Potential& potential, int element) {
            std::vector<std::string> names;
            for (const auto& descriptor : potential.descriptors())
              for (const std::string& name : descriptor->names(element)) names.push_back(name);
            return names;
          },
          py::arg("element"), "Names of the descriptor values of an element.")
      .def_property(
          "provenance", [](const Potential& potential) { return python_of(potential.provenance()); },
          [](Potential& potential, const py::object& value) { potential.set_provenance(json_of(value)); })
      .def_property(
          "short_range",
          [](const Potential& potential) -> py::object {
            if (!potential.short_range()) return py::none();
            return python_of(potential.short_range()->to_json(potential.elements()));
          },
          [](Potential& potential, const py::object& value) {
            if (value.is_none()) return potential.set_short_range({});
            potential.set_short_range(
                ShortRange::create(json_of(value), potential.elements(), potential.cutoff(), "\"short_range\""));
          },
          "Where the training data end at short range, as in the potential file; None: not known.")
      .def_property(
          "descriptor_parameters",
          [](const Potential& potential) { return array_of(potential.descriptor_parameters()); },
          [](Potential& potential, const std::vector<double>& values) { potential.set_descriptor_parameters(values); })
      .def_property(
          "model_parameters", [](const Potential& potential) { return array_of(potential.model_parameters()); },
          [](Potential& potential, const std::vector<double>& values) { potential.set_model_parameters(values); })
      .def("adopt_descriptor_parameters", &Potential::adopt_descriptor_parameters, py::arg("smaller"),
           "Start from the descriptor parameters of a smaller potential of the same kind.")
      .def_property_readonly(
          "model_parameter_blocks", [](const Potential& potential) { return potential.model().parameter_blocks(); },
          "The blocks that the model's parameters are, in their order.")
      .def(
          "set_energy_offsets",
          [](Potential& potential, const std::vector<double>& offsets) {
            potential.changed_model().set_energy_offsets(offsets);
          },
          py::arg("offsets"), "Energies of isolated atoms, (n_elements,) eV.")
      .def_property_readonly(
          "has_linear_part", [](const Potential& potential) { return potential.model().has_linear_part(); },
          "Whether E_i has a part that is a linear model, whatever the others.")
      .def(
          "set_linear_part",
          [](Potential& potential, const std::vector<std::vector<double>>& coefficients) {
            potential.changed_model().set_linear_part(coefficients);
          },
          py::arg("coefficients"), "Gives it these coefficients of the values; for each element, (size(element),) eV.")
      .def_property_readonly(
          "has_own_input_scale", [](const Potential& potential) { return potential.model().has_own_input_scale(); },
          "Whether the model sees its inputs on a scale of its own.")
      .def(
          "standardize_inputs",
          [](Potential& potential, std::vector<std::vector<double>> mean, std::vector<std::vector<double>> factor,
             std::vector<std::vector<double>> min, std::vector<std::vector<double>> max) {
            potential.changed_model().standardize_inputs(
                {std::move(mean), std::move(factor), std::move(min), std::move(max)});
          },
          py::arg("mean"), py::arg("factor"), py::arg("min"), py::arg("max"),
          "From now on the model sees (B - mean) factor, and knows the range of B; for each element, (size(element),).")
      .def_property_readonly(
          "linear_in_parameters",
          [](const Potential& potential) { return potential.model().linear_in_parameters() != nullptr; })
      .def("descriptor_values", &values_of_batch, py::arg("batch"), py::arg("n_workers") = 1,
           "B (n_atoms, largest size); zero beyond the size of the atom's element.")
      .def(
          "n_features", [](const Potential& potential, int element) { return potential.model().n_features(element); },
          py::arg("element"), "Numbers of the information vector with the \"linear\" parameters of an element.")
      .def("information_vectors", &information_of_batch, py::arg("batch"), py::arg("parameters"),
           py::arg("n_workers") = 1,
           "b_i of all atoms (n_atoms, largest size), the derivatives of E_i with parameters: \"linear\" (those of the "
           "element, n_features) or \"all\" (of the descriptors, then of the model); zero beyond the size.")
      .def_property_readonly("active_set", &active_set_for_python, "The arguments of set_active_set, or None.")
      .def_property_readonly(
          "active_set_mode",
          [](const Potential& potential) -> py::object {
            if (!potential.active_set()) return py::none();
            return py::cast(to_string(potential.active_set()->settings().mode));
          },
          "\"neighborhoods\", \"configurations\", or None without an active set.")
      .def("set_active_set", &set_active_set, py::arg("parameters"), py::arg("mode"), py::arg("weight_scaling"),
           py::arg("matrices"), py::arg("inverses"), py::arg("info"),
           "Square matrices of information vectors and their inverses: one per element (\"linear\") or one.")
      .def("remove_active_set", [](Potential& potential) { potential.set_active_set(nullptr); })
      .def(
          "active_set_file",
          [](const Potential& potential) -> py::object {
            if (!potential.active_set()) return py::none();
            return py::bytes(print_active_set(*potential.active_set(), fingerprint(potential)));
          },
          "Content of its file, or None.")
      .def(
          "read_active_set",
          [](Potential& potential, const std::string& content, const std::string& name) {
            potential.set_active_set(
                std::make_shared<const ActiveSet>(parse_active_set(content, name, fingerprint(potential))));
          },
          py::arg("content"), py::arg("name") = "text", "Take over the content of such a file.")
      .def("design_matrix", &design_of_batch, py::arg("batch"), py::arg("first"), py::arg("count"),
           py::arg("n_workers") = 1,
           "Rows of configurations first .. first + count - 1: energy, 6 virial, 3 n_atoms forces each.");

  py::class_<PotentialEvaluator>(m, "Evaluator", "Evaluates a potential, as it is then, any number of times.")
      .def(py::init<Potential&, const std::string&, const std::string&, std::int64_t>(), py::arg("potential"),
           py::arg("precision") = "double", py::arg("device") = "cpu", py::arg("kept_bytes") = 0,
           py::keep_alive<1, 2>())
      .def(
          "evaluate", &PotentialEvaluator::evaluate, py::arg("batch"), py::arg("n_workers") = 1,
          py::arg("grades") = false,
          "energies (n_atoms,), forces (n_atoms, 3), virials (n_configurations, 6) xx yy zz xy xz yz, values_outside "
          "(n_atoms,), and, where smallest distances are known, close_neighbors (n_atoms,); grades (n_atoms,) if asked "
          "for. n_workers: of the CPU.")
      .def("parameter_gradient", &PotentialEvaluator::parameter_gradient, py::arg("batch"), py::arg("energy_bar"),
           py::arg("force_bar"), py::arg("virial_bar"), py::arg("n_workers") = 1,
           "Gradient (descriptor, model parameters) of sum energy_bar E + force_bar . F + virial_bar : W.")
      .def("parameter_gradients", &PotentialEvaluator::parameter_gradients, py::arg("batch"), py::arg("energy_bar"),
           py::arg("force_bar"), py::arg("virial_bar"), py::arg("n_workers") = 1,
           "The same of every configuration: (n_configurations, descriptor and model parameters).")
      .def("keep", &PotentialEvaluator::keep, py::arg("batch"), py::keep_alive<1, 2>(),
           "This batch will be given again and again: where there is room, its neighbors stay on the device, or on the "
           "CPU, as far as kept_bytes go, what descriptors without parameters have computed of it.")
      .def_property_readonly("potential", &PotentialEvaluator::potential, py::return_value_policy::reference_internal)
      .def_property_readonly("device", &PotentialEvaluator::device, "Its name, or \"cpu\".")
      .def_property_readonly("remark", &PotentialEvaluator::remark,
                             "A sentence that says why the device \"auto\" is the CPU, if it is; else empty.");
}

}  // namespace forcesmith
