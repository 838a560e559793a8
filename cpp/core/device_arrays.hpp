// Arrays in the memory of a Kokkos execution space, and copies of tables there. The execution spaces of devices and,
// in tests, of the host.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace forcesmith {

template <class ExecSpace, class T>
using DeviceArray = Kokkos::View<T*, typename ExecSpace::memory_space>;

/// Makes room for `size` elements and returns the array; its contents are lost on growth.
template <class T, class... Properties>
T* reserve(Kokkos::View<T*, Properties...>& array, const std::string& label, std::size_t size) {
  if (array.extent(0) < size) {
    array = {};  // before there are two
    array = Kokkos::View<T*, Properties...>(Kokkos::view_alloc(label, Kokkos::WithoutInitializing), size);
  }
  return array.data();
}

/// Kokkos' error of an allocation has no type of its own.
inline bool is_out_of_memory(const std::exception& error) {
  const std::string text = error.what();
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr || text.find("allocat") != std::string::npos ||
         text.find("out of memory") != std::string::npos;
}

/// Repeats `work` while the device has too little memory for it and use_less() finds some to give back; others may have
/// taken what was free before. Throws what `work` threw last.
template <class Work, class UseLess>
void with_less_memory(const Work& work, const UseLess& use_less) {
  for (;;) {
    try {
      return work();
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error) || !use_less()) throw;
    }
  }
}

/// The same array in the memory of ExecSpace.
template <class ExecSpace, class T>
DeviceArray<ExecSpace, T> device_copy(const std::string& label, const T* host, std::size_t size) {
  DeviceArray<ExecSpace, T> array(Kokkos::view_alloc(label, Kokkos::WithoutInitializing), size);
  Kokkos::deep_copy(array, Kokkos::View<const T*, Kokkos::HostSpace>(host, size));
  return array;
}
template <class ExecSpace, class T>
DeviceArray<ExecSpace, T> device_copy(const std::string& label, const std::vector<T>& host) {
  return device_copy<ExecSpace>(label, host.data(), host.size());
}

/// Tables whose arrays are copies in the memory of ExecSpace; see core/table_arrays.hpp.
template <class ExecSpace, class Tables>
class DeviceTables {
 public:
  /// owner: of the tables, for labels.
  DeviceTables(const std::string& owner, const Tables& host) : tables_(host) {
    for_each_array(host, tables_, [&]<class T>(const char* name, const T* from, const T*& to, std::size_t size) {
      auto array = std::make_shared<DeviceArray<ExecSpace, T>>(
          device_copy<ExecSpace>("forcesmith::" + owner + "::" + name, from, size));
      to = array->data();
      arrays_.push_back(std::move(array));
    });
  }
  const Tables& operator*() const { return tables_; }

  /// Takes over other numbers; arrays are as large as before.
  void update(const Tables& host) {
    Tables updated = host;
    auto array = arrays_.begin();
    for_each_array(host, updated, [&]<class T>(const char*, const T* from, const T*& to, std::size_t size) {
      auto& own = *static_cast<DeviceArray<ExecSpace, T>*>((array++)->get());
      Kokkos::deep_copy(own, Kokkos::View<const T*, Kokkos::HostSpace>(from, size));
      to = own.data();
    });
    tables_ = updated;
  }

 private:
  Tables tables_;
  std::vector<std::shared_ptr<void>> arrays_;
};

}  // namespace forcesmith
