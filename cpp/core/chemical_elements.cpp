#include "core/chemical_elements.hpp"

#include <algorithm>
#include <iterator>

#include "core/error.hpp"

namespace forcesmith {

namespace {

const char* const symbols[] = {"H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na", "Mg", "Al", "Si", "P",
                               "S",  "Cl", "Ar", "K",  "Ca", "Sc", "Ti", "V",  "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn",
                               "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Y",  "Zr", "Nb", "Mo", "Tc", "Ru", "Rh",
                               "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I",  "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd",
                               "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W",  "Re",
                               "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th",
                               "Pa", "U",  "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf", "Db",
                               "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og"};

}  // namespace

int atomic_number(const std::string& symbol) {
  int number = 0;
  for (const char* known : symbols) {
    ++number;
    if (symbol == known) return number;
  }
  return 0;
}

void check_different(const std::vector<std::string>& elements, const std::string& of) {
  const std::size_t most = std::size(symbols);
  if (elements.size() > most)
    throw ParameterError("There are only " + std::to_string(most) + " elements, but " + of + " has " +
                         std::to_string(elements.size()) + ".");
  for (auto element = elements.begin(); element != elements.end(); ++element)
    if (std::find(elements.begin(), element, *element) != element)
      throw ParameterError("The elements of " + of + " name \"" + *element +
                           "\" twice; each atom type of the potential needs an element of its own.");
}

}  // namespace forcesmith
