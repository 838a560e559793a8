# Source of the LAMMPS that tests/lammps/kokkos builds: the tree LAMMPS_SOURCE, or that of Debian's source package.
include_guard(GLOBAL)
include(${CMAKE_CURRENT_LIST_DIR}/../../../cpp/cmake/forcesmith_fetch.cmake)

set(LAMMPS_SOURCE "" CACHE PATH "Source tree of LAMMPS, 4 Feb 2025 or newer (empty: of Debian's package)")
set(lammps_release trixie)
set(lammps_archive lammps_20250204+dfsg.1.orig.tar.xz)
set(lammps_sha256 3671165bd52fad36734e0a9136c5bc5ecb225e03988f8c89aa13366a8b53b1c7)
set(lammps_folder lammps-4Feb2025)

# <variable> = path of the archive, or empty. apt works in a folder of its own, the machine's sources stay as they are.
function(forcesmith_download_lammps variable)
  set(${variable} "" PARENT_SCOPE)
  forcesmith_archive_cache(cache)
  set(archive ${cache}/${lammps_archive})
  forcesmith_has_hash(good ${archive} ${lammps_sha256})
  if(NOT good)
    set(apt ${PROJECT_BINARY_DIR}/apt)
    file(MAKE_DIRECTORY ${apt}/state/lists/partial ${apt}/cache/archives/partial)
    file(WRITE ${apt}/sources.list "deb-src http://deb.debian.org/debian ${lammps_release} main\n")
    set(options -o Dir::Etc::SourceList=${apt}/sources.list -o Dir::Etc::SourceParts=/dev/null
      -o Dir::State=${apt}/state -o Dir::Cache=${apt}/cache)
    message(STATUS "forcesmith: fetching ${lammps_archive} with apt-get")
    execute_process(
      COMMAND apt-get ${options} --quiet update
      COMMAND_ECHO NONE OUTPUT_VARIABLE output ERROR_VARIABLE output)
    # Also gets a description and patches of Debian's, which are not needed: only the archive counts.
    execute_process(
      COMMAND apt-get ${options} --quiet source --download-only lammps
      WORKING_DIRECTORY ${apt} OUTPUT_VARIABLE output ERROR_VARIABLE output)
    forcesmith_has_hash(good ${apt}/${lammps_archive} ${lammps_sha256})
    if(NOT good)
      message(STATUS "forcesmith: no ${lammps_archive} from apt-get (${output})")
      return()
    endif()
    file(COPY_FILE ${apt}/${lammps_archive} ${archive}.partial)
    file(RENAME ${archive}.partial ${archive})
    file(REMOVE_RECURSE ${apt})
  endif()
  set(${variable} ${archive} PARENT_SCOPE)
endfunction()

# <variable> = a source tree; an error with the remedies if there is none.
function(forcesmith_lammps_source variable)
  set(source ${PROJECT_BINARY_DIR}/lammps-source)
  if(LAMMPS_SOURCE)
    set(source ${LAMMPS_SOURCE})
  elseif(NOT EXISTS ${source})
    forcesmith_download_lammps(archive)
    if(archive)
      forcesmith_extract(${archive} ${lammps_folder} ${source})
    endif()
  endif()
  if(NOT EXISTS ${source}/src/KOKKOS)
    message(FATAL_ERROR "forcesmith: no source of LAMMPS with its KOKKOS package could be had from '${source}' or, "
      "with apt-get, from Debian ${lammps_release}. Unpack one and give -DLAMMPS_SOURCE=<folder with src/ and cmake/>.")
  endif()
  set(${variable} ${source} PARENT_SCOPE)
endfunction()
