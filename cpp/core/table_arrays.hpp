// The arrays that the tables of a descriptor or model point to.
//
// Beside its Tables<Real>, each has the one list of them,
//   for_each_array(const Tables<From>& from, Tables<To>& to, visit)
// which calls visit(name, array of `from`, array of `to`, size) for every array, sizes in elements. The arrays of
// `from` are in memory of the host, because sizes are read from them. Copies follow from it: those on devices
// (core/device_arrays.hpp), and those rounded to single precision.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace forcesmith {

inline float rounded(double number) { return static_cast<float>(number); }

/// Owns arrays of any type.
class TableArrays {
 public:
  template <class T>
  const T* keep(std::vector<T> array) {
    const auto kept = std::make_shared<const std::vector<T>>(std::move(array));
    kept_.push_back(kept);
    return kept->data();
  }

  /// Lets the arrays of `to` be those of `from`, in single precision where they hold numbers: rounded(element).
  /// Arrays that `to` has already stay.
  template <class From, class To>
  void round(const From& from, To& to) {
    for_each_array(from, to, [this]<class F, class T>(const char*, const F* array, const T*& own, std::size_t size) {
      if (own != nullptr || array == nullptr) return;
      if constexpr (std::is_same_v<F, T>) {
        own = array;
      } else {
        std::vector<T> numbers;
        for (std::size_t i = 0; i < size; ++i) numbers.push_back(rounded(array[i]));
        own = keep(std::move(numbers));
      }
    });
  }

 private:
  std::vector<std::shared_ptr<const void>> kept_;
};

}  // namespace forcesmith
