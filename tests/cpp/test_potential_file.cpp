// Damaged potential files, by the thousand: each is refused with an Error, or is a potential that can
// be evaluated. For the sanitizers above all; the messages are tested in Python.
#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "check.hpp"
#include "core/error.hpp"
#include "potentials/evaluate.hpp"
#include "potentials/registry.hpp"

namespace {

using namespace forcesmith;

const std::vector<std::string> elements{"Mg", "O"};

/// An atom of either element with a dozen neighbors.
void evaluate_somewhere(const Potential& potential) {
  const int last = static_cast<int>(potential.elements().size()) - 1;
  std::vector<int> centers{0, 1}, types{0, last}, neighbors, neighbor_types;
  std::vector<std::int64_t> offsets{0, 12, 24};
  std::vector<double> x, y, z;
  for (int pair = 0; pair < 24; ++pair) {
    neighbors.push_back(pair % 2);
    neighbor_types.push_back(pair % 3 == 0 ? 0 : last);
    x.push_back(1.7 + 0.1 * pair);
    y.push_back(0.3 * (pair % 5) - 0.7);
    z.push_back(0.2 - 0.1 * pair);
  }
  const NeighborView view{
      2,        centers.data(), types.data(), offsets.data(), neighbors.data(), neighbor_types.data(),
      x.data(), y.data(),       z.data()};
  std::vector<double> forces(6);
  Evaluation evaluation;
  evaluation.n_host = 2;
  evaluation.forces = forces.data();
  Evaluator(potential).evaluate(StoredNeighbors(view), evaluation);
}

/// True if `text` is a potential; anything but an Error that names the file ends the test.
bool survives(const std::string& text, const std::string& path) {
  try {
    ReadOptions options;
    if (path == "bad.mtp") options.elements = elements;
    const Potential potential = parse_potential(bundle_of(path, text), options);
    evaluate_somewhere(potential);
    return true;
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(message.find(path) != std::string::npos || message.find("level") != std::string::npos);
    CHECK(message.back() == '.');
    return false;
  }
}

void damage(const std::string& text, const std::string& path) {
  std::string trimmed = text;
  while (trimmed.back() == '\n') trimmed.pop_back();
  CHECK(survives(text, path));
  int cut_survivors = 0;
  for (std::size_t length = 0; length < trimmed.size(); length += 7)
    cut_survivors += survives(trimmed.substr(0, length), path);
  CHECK(cut_survivors == 0);

  std::mt19937 random(11);
  auto any = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  const std::string likely = "0123456789.-+eE,:{}[]\" \n\tnt";
  int survivors = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::string damaged = text;
    for (std::size_t change = 1 + any(3); change > 0; --change) {
      const std::size_t at = any(damaged.size());
      const char byte = any(4) == 0 ? static_cast<char>(any(256)) : likely[any(likely.size())];
      switch (any(4)) {
        case 0: damaged.erase(at, 1 + any(20)); break;
        case 1: damaged.insert(at, 1, byte); break;
        case 2: damaged.insert(at, damaged.substr(any(damaged.size()), 1 + any(40))); break;
        default: damaged[at] = byte;
      }
    }
    survivors += survives(damaged, path);
  }
  std::printf("%s: %d of 2000 damaged files are potentials still\n", path.c_str(), survivors);
}

}  // namespace

int main() {
  std::ifstream file(FORCESMITH_TEST_DATA "/mgo_small.json");
  std::stringstream json;
  json << file.rdbuf();
  damage(json.str(), "bad.json");
  std::string mtp;
  for (const FormatEntry& format : format_registry())
    if (format.name == "mlip") mtp = format.print(parse_potential(bundle_of("a.json", json.str())), "a.mtp").text();
  damage(mtp, "bad.mtp");
  return failures != 0;
}
