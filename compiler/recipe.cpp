// The training recipe: TOML keys to Recipe. Every key has one row in kKeys.
#include <algorithm>
#include <functional>
#include <limits>

#include "arch/toml_file.h"
#include "base/errors.h"
#include "base/files.h"
#include "compiler/compiler.h"

namespace leto::compiler {
namespace {

constexpr std::uint64_t kMaxBytes = 1 << 20;

/// One key of the file being read: where it stands, what it holds.
struct Entry {
  std::string where;  // file:line
  std::string_view key;
  const toml::node& node;

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ExitCode::bad_input, fmt::format("{}: key '{}' {}", where, key, why),
                "see the recipe keys in docs/recipe.md");
  }
  double number(double low, double high) const {
    const auto x = node.value<double>();
    if (!x || !(*x >= low && *x <= high)) {
      fail(fmt::format("must be a number from {} to {}", low, high));
    }
    return *x;
  }
  std::int64_t integer(std::int64_t low) const {
    const auto* x = node.as_integer();
    if (!x || x->get() < low) {
      fail(fmt::format("must be an integer of at least {}", low));
    }
    return x->get();
  }
  std::string text() const {
    const auto* x = node.as_string();
    if (!x) {
      fail("must be a string");
    }
    return x->get();
  }
  bool flag() const {
    const auto* x = node.as_boolean();
    if (!x) {
      fail("must be true or false");
    }
    return x->get();
  }
};

void set_optimizer(const Entry& e, Recipe& r) {
  const std::string s = e.text();
  const std::map<std::string, Optimizer> names = {{"none", Optimizer::none},
                                                  {"sgd", Optimizer::sgd},
                                                  {"momentum", Optimizer::momentum},
                                                  {"adagrad", Optimizer::adagrad},
                                                  {"adamw", Optimizer::adamw}};
  const auto it = names.find(s);
  if (it == names.end()) {
    e.fail("must be none, sgd, momentum, adagrad or adamw");
  }
  r.optimizer = it->second;
}

void set_table_optimizer(const Entry& e, Recipe& r) {
  const std::map<std::string, TableOptimizer> names = {
      {"sgd", TableOptimizer::sgd}, {"adagrad", TableOptimizer::adagrad}, {"adam", TableOptimizer::adam}};
  const auto it = names.find(e.text());
  if (it == names.end()) {
    e.fail("must be sgd, adagrad or adam");
  }
  r.table_optimizer = it->second;
}

void set_loss(const Entry& e, Recipe& r) {
  const std::map<std::string, Loss> names = {
      {"own", Loss::own}, {"cross_entropy", Loss::cross_entropy}, {"mse", Loss::mse}, {"sum", Loss::sum}};
  const auto it = names.find(e.text());
  if (it == names.end()) {
    e.fail("must be own, cross_entropy, mse or sum");
  }
  r.loss = it->second;
}

void set_precision(const Entry& e, Recipe& r) {
  const std::map<std::string, Precision> names = {
      {"fp32", Precision::fp32}, {"bf16", Precision::bf16}, {"fp8", Precision::fp8}};
  const auto it = names.find(e.text());
  if (it == names.end()) {
    e.fail("must be fp32, bf16 or fp8");
  }
  r.precision = it->second;
}

void set_betas(const Entry& e, Recipe& r) {
  const auto* pair = e.node.as_array();
  const auto beta = [&](std::size_t i) {
    const auto x = pair->get(i)->value<double>();
    if (!x || !(*x >= 0 && *x < 1)) {
      e.fail("must hold two numbers of at least 0 and below 1");
    }
    return *x;
  };
  if (!pair || pair->size() != 2) {
    e.fail("must be a list of two numbers");
  }
  r.beta1 = beta(0);
  r.beta2 = beta(1);
}

constexpr double kTinyScale = std::numeric_limits<float>::min();
constexpr double kHuge = std::numeric_limits<float>::max();

// torch.cuda.amp's GradScaler begins here too.
constexpr double kFirstScale = 65536;

void set_loss_scale(const Entry& e, Recipe& r) {
  if (e.node.is_string()) {
    if (e.text() != "dynamic") {
      e.fail("must be a number or \"dynamic\"");
    }
    r.dynamic_loss_scale = true;
    return;
  }
  r.loss_scale = e.number(kTinyScale, kHuge);
}

using Setter = std::function<void(const Entry&, Recipe&)>;
const std::map<std::string, Setter, std::less<>>& setters() {
  static const std::map<std::string, Setter, std::less<>> kKeys = {
      {"optimizer", set_optimizer},
      {"table_optimizer", set_table_optimizer},
      {"table_lr", [](const Entry& e, Recipe& r) { r.table_lr = e.number(0, kHuge); }},
      {"loss", set_loss},
      {"precision", set_precision},
      {"betas", set_betas},
      {"lr", [](const Entry& e, Recipe& r) { r.lr = e.number(0, kHuge); }},
      {"eps", [](const Entry& e, Recipe& r) { r.epsilon = e.number(0, kHuge); }},
      {"weight_decay", [](const Entry& e, Recipe& r) { r.weight_decay = e.number(0, kHuge); }},
      {"momentum", [](const Entry& e, Recipe& r) { r.momentum = e.number(0, 1); }},
      {"batch", [](const Entry& e, Recipe& r) { r.batch = e.integer(1); }},
      {"steps", [](const Entry& e, Recipe& r) { r.steps = e.integer(1); }},
      {"data", [](const Entry& e, Recipe& r) { r.data = e.text(); }},
      {"seed", [](const Entry& e, Recipe& r) { r.seed = static_cast<std::uint64_t>(e.integer(0)); }},
      {"warmup", [](const Entry& e, Recipe& r) { r.warmup = e.integer(0); }},
      {"micro_batches", [](const Entry& e, Recipe& r) { r.micro_batches = e.integer(1); }},
      {"clip_norm", [](const Entry& e, Recipe& r) { r.clip_norm = e.number(0, kHuge); }},
      {"loss_scale", set_loss_scale},
      {"loss_scale_start", [](const Entry& e, Recipe& r) { r.loss_scale = e.number(kTinyScale, kHuge); }},
      {"loss_scale_period", [](const Entry& e, Recipe& r) { r.loss_scale_period = e.integer(1); }},
      {"recompute", [](const Entry& e, Recipe& r) { r.recompute = e.flag(); }},
      {"memory_budget", [](const Entry& e, Recipe& r) { r.memory_budget = e.integer(1); }},
  };
  return kKeys;
}

// Keys come in any order: what needs two of them is looked at in the end.
void check_loss_scale(const toml::table& table, const std::filesystem::path& path, Recipe& recipe) {
  for (const char* key : {"loss_scale_start", "loss_scale_period"}) {
    if (table.contains(key) && !recipe.dynamic_loss_scale) {
      throw Error(ExitCode::bad_input,
                  fmt::format("{}: '{}' without a dynamic loss scale", path.string(), key),
                  "add loss_scale = \"dynamic\", or leave the key out");
    }
  }
  if (recipe.dynamic_loss_scale && !table.contains("loss_scale_start")) {
    recipe.loss_scale = kFirstScale;
  }
}

void check_table_optimizer(const std::filesystem::path& path, const Recipe& recipe) {
  if (recipe.table_optimizer && recipe.optimizer == Optimizer::none) {
    throw Error(ExitCode::bad_input, fmt::format("{}: 'table_optimizer' without an optimizer", path.string()),
                "add optimizer, which updates the other parameters");
  }
  if (recipe.table_lr && !recipe.table_optimizer) {
    throw Error(ExitCode::bad_input, fmt::format("{}: 'table_lr' without a table_optimizer", path.string()),
                "add table_optimizer, or leave the key out");
  }
}

}  // namespace

Recipe load_recipe(const std::filesystem::path& path) {
  Recipe recipe;
  recipe.text = read_text(path, kMaxBytes);
  const toml::table table = parse_toml(recipe.text, path.string());
  for (const auto& [key, node] : table) {
    const Entry entry{fmt::format("{}:{}", path.string(), key.source().begin.line), key.str(), node};
    const auto it = setters().find(key.str());
    if (it == setters().end()) {
      entry.fail("is not a recipe key");
    }
    it->second(entry, recipe);
  }
  if (recipe.text.empty()) {
    recipe.text.push_back('\n');  // an empty file is a recipe all the same
  }
  check_loss_scale(table, path, recipe);
  check_table_optimizer(path, recipe);
  if (recipe.batch % recipe.micro_batches != 0) {
    throw Error(ExitCode::bad_input,
                fmt::format("{}: a batch of {} does not divide into {} micro batches", path.string(),
                            recipe.batch, recipe.micro_batches),
                "choose a batch that is a multiple of micro_batches");
  }
  return recipe;
}

}  // namespace leto::compiler
