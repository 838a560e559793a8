#include "radial_gaussians/radial_gaussians.hpp"

#include <cmath>

#include "core/instruction_set.hpp"
#include "core/text.hpp"
#include "core/typed_schema.hpp"

namespace forcesmith::radial_gaussians {

namespace {

const SchemaOf<Parameters>& typed_schema() {
  static const auto schema = SchemaOf<Parameters>()
                                 .field(&Parameters::cutoff, "cutoff", "angstrom", "where every Gaussian vanishes")
                                 .required()
                                 .field(&Parameters::count, "count", "",
                                        "Gaussians per element of the neighbors, evenly spaced up to the cutoff");
  return schema;
}

}  // namespace

ParameterSchema RadialGaussians::schema() { return typed_schema().fields(); }

std::unique_ptr<Descriptor> RadialGaussians::create(const Json& given, const std::vector<std::string>& elements,
                                                    const std::string& where) {
  return std::make_unique<RadialGaussians>(typed_schema().read(given, {where}), static_cast<int>(elements.size()),
                                           where);
}

Json RadialGaussians::to_json() const { return typed_schema().write(parameters_); }

RadialGaussians::RadialGaussians(const Parameters& parameters, int n_elements, const std::string& where)
    : KernelDescriptor(FORCESMITH_VARIANT_IN_USE(variants)), parameters_(parameters) {
  const auto [cutoff, count] = parameters_;
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

}  // namespace forcesmith::radial_gaussians
