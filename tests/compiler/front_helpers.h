// Small graphs and comparisons for the front end's tests.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/errors.h"
#include "base/rng.h"
#include "compiler/compiler.h"

namespace leto::compiler::testing {

using Dims = std::vector<std::int64_t>;

inline ValueId leaf(Graph& g, const std::string& name, DType dtype, const Dims& shape, Role role) {
  return g.add_value(name, {dtype, shape}, role);
}

/// Numbers in [low, high), the same in every run.
inline std::vector<float> numbers(std::uint64_t stream, std::size_t n, double low = -1, double high = 1) {
  std::vector<float> out(n);
  fill_uniform(7, stream, 0, low, high, out);
  return out;
}

inline ValueId weight(Graph& g, const std::string& name, const Dims& shape, double low = -1,
                      double high = 1) {
  const ValueId id = leaf(g, name, DType::fp32, shape, Role::parameter);
  g.value(id).data = numbers(static_cast<std::uint64_t>(id) + 1,
                             static_cast<std::size_t>(elements(g.value(id).type)), low, high);
  return id;
}

inline ValueId op(Graph& g, Op o, std::vector<ValueId> in, std::map<std::string, Attribute> attributes = {}) {
  return g.add(o, std::move(in), std::move(attributes), Phase::forward, name_of(o));
}

/// |a - b| against the largest |b| (and 1e-30).
inline double difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0, scale = 1e-30;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::fabs(double(a[i]) - double(b[i])));
    scale = std::max(scale, std::fabs(double(b[i])));
  }
  return worst / scale;
}

/// The error that f throws; fails the test when it throws none.
template <class F>
std::string error_of(F f, ExitCode code) {
  try {
    f();
  } catch (const Error& e) {
    CHECK(e.code() == code);
    CHECK_FALSE(e.remedy().empty());
    return e.what();
  }
  FAIL("no error was thrown");
  return "";
}

/// A file that disappears with the test.
class TempFile {
 public:
  TempFile(const std::string& name, const std::string& content)
      : path_(std::filesystem::temp_directory_path() / ("leto-" + std::to_string(::getpid()) + "-" + name)) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A two-layer perceptron: scores [rows, classes] of "x".
inline Graph mlp(std::int64_t rows, std::int64_t in, std::int64_t hidden, std::int64_t classes) {
  Graph g;
  g.name = "mlp";
  g.tokens = rows;
  const ValueId x = leaf(g, "x", DType::fp32, {rows, in}, Role::input);
  const double a = 1 / std::sqrt(double(in)), b = 1 / std::sqrt(double(hidden));
  const ValueId w1 = weight(g, "w1", {hidden, in}, -a, a), b1 = weight(g, "b1", {hidden}, -a, a);
  const ValueId w2 = weight(g, "w2", {classes, hidden}, -b, b), b2 = weight(g, "b2", {classes}, -b, b);
  const std::map<std::string, Attribute> swap{{"trans_b", std::int64_t{1}}};
  const ValueId h = op(g, Op::relu, {op(g, Op::add, {op(g, Op::matmul, {x, w1}, swap), b1})});
  g.outputs.push_back(op(g, Op::add, {op(g, Op::matmul, {h, w2}, swap), b2}));
  return g;
}

}  // namespace leto::compiler::testing
