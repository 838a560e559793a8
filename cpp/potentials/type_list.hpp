// Lists of types.
#pragma once

namespace forcesmith {

template <class... Types>
struct TypeList {};

template <class... First, class... Second>
TypeList<First..., Second...> joined(TypeList<First...>, TypeList<Second...>);
template <class First, class Second>
using Joined = decltype(joined(First{}, Second{}));

/// Calls use.template operator()<Type>() for every type of the list.
template <class... Types, class Use>
void for_each_type(TypeList<Types...>, const Use& use) {
  (use.template operator()<Types>(), ...);
}

}  // namespace forcesmith
