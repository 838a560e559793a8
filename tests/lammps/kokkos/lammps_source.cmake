# Source of the LAMMPS that is built for the tests: the tree LAMMPS_SOURCE, or that of Debian's source package.
include_guard(GLOBAL)
include(${CMAKE_CURRENT_LIST_DIR}/../../../cpp/cmake/forcesmith_fetch.cmake)

set(LAMMPS_SOURCE "" CACHE PATH "Source tree of LAMMPS, 4 Feb 2025 or newer (empty: of Debian's package)")
set(debian_release trixie)
set(lammps_archive lammps_20250204+dfsg.1.orig.tar.xz)
set(lammps_sha256 3671165bd52fad36734e0a9136c5bc5ecb225e03988f8c89aa13366a8b53b1c7)
set(lammps_folder lammps-4Feb2025)

# <variable> = path of the archive in <folder>, or empty. apt-get works in that folder alone; the sources of packages of
# this machine stay as they are.
function(forcesmith_download_lammps variable folder)
  file(MAKE_DIRECTORY ${folder}/state/lists/partial ${folder}/cache/archives/partial)
  file(WRITE ${folder}/sources.list "deb-src http://deb.debian.org/debian ${debian_release} main\n")
  set(apt_get apt-get --quiet -o Dir::Etc::SourceList=${folder}/sources.list -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State=${folder}/state -o Dir::Cache=${folder}/cache)
  message(STATUS "forcesmith: fetching ${lammps_archive} with apt-get")
  # Of the source package only the archive counts, not Debian's own files, which it also asks for.
  execute_process(COMMAND ${apt_get} update OUTPUT_VARIABLE output ERROR_VARIABLE output)
  execute_process(COMMAND ${apt_get} source --download-only lammps WORKING_DIRECTORY ${folder}
    OUTPUT_VARIABLE output ERROR_VARIABLE output)
  forcesmith_has_hash(good ${folder}/${lammps_archive} ${lammps_sha256})
  set(${variable} "" PARENT_SCOPE)
  if(good)
    set(${variable} ${folder}/${lammps_archive} PARENT_SCOPE)
  else()
    message(STATUS "forcesmith: no ${lammps_archive} from apt-get (${output})")
  endif()
endfunction()

# <variable> = a source tree; an error with the remedies if there is none.
function(forcesmith_lammps_source variable)
  set(source ${PROJECT_BINARY_DIR}/lammps-source)
  if(LAMMPS_SOURCE)
    set(source ${LAMMPS_SOURCE})
  elseif(NOT EXISTS ${source})
    set(downloads ${PROJECT_BINARY_DIR}/downloads)
    forcesmith_download_lammps(archive ${downloads})
    if(archive)
      forcesmith_extract(${archive} ${lammps_folder} ${source})
    endif()
    file(REMOVE_RECURSE ${downloads})
  endif()
  if(NOT EXISTS ${source}/src/KOKKOS)
    message(FATAL_ERROR "forcesmith: no source of LAMMPS with its package KOKKOS in '${source}', and none from Debian "
      "${debian_release} by apt-get. Unpack one and give -DLAMMPS_SOURCE=<folder with src/ and cmake/>.")
  endif()
  set(${variable} ${source} PARENT_SCOPE)
endfunction()
