#include "devices/device.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <utility>

#include "core/files.hpp"
#include "potentials/formats/forcesmith.hpp"
#include "potentials/information_vectors.hpp"

namespace forcesmith {

namespace {

constexpr const char* library_name = "libforcesmith_cuda.so";

/// Beside what this code is part of, or one folder up (the plugin has a folder of its own). Empty: it is not there.
std::string library_path() {
  if (const char* named = std::getenv("FORCESMITH_DEVICE_LIBRARY")) return named;
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&library_path), &self) == 0 || self.dli_fname == nullptr) return "";
  const std::filesystem::path folder = std::filesystem::absolute(self.dli_fname).parent_path();
  for (const std::filesystem::path& path : {folder / library_name, folder.parent_path() / library_name}) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path.string();
  }
  return "";
}

/// What dlopen said, in the words of users.
DeviceError not_opened(const std::string& path, const std::string& reason) {
  if (reason.find("libcuda.so") != std::string::npos)
    return DeviceError(
        "There is no NVIDIA driver on this machine (libcuda.so.1 was not found), so \"cuda\" cannot be used; install "
        "the driver, or use the device cpu.");
  const std::string named = path + ": ";
  return DeviceError("The CUDA part of forcesmith, " + path +
                     ", cannot be opened: " + (reason.starts_with(named) ? reason.substr(named.size()) : reason) +
                     "; install forcesmith anew, or use the device cpu.");
}

/// Opened once in a process, and never closed.
const DeviceBackend& cuda_backend() {
  static const DeviceBackend* backend = nullptr;
  if (backend != nullptr) return *backend;
  const std::string path = library_path();
  if (path.empty())
    throw DeviceError(
        "This forcesmith was installed without CUDA; install it from its source with: pip install . -C "
        "cmake.define.FORCESMITH_CUDA=ON (docs/gpus.md), or use the device cpu.");
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    throw not_opened(path, reason ? reason : "");
  }
  const auto entry =
      reinterpret_cast<decltype(&forcesmith_device_backend)>(dlsym(library, "forcesmith_device_backend"));
  if (entry == nullptr || std::string(entry()->build_name) != FORCESMITH_BUILD_NAME)
    throw DeviceError("The CUDA part of forcesmith, " + path +
                      ", is of another build than the rest (" FORCESMITH_BUILD_NAME
                      "); install forcesmith anew, or use the device cpu.");
  backend = entry();
  return *backend;
}

}  // namespace

DeviceKind device_kind_named(std::string_view name) {
  if (name == "auto") return DeviceKind::automatic;
  if (name == "cpu") return DeviceKind::cpu;
  if (name == "cuda") return DeviceKind::cuda;
  throw ParameterError("The device must be auto, cpu or cuda, not \"" + std::string(name) + "\".");
}

std::shared_ptr<const Device> Device::open_cuda(int rank_on_machine) {
  static std::mutex one_at_a_time;
  static std::shared_ptr<const Device> opened;
  const std::lock_guard lock(one_at_a_time);
  if (opened && !opened->is_of_this_process())
    throw DeviceError(
        "This process was forked from one that uses \"cuda\" already, and cannot share it; start processes anew "
        "(multiprocessing: the method spawn), or use the device cpu.");
  if (opened) return opened;
  const DeviceBackend& backend = cuda_backend();
  char name[forcesmith_name_size], problem[forcesmith_problem_size];
  if (backend.open(rank_on_machine, name, problem) != 0) throw DeviceError(problem);
  return opened = std::shared_ptr<const Device>(new Device(backend, name));
}

Device::Device(const DeviceBackend& backend, std::string name)
    : backend_(backend), name_(std::move(name)), process_(getpid()) {}

bool Device::is_of_this_process() const { return getpid() == process_; }

ChosenDevice choose_device(DeviceKind kind, int rank_on_machine) {
  if (kind == DeviceKind::cpu) return {};
  try {
    return {Device::open_cuda(rank_on_machine), ""};
  } catch (const DeviceError& error) {
    if (kind == DeviceKind::cuda) throw;
    return {nullptr, error.what()};
  }
}

DeviceEvaluator::DeviceEvaluator(std::shared_ptr<const Device> device, const Potential& potential, Precision precision)
    : device_(std::move(device)),
      n_parameters_(potential.descriptor_parameters().size() + potential.model_parameters().size()) {
  const std::string json = print_document(potential);
  std::string active_set;
  if (const auto& set = potential.active_set(); set && set->is_of_features())
    active_set = print_active_set(*set, fingerprint(potential));
  evaluator_ = device_->backend().create(json.data(), json.size(), active_set.empty() ? nullptr : active_set.data(),
                                         active_set.size(), precision == Precision::single, problem_);
  check(evaluator_ == nullptr);
}

DeviceEvaluator::~DeviceEvaluator() {
  if (device_->is_of_this_process()) device_->backend().destroy(evaluator_);
}

void DeviceEvaluator::check(int failed) const {
  if (failed != 0) throw DeviceError(problem_);
}

void DeviceEvaluator::set_parameters(std::span<const double> descriptor, std::span<const double> model) {
  check(device_->backend().set_parameters(evaluator_, descriptor.data(), descriptor.size(), model.data(), model.size(),
                                          problem_));
}
void DeviceEvaluator::search_neighbors(const HostAtoms& atoms, double cutoff) {
  check(device_->backend().search_neighbors(evaluator_, &atoms, cutoff, problem_));
}
void DeviceEvaluator::set_list(const HostAtoms& atoms, const HostNeighborList& list) {
  check(device_->backend().set_list(evaluator_, &atoms, &list, problem_));
}
void DeviceEvaluator::set_pairs(int n_host, const NeighborView& pairs, std::uint64_t key) {
  check(device_->backend().set_pairs(evaluator_, key, n_host, &pairs, problem_));
}
void DeviceEvaluator::evaluate(const double* positions, Evaluation& wanted) {
  check(device_->backend().evaluate(evaluator_, positions, &wanted, problem_));
}
std::vector<double> DeviceEvaluator::parameter_gradients(const TrainingWeights& weights, int n_configurations,
                                                         bool together) {
  std::vector<double> gradients(together ? n_parameters_ : n_configurations * n_parameters_);
  check(device_->backend().parameter_gradients(evaluator_, &weights, n_configurations, together, gradients.data(),
                                               problem_));
  return gradients;
}
DeviceTimes DeviceEvaluator::take_times() {
  DeviceTimes times;
  device_->backend().take_times(evaluator_, &times);
  return times;
}

}  // namespace forcesmith
