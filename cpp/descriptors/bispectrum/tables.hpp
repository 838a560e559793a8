// The bispectrum descriptor as plain arrays, ready for the kernels of any instruction set or device.
//
// All j are doubled, as LAMMPS' twojmax is: j = 0, 1, .., twojmax stands for 0, 1/2, .., twojmax/2.
// u^j has rows mb and columns ma, 0 .. j. Since u[j-mb][j-ma] = (-1)^(ma+mb) conj(u[mb][ma]), only the
// rows mb < j/2 and the middle row up to its middle are kept ("half"): element (j, mb, ma) is number
// half_begin[j] + mb (j+1) + ma.
// On the sphere, with A = conj(a), B = -conj(b) and z = |a|^2 - |b|^2, every element of u is A^K B^L times a polynomial
// in z, where K = j - ma - mb, L = ma - mb, and a negative power is one of the conjugate. So sums over neighbors are
// taken of the polynomials A^K B^L z^p, K >= 0, which are as many as the elements.
// Complex numbers are pairs (real, imaginary).
#pragma once

#include <cstddef>

#include "simd/simd.hpp"

namespace forcesmith::bispectrum {

/// A^K B^L, with its polynomials A^K B^L z^p, p < n.
struct PowerProduct {
  int K, L;   // K >= 0; L < 0: conj(B)^-L
  int first;  // polynomial
};

/// An element of u^j: the sum over p < n of coefficients times A^K B^L z^p, or its conjugate.
struct Element {
  int first, n;      // polynomials
  int coefficients;  // first of them, in `element_coefficients`
  bool is_conjugate;
};

/// Z^{ab}_{j1 j2 -> j}: the product of u^{j1} of channel a and u^{j2} of channel b, coupled to j.
struct Block {
  int j;
  int z;  // first of its elements (half storage), in Z
};

/// Elements of u^{j1} and u^{j2} that are multiplied, counted from the first of each.
struct Product {
  unsigned short first, second;
};

/// Elements of Z of a few blocks of the same factors that share their products. As many as `sums_end` tells.
struct SumsOfProducts {
  int u1, u2;    // first elements of the factors, in U_full
  int products;  // first of n_products
  int n_products;
  int coefficients;  // first of [n_products][elements], in `coupling`: for rows times for columns, times the number
                     // of elements (2, or 1 in the middle) that one stands for
  int z;             // first of [elements], in `z_places`
};

/// The derivative of the values with U^{channel}_j through one block: dB_k = factor Re(conj(dU) . Z) for
/// each entry, and that is all of dB.
struct Projection {
  int block, channel;
  int begin, end;  // entries
};

/// Elements of Z that share products, at most: their sums are in registers.
inline constexpr int max_shared = 5;

/// Elements of u^j in half storage.
FORCESMITH_FUNCTION constexpr int half_size(int j) { return ((j + 1) * (j + 1) + 1) / 2; }

template <class Real>
struct Tables {
  int n_elements;
  int n_channels;  // densities of neighbors: 1, or with chemflag one per element
  int twojmax;
  Real rfac0;
  Real rmin0;  // angstrom
  bool switchflag, switchinnerflag, wselfallflag;
  const Real* cutoffs;  // [center element][neighbor element], angstrom
  const Real* weights;  // [neighbor element]
  const Real* sinner;   // [center element][neighbor element], angstrom
  const Real* dinner;   // [center element][neighbor element], angstrom

  int n_half;              // elements of all u^j in half storage, and polynomials
  const int* half_begin;   // [twojmax + 2]
  int n_full;              // elements of all u^j in full storage, same order without the halving
  const int* full_begin;   // [twojmax + 2]
  int n_roots;             // steps of the recursion
  const Real* roots;       // [n_roots][2] sqrt((j-ma)/(j-mb)), sqrt((ma+1)/(j-mb))
  const int* roots_begin;  // [twojmax + 1] first step that leads to j; [mb <= j/2][ma < j]

  const PowerProduct* power_products;  // those with most polynomials first
  const int* power_products_end;       // [twojmax / 2 + 1] of those with twojmax / 2 + 1, twojmax / 2, .. 1 polynomials
  const Element* elements;             // [n_half]
  int n_element_coefficients;
  const Real* element_coefficients;

  int n_blocks;
  int n_z;  // elements of all blocks
  const Block* blocks;
  const SumsOfProducts* sums_of_products;  // those of one element first
  const int* sums_end;                     // [max_shared] of those of 1, 2, .. elements
  int n_products;
  const Product* products;
  int n_coupling;
  const Real* coupling;  // from Clebsch-Gordan coefficients
  int n_z_places;
  const int* z_places;  // elements in Z

  int n_projections;
  const Projection* projections;
  const int* entry_value;    // [entries] k
  const Real* entry_factor;  // [entries]

  int n_values;
  const int* value_block;    // [n_values] B_k = Re(conj(U) . Z) - shift, Z this block,
  const int* value_channel;  // [n_values] U of this channel
  const double* shift;       // [center element][n_values] of an atom without neighbors (bzeroflag)
};

/// The list of arrays, see core/table_arrays.hpp.
template <class From, class To, class Visit>
void for_each_array(const Tables<From>& from, Tables<To>& to, const Visit& visit) {
  const std::size_t n = from.n_elements, n_pairs = n * n, n_inner = from.switchinnerflag ? n_pairs : 0;
  const std::size_t n_j = from.twojmax + 1, n_entries = from.projections[from.n_projections - 1].end;
  visit("cutoffs", from.cutoffs, to.cutoffs, n_pairs);
  visit("weights", from.weights, to.weights, n);
  visit("sinner", from.sinner, to.sinner, n_inner);
  visit("dinner", from.dinner, to.dinner, n_inner);
  visit("half_begin", from.half_begin, to.half_begin, n_j + 1);
  visit("full_begin", from.full_begin, to.full_begin, n_j + 1);
  visit("roots", from.roots, to.roots, 2ul * from.n_roots);
  visit("roots_begin", from.roots_begin, to.roots_begin, n_j);
  visit("power_products", from.power_products, to.power_products, from.power_products_end[from.twojmax / 2]);
  visit("power_products_end", from.power_products_end, to.power_products_end, from.twojmax / 2 + 1);
  visit("elements", from.elements, to.elements, from.n_half);
  visit("element_coefficients", from.element_coefficients, to.element_coefficients, from.n_element_coefficients);
  visit("blocks", from.blocks, to.blocks, from.n_blocks);
  visit("sums_of_products", from.sums_of_products, to.sums_of_products, from.sums_end[max_shared - 1]);
  visit("sums_end", from.sums_end, to.sums_end, max_shared);
  visit("products", from.products, to.products, from.n_products);
  visit("coupling", from.coupling, to.coupling, from.n_coupling);
  visit("z_places", from.z_places, to.z_places, from.n_z_places);
  visit("projections", from.projections, to.projections, from.n_projections);
  visit("entry_value", from.entry_value, to.entry_value, n_entries);
  visit("entry_factor", from.entry_factor, to.entry_factor, n_entries);
  visit("value_block", from.value_block, to.value_block, from.n_values);
  visit("value_channel", from.value_channel, to.value_channel, from.n_values);
  visit("shift", from.shift, to.shift, n * from.n_values);
}

/// Working memory of one worker for one block of atoms; V is one register (`width` numbers). Complex
/// arrays hold two V per element.
template <class Real>
struct Scratch {
  static constexpr int max_packs_at_once = 4;

  // Of a part of the work:
  Real* powers;  // V [packs at once][3 twojmax + 2][2] of A and B
  Real* u;       // V [n_half][2] of one pack of neighbors
  Real* u_dot;   // V [n_half][2] its directional derivative
  Real* sums;    // V [n_channels n_half 2 + width] sums over neighbors, before the sum over lanes
  // Of all:
  Real* U;              // V [n_channels][n_half][2] lanes: atoms of the block
  Real* polynomials;    // V [n_channels][n_half][2] their sums, or the adjoint of these
  Real* U_full;         // V [n_channels][n_full][2] all rows
  Real* Z;              // V [n_z][2] times the number of elements (2, or 1 in the middle) that one stands for
  Real* Y;              // V [n_channels][n_half][2] adjoint, or directional derivative, of U
  Real* for_gradients;  // V [3][n_values] dB

  static FORCESMITH_FUNCTION std::size_t powers_size(const Tables<Real>& t) {
    return 2ul * max_packs_at_once * (3 * t.twojmax + 2);
  }
  static FORCESMITH_FUNCTION std::size_t kept_size(const Tables<Real>&, int) { return 0; }
  static FORCESMITH_FUNCTION std::size_t working_size(const Tables<Real>& t, int, int) {
    const std::size_t half = 2ul * t.n_half, channels = t.n_channels;
    return 3 * channels * half + 2 * channels * t.n_full + 2ul * t.n_z;
  }
  static FORCESMITH_FUNCTION std::size_t part_size(const Tables<Real>& t, int, int width) {
    return powers_size(t) + (2ul + t.n_channels) * 2 * t.n_half + width;
  }
  static FORCESMITH_FUNCTION std::size_t gradients_size(const Tables<Real>& t, int, int) { return 3ul * t.n_values; }
  static FORCESMITH_FUNCTION Scratch laid_out(const Tables<Real>& t, int, int, int, int stride, Real*, Real* working,
                                              Real* of_part) {
    const auto take = [stride](Real*& from, std::size_t registers) {
      Real* own = from;
      from += registers * stride;
      return own;
    };
    const std::size_t half = 2ul * t.n_half, all = t.n_channels * half;
    Scratch s{};
    s.U = take(working, all);
    s.polynomials = take(working, all);
    s.U_full = take(working, 2ul * t.n_channels * t.n_full);
    s.Z = take(working, 2ul * t.n_z);
    s.Y = take(working, all);
    s.powers = take(of_part, powers_size(t));
    s.u = take(of_part, half);
    s.u_dot = take(of_part, half);
    s.sums = of_part;
    return s;
  }
};

}  // namespace forcesmith::bispectrum
