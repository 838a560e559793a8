// Values of atoms in rows, as hosts have them, and in slices, as devices want them.
#pragma once

#include "neighbors/device_block.hpp"
#include "random_numbers.hpp"

/// From rows [n_atoms][stride] of atoms first .. first + count - 1.
inline Numbers to_slices(const Numbers& rows, int stride, int first, int count) {
  Numbers slices(forcesmith::device_slots(stride, count), -1.0);
  for (int atom = 0; atom < count; ++atom)
    for (int k = 0; k < stride; ++k)
      slices[forcesmith::device_slot(stride, atom, k)] = rows[(first + atom) * stride + k];
  return slices;
}

/// Back to these rows; others are not touched.
inline void from_slices(const Numbers& slices, int stride, int first, int count, Numbers& rows) {
  for (int atom = 0; atom < count; ++atom)
    for (int k = 0; k < stride; ++k)
      rows[(first + atom) * stride + k] = slices[forcesmith::device_slot(stride, atom, k)];
}
