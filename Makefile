# The commands of README.md. Everything is installed into .venv, nothing outside this folder.
#
#   make demo         install, fit the example's potential, run molecular dynamics with it
#   make docs         install with what the documentation needs, write it to build/docs
#   make test         lint, install with test tools, run the C++ and the Python tests
#   make test-kokkos  pair_style forcesmith/kk in a LAMMPS built with KOKKOS on the CPU (the first time it builds that
#                     LAMMPS, from Debian's source package: about 20 minutes on two cores)
#   make test-slurm   learn in the jobs of Slurm, started on this machine; installs Debian's slurm-wlm, so as root only
#   make test-teachers  label with real universal potentials, and with pw.x if it is there, in an environment of its own
#                     (the first time it fetches torch: some hundred MB)
#   make lint         check style, layout and types: ruff, clang-format, mypy; compiles nothing
#   make format       lay out Python and C++ as `make lint` wants it
#   make fuzz         damage many files of every format and read them, FUZZ_CASES or FUZZ_MINUTES
#   make kill-test    kill fits and learning 50 times at random moments, resume them, look for work lost
#   make sanitize     run the C++ tests, and Python tests of readers, with address and undefined-behaviour
#                     sanitizers (gcc; about 10 minutes on two cores; valgrind knows no AVX-512)
#   make cuda-check   build the CUDA library, check what it shows and needs, list its kernels' registers and spills;
#                     without nvcc on this machine, pip fetches one; needs no GPU
#   make device-bundle  all that bench/device/check_and_measure.py needs on a machine with a GPU, of at most
#                     64 MiB, in build/device_bundle; DEVICE_PYTHON is an interpreter of that machine's version
#   make bench-tools  compile the programs that profile the kernels, for bench/rates.py
#   make clean        remove .venv and build
PYTHON ?= python3
DEVICE_PYTHON ?= python3.12
DATA ?= ../shared/data
FUZZ_CASES ?= 100000
FUZZ_MINUTES ?= 600

venv := .venv
python := $(venv)/bin/python
pip_install := $(venv)/bin/pip install --disable-pip-version-check --quiet
# cmake and ninja of the virtual environment come first: a fresh machine has no other
in_venv := PATH="$(CURDIR)/$(venv)/bin:$$PATH"

# Compiling in a folder that stays, only what changed is compiled at the next installation.
install_package := $(in_venv) $(pip_install) --no-build-isolation \
  --config-settings=build-dir=build/make

# Whatever the installed package is made from; a change makes the next command reinstall it.
sources := CMakeLists.txt pyproject.toml README.md LICENSE \
  $(shell find cpp cuda lammps_plugin python -type f -not -name '*.pyc')
test_sources := tests/CMakeLists.txt $(shell find tests/cpp tests/example_descriptor -type f)
cpp_files := $(shell find cpp cuda lammps_plugin python bench tests examples -type f -regex '.*\.\([ch]pp\|cuh?\|h\)')

# What pyproject.toml lists under these keys
requirements = $$($(python) -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))$(1))")

# A Python program that loads the extension with sanitizers, in $(sanitized)/package. The sanitizer must be loaded
# first, and with it the library whose exceptions it watches; Python itself leaks.
sanitized := build/asan
sanitized_python = PYTHONPATH=$(sanitized)/package ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
  LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so.6)" $(python)

.PHONY: demo docs test test-kokkos test-slurm test-teachers lint format fuzz kill-test bench-tools sanitize cuda-check device-bundle \
  clean

demo: $(venv)/installed
	$(in_venv) python examples/mgo_vacancies/demo.py

docs: $(venv)/installed
	$(pip_install) $(call requirements,['project']['optional-dependencies']['docs'])
	$(in_venv) NO_MKDOCS_2_WARNING=1 python -m mkdocs build

test: lint $(venv)/installed-for-test
	$(in_venv) ctest --test-dir build/make --output-on-failure --no-tests=error -j 2
	$(in_venv) python -m pytest

test-kokkos: $(venv)/installed-for-test
	$(in_venv) cmake -G Ninja -S tests/lammps/kokkos -B build/kokkos -DPython_EXECUTABLE="$(CURDIR)/$(python)"
	$(in_venv) cmake --build build/kokkos
	$(in_venv) FORCESMITH_KOKKOS="$(CURDIR)/build/kokkos" python -m pytest tests/lammps/kokkos

# In an environment of its own: these packages ask for versions of others. torch first, as it is the one for CPUs.
# As root of a container: starts and ends daemons of its own.
test-slurm: $(venv)/installed-for-test
	command -v slurmctld > /dev/null || (apt-get update && apt-get install -y slurm-wlm)
	$(in_venv) FORCESMITH_SLURM=1 python -m pytest tests/slurm

test-teachers:
	$(MAKE) venv=build/teachers_environment build/teachers_environment/installed
	build/teachers_environment/bin/pip install --disable-pip-version-check --quiet torch==2.13.0
	build/teachers_environment/bin/pip install --disable-pip-version-check --quiet sevenn chgnet pytest
	FORCESMITH_TEACHERS=1 build/teachers_environment/bin/python -m pytest tests/teachers

lint: $(venv)/lint-tools
	$(in_venv) ruff check
	$(in_venv) ruff format --check
	@echo "clang-format --dry-run -Werror"
	@$(in_venv) clang-format --dry-run -Werror $(cpp_files)
	$(in_venv) mypy

format: $(venv)/lint-tools
	$(in_venv) ruff format
	@echo "clang-format -i"
	@$(in_venv) clang-format -i $(cpp_files)

fuzz: $(venv)/installed-for-test
	$(in_venv) python tests/fuzz run --cases $(FUZZ_CASES) --minutes $(FUZZ_MINUTES)

kill-test: $(venv)/installed-for-test
	$(in_venv) FORCESMITH_KILLS=50 python -m pytest -s tests/python/test_kill.py \
	  tests/python/test_learning_kill.py

bench-tools: $(venv)/build-tools
	$(in_venv) cmake --preset bench -DPython_EXECUTABLE="$(CURDIR)/$(python)"
	$(in_venv) cmake --build --preset bench

# Without optimisation: it would take the compiler many times as long.
sanitize: $(venv)/installed-for-test
	$(in_venv) cmake --preset asan -DFORCESMITH_PYTHON=ON -DPython_EXECUTABLE="$(CURDIR)/$(python)"
	$(in_venv) cmake --build --preset asan
	for isa in portable avx2; do \
	  $(in_venv) FORCESMITH_ISA=$$isa ctest --preset asan || exit 1; done
	rm -rf $(sanitized)/package && mkdir $(sanitized)/package
	cp -r python/forcesmith $(sanitized)/package
	cp $(sanitized)/python/_core.*.so $(sanitized)/package/forcesmith
	$(sanitized_python) -m pytest -q tests/python/test_potential_file.py tests/python/test_snap_format.py \
	  tests/python/test_n2p2_format.py

cuda-check: $(venv)/build-tools
	$(in_venv) cmake --preset cuda -DPython_EXECUTABLE="$(CURDIR)/$(python)"
	$(in_venv) cmake --build --preset cuda
	$(in_venv) python bench/device/inspect_library.py build/cuda/cuda

# In a virtual environment of that Python, which the bundle is a part of.
device-bundle:
	$(MAKE) venv=build/device_environment PYTHON=$(DEVICE_PYTHON) install-cuda
	build/device_environment/bin/python bench/device/make_bundle.py --data $(DATA) --output build/device_bundle

install-cuda: $(venv)/build-tools
	$(in_venv) $(pip_install) --no-build-isolation --config-settings=build-dir=build/device \
	  --config-settings=cmake.define.FORCESMITH_CUDA=ON .

clean:
	rm -rf $(venv) build

$(python):
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and \
	  'forcesmith needs Python 3.11 or newer; name one with make PYTHON=...')"
	$(PYTHON) -m venv $(venv)

# The build requirements go into the virtual environment too: in an isolated environment, a new
# folder each time, much would be compiled again at every installation.
$(venv)/build-tools: pyproject.toml | $(python)
	$(pip_install) "cmake>=3.25" ninja $(call requirements,['build-system']['requires'])
	touch $@

# mypy looks into the libraries that the package uses.
$(venv)/lint-tools: pyproject.toml $(venv)/build-tools
	$(pip_install) $(call requirements,['project']['dependencies']) \
	  $(call requirements,['project']['optional-dependencies']['lint'])
	touch $@

$(venv)/installed: $(sources) $(venv)/build-tools
	@echo "Compiling and installing forcesmith (minutes the first time)"
	$(install_package) .
	touch $@

# The C++ tests are built in the same folder, from the same objects as the package.
$(venv)/installed-for-test: $(sources) $(test_sources) $(venv)/lint-tools
	@echo "Compiling and installing forcesmith with its tests (minutes the first time)"
	$(install_package) --config-settings=cmake.define.FORCESMITH_TESTS=ON ".[test]"
	touch $(venv)/installed $@
