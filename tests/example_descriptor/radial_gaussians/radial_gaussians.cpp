#include "radial_gaussians/radial_gaussians.hpp"

#include <cmath>

#include "core/instruction_set.hpp"
#include "core/text.hpp"

namespace forcesmith::radial_gaussians {

ParameterSchema RadialGaussians::schema() {
  return {{"cutoff", "number", "angstrom", {}, "where every Gaussian vanishes"},
          {"count", "integer", "", 8, "Gaussians per element of the neighbors, evenly spaced up to the cutoff"}};
}

std::unique_ptr<Descriptor> RadialGaussians::create(const Json& given, const std::vector<std::string>& elements,
                                                    const std::string& where) {
  const Json checked = checked_parameters(schema(), given, where);
  return std::make_unique<RadialGaussians>(checked.at("cutoff"), checked.at("count"), static_cast<int>(elements.size()),
                                           where);
}

RadialGaussians::RadialGaussians(double cutoff, int count, int n_elements, const std::string& where)
    : KernelDescriptor(FORCESMITH_VARIANT_IN_USE(variants)) {
  if (!(cutoff > 0.0) || !std::isfinite(cutoff))
    throw ParameterError(where + ": the cutoff must be positive, not " + printed(cutoff) + ".");
  if (count < 1 || count > 1000)
    throw ParameterError(where + ": count must be 1 to 1000, not " + std::to_string(count) + ".");
  cutoffs_.assign(static_cast<std::size_t>(n_elements) * n_elements, cutoff);
  std::vector<double> centers;
  for (int k = 0; k < count; ++k) centers.push_back(cutoff * k / count);

  auto& t = mutable_tables<double>() = {n_elements, count, cutoff, std::pow(count / cutoff, 2),
                                        arrays_.keep(std::move(centers))};
  mutable_tables<float>() = {n_elements, count, rounded(t.cutoff), rounded(t.eta), nullptr};
  arrays_.round(t, mutable_tables<float>());
}

std::string RadialGaussians::citation() const {
  return "radial Gaussians: the example of forcesmith's documentation\n";
}

std::vector<std::string> RadialGaussians::names(int) const {
  std::vector<std::string> list;
  for (int element = 0; element < tables<double>().n_elements; ++element)
    for (int k = 0; k < tables<double>().n_gaussians; ++k)
      list.push_back("B[" + std::to_string(element) + "," + std::to_string(k) + "]");
  return list;
}

Json RadialGaussians::to_json() const {
  return {{"type", name}, {"cutoff", cutoff()}, {"count", tables<double>().n_gaussians}};
}

}  // namespace forcesmith::radial_gaussians
