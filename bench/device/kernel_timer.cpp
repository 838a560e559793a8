// A tool for Kokkos (KOKKOS_TOOLS_LIBS=libkernel_timer.so): how often each kernel ran, and how long. Kokkos waits before
// and after each, so kernels and copies do not overlap here, and the whole takes longer. When Kokkos ends, JSON is written
// to the file FORCESMITH_KERNEL_TIMES: {"label": [calls, seconds], ...}, copies as "copy to device" and the like. Of copies
// that go along beside other work, only the beginning is timed; the line that the pair style prints has their whole time.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
struct Entry {
  long calls = 0;
  double seconds = 0.0;
};
struct Running {
  Entry& entry;
  Clock::time_point began;
};
std::map<std::string, Entry> entries;
std::vector<Running> running;  // a copy may be done by a kernel, whose time is its own

void begin(const std::string& label) { running.push_back({entries[label], Clock::now()}); }
void end() {
  const auto elapsed = Clock::now() - running.back().began;
  running.back().entry.seconds += std::chrono::duration<double>(elapsed).count();
  ++running.back().entry.calls;
  running.pop_back();
  if (!running.empty()) running.back().began += elapsed;
}

}  // namespace

extern "C" {

struct SpaceHandle {
  char name[64];
};

void kokkosp_begin_parallel_for(const char* label, std::uint32_t, std::uint64_t*) { begin(label); }
void kokkosp_end_parallel_for(std::uint64_t) { end(); }
void kokkosp_begin_parallel_reduce(const char* label, std::uint32_t, std::uint64_t*) { begin(label); }
void kokkosp_end_parallel_reduce(std::uint64_t) { end(); }
void kokkosp_begin_parallel_scan(const char* label, std::uint32_t, std::uint64_t*) { begin(label); }
void kokkosp_end_parallel_scan(std::uint64_t) { end(); }

void kokkosp_begin_deep_copy(SpaceHandle to, const char*, const void*, SpaceHandle from, const char*, const void*,
                             std::uint64_t) {
  begin(std::string("copy from ") + from.name + " to " + to.name);
}
void kokkosp_end_deep_copy() { end(); }

void kokkosp_finalize_library() {
  const char* path = std::getenv("FORCESMITH_KERNEL_TIMES");
  std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "w");
  if (file == nullptr) return;
  const char* separator = "{\n";
  for (const auto& [label, entry] : entries) {  // labels are names of functions and types
    std::fprintf(file, "%s\"%s\": [%ld, %.9g]", separator, label.c_str(), entry.calls, entry.seconds);
    separator = ",\n";
  }
  std::fputs(entries.empty() ? "{}\n" : "\n}\n", file);
  std::fclose(file);
}

}  // extern "C"
