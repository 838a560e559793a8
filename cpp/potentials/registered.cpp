#include "potentials/registered.hpp"

#include "potentials/registry.hpp"

namespace forcesmith {

namespace {

template <class Entry, class... Types>
std::vector<Entry> entries_of(TypeList<Types...>) {
  return {{Types::name, Types::schema, Types::create}...};
}

}  // namespace

const std::vector<DescriptorEntry>& descriptor_registry() {
  static const auto entries = entries_of<DescriptorEntry>(RegisteredDescriptors{});
  return entries;
}

const std::vector<ModelEntry>& model_registry() {
  static const auto entries = entries_of<ModelEntry>(RegisteredModels{});
  return entries;
}

const std::vector<TermEntry>& term_registry() {
  static const auto entries = entries_of<TermEntry>(RegisteredTerms{});
  return entries;
}

}  // namespace forcesmith
