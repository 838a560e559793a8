# forcesmith_add_isa_variants(<target> [COUNTING] <source.cpp>...): one binary, several instruction sets.
#
# Every source is compiled once per instruction set, with FORCESMITH_ISA defined as
#   portable   what the target is built for anyway; always there
#   avx2       AVX2 and FMA
#   avx512     AVX-512 F, DQ, VL and BW
# (the last two on x86-64 only) and, where it is asked for,
#   counting   plain numbers that count the operations done with them (FORCESMITH_HAVE_COUNTING)
# and the target is compiled with FORCESMITH_HAVE_AVX2 and FORCESMITH_HAVE_AVX512 defined where
# these variants exist. The source puts its code into a namespace of that name,
# `namespace forcesmith::FORCESMITH_ISA` or, of a descriptor or model,
# `namespace forcesmith::bispectrum::FORCESMITH_ISA`, and the choice is made at run time. Inline
# functions of common headers would be shared between the variants: keep them out of these sources,
# or they carry wide instructions into code that runs on every processor.
include_guard(GLOBAL)

# How the variant that counts is compiled. Its numbers are no registers, whatever the compiler's flags
# allow.
set(forcesmith_counting_options -DFORCESMITH_COUNT_OPERATIONS)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$"
    AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  list(APPEND forcesmith_counting_options -mno-avx)
endif()

function(forcesmith_add_isa_variants target)
  cmake_parse_arguments(PARSE_ARGV 1 asked COUNTING "" "")
  set(variants portable)
  set(flags_portable "")
  set(flags_counting ${forcesmith_counting_options})
  set(flags_avx2 -mavx2 -mfma)
  set(flags_avx512 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprefer-vector-width=512)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$"
      AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    list(APPEND variants avx2 avx512)
    target_compile_definitions(${target} PRIVATE FORCESMITH_HAVE_AVX2 FORCESMITH_HAVE_AVX512)
  endif()
  if(asked_COUNTING)
    list(APPEND variants counting)
    target_compile_definitions(${target} PRIVATE FORCESMITH_HAVE_COUNTING)
  endif()
  # a*b + c in one instruction wherever the set has it, and square roots without a look at errno,
  # which would be taken lane by lane; no result is relaxed.
  set(arithmetic "")
  if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    set(arithmetic -ffp-contract=fast -fno-math-errno)
  endif()
  # Loops that clear a few registers stay loops: a call of memset would empty all registers.
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    list(APPEND arithmetic -fno-tree-loop-distribute-patterns)
  endif()

  foreach(source IN LISTS asked_UNPARSED_ARGUMENTS)
    cmake_path(ABSOLUTE_PATH source NORMALIZE)
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE name)
    cmake_path(REMOVE_EXTENSION name LAST_ONLY)
    foreach(variant IN LISTS variants)
      # A source cannot be listed twice in a target, so each further variant is one that
      # includes it. The portable one is the source itself, which editors then understand.
      set(variant_source ${source})
      if(NOT variant STREQUAL portable)
        set(variant_source ${CMAKE_CURRENT_BINARY_DIR}/isa_variants/${name}_${variant}.cpp)
        file(CONFIGURE OUTPUT ${variant_source} CONTENT "#include \"${source}\"\n")
      endif()
      set_source_files_properties(${variant_source} PROPERTIES
        COMPILE_DEFINITIONS FORCESMITH_ISA=${variant}
        COMPILE_OPTIONS "${flags_${variant}};${arithmetic}")
      target_sources(${target} PRIVATE ${variant_source})
    endforeach()
  endforeach()
endfunction()
