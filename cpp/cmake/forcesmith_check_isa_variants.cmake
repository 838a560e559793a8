# Script of the test isa_variants_keep_apart: in the objects of the avx2 and avx512 variants
# (forcesmith_add_isa_variants), every symbol that the linker may merge with one of another object
# must lie in a namespace of the variant. Otherwise the linker may keep the wide copy of an inline
# function for everyone, and the library stops with an illegal instruction on a lesser processor.
#
#   cmake -Dobjects=<a.o;b.o;...> -Dnm=<nm> -P forcesmith_check_isa_variants.cmake
cmake_minimum_required(VERSION 3.25)

set(n_objects 0)
set(leaks "")
foreach(object IN LISTS objects)
  if(NOT object MATCHES "/isa_variants/.*_(avx2|avx512)\\.cpp\\.o(bj)?$")
    continue()
  endif()
  set(variant ${CMAKE_MATCH_1})
  math(EXPR n_objects "${n_objects} + 1")
  execute_process(COMMAND ${nm} --demangle --defined-only ${object}
    OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[0-9a-f]+ [WVu] [^\n]+" weak_symbols "${symbols}")
  foreach(symbol IN LISTS weak_symbols)
    if(NOT symbol MATCHES "forcesmith::([a-z_]+::)?${variant}::")
      string(APPEND leaks "\n  ${variant}: ${symbol}")
    endif()
  endforeach()
endforeach()

if(n_objects EQUAL 0)
  message(FATAL_ERROR "There is no object of an instruction-set variant among '${objects}'.")
endif()
if(leaks)
  message(FATAL_ERROR "Inline functions outside the variant's namespace:${leaks}")
endif()
message("${n_objects} objects, each variant keeps to its namespace")
