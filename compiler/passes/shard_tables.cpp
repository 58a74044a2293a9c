#include "compiler/passes/shard_tables.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/errors.h"
#include "compiler/passes/builder.h"
#include "compiler/passes/rewriter.h"
#include "compiler/row_plan.h"

namespace leto::compiler {
namespace {

constexpr const char* kName = "exchange";

struct Bag {
  const Node* node;
  ValueId table, index;  // of the forward graph
  std::int64_t rows, width, samples, lookups;
  DType dtype;
  bool own = true;  // this chip has rows of the table
};

std::vector<Bag> bags_of(const Graph& graph) {
  std::vector<Bag> bags;
  for (const Node& node : graph.nodes) {
    if (node.op != Op::embedding_bag) continue;
    const Value &table = graph.value(node.inputs[0]), &index = graph.value(node.inputs[1]);
    if (table.role != Role::parameter || index.role != Role::input) continue;
    const std::int64_t lookups = index.type.shape.back();
    bags.push_back({&node, node.inputs[0], node.inputs[1], table.type.shape[0], table.type.shape[1],
                    elements(index.type) / lookups, lookups, graph.value(node.output).type.dtype});
  }
  return bags;
}

/// Whole tables, the one with most to look up first, each to the chip that has least so far; `own` are those
/// of the chip that has most in the end.
void deal(std::vector<Bag>& bags, std::int64_t chips) {
  std::vector<std::size_t> order(bags.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto cost = [&](std::size_t i) { return bags[i].lookups * bags[i].width; };
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return cost(a) > cost(b); });
  std::vector<std::int64_t> load(std::size_t(std::min<std::int64_t>(chips, std::ssize(bags))), 0);
  std::vector<std::size_t> chip(bags.size());
  for (const std::size_t i : order) {
    chip[i] = std::size_t(std::min_element(load.begin(), load.end()) - load.begin());
    load[chip[i]] += cost(i);
  }
  const auto most = std::size_t(std::max_element(load.begin(), load.end()) - load.begin());
  for (std::size_t i = 0; i < bags.size(); ++i) bags[i].own = chip[i] == most;
}

/// The first rows and columns of a matrix that the file holds.
std::vector<float> corner(const std::vector<float>& data, std::int64_t width, std::int64_t rows,
                          std::int64_t columns) {
  std::vector<float> out;
  if (data.empty()) return out;
  for (std::int64_t r = 0; r < rows; ++r)
    out.insert(out.end(), data.begin() + r * width, data.begin() + r * width + columns);
  return out;
}

class Sharding {
 public:
  Sharding(const Graph& from, std::vector<Bag> bags, std::int64_t chips, ShardBy by)
      : from_(from), bags_(std::move(bags)), chips_(chips), by_(by), rewriter_(from, kept()) {}

  Graph run() {
    resize_leaves();
    std::size_t left = bags_.size();
    for (const Node& node : from_.nodes) {
      const bool bag = std::any_of(bags_.begin(), bags_.end(), [&](const Bag& b) { return b.node == &node; });
      if (!bag) {
        rewriter_.copy(node);
      } else if (left == bags_.size()) {  // before the first user of any: their operands are leaves
        left = 0;
        make_all();
      }
    }
    return rewriter_.finish();
  }

 private:
  std::vector<bool> kept() const {
    std::vector<bool> keep(from_.values.size(), true);
    for (const Bag& bag : bags_)
      if (!bag.own) keep[std::size_t(bag.table)] = keep[std::size_t(bag.index)] = false;
    return keep;
  }
  std::int64_t share(std::int64_t extent) const { return (extent + chips_ - 1) / chips_; }
  std::int64_t own_rows(const Bag& bag) const { return by_ == ShardBy::row ? share(bag.rows) : bag.rows; }
  std::int64_t own_width(const Bag& bag) const {
    return by_ == ShardBy::column ? share(bag.width) : bag.width;
  }

  void resize_leaves() {
    std::set<ValueId> done;
    const auto first = [&](ValueId v) { return done.insert(v).second; };
    for (const Bag& bag : bags_) {
      if (!bag.own) continue;
      if (first(bag.table)) {
        Value& table = rewriter_.to().value(rewriter_[bag.table]);
        table.data = corner(table.data, bag.width, own_rows(bag), own_width(bag));
        table.type.shape = {own_rows(bag), own_width(bag)};
      }
      if (first(bag.index)) rewriter_.to().value(rewriter_[bag.index]).type.shape[0] *= chips_;
    }
  }

  /// Those of a number of samples together: one exchange.
  void make_all() {
    std::vector<std::int64_t> counts;
    for (const Bag& bag : bags_)
      if (std::find(counts.begin(), counts.end(), bag.samples) == counts.end()) counts.push_back(bag.samples);
    for (const std::int64_t samples : counts) {
      std::vector<const Bag*> those;
      for (const Bag& bag : bags_)
        if (bag.samples == samples) those.push_back(&bag);
      make(those, samples);
    }
  }

  ValueId lookups(Builder& b, const Bag& bag) {
    const ValueId index = rewriter_[bag.index];
    if (by_ != ShardBy::row) return index;
    Graph& graph = rewriter_.to();
    const Value all = graph.value(index);
    const std::string name = local_of(all.name, own_rows(bag), chips_);
    for (std::size_t i = 0; i < graph.values.size(); ++i)
      if (graph.values[i].name == name) return ValueId(i);
    const ValueId local = graph.add_value(name, all.type, Role::input);
    b.graph().value(local).limit = own_rows(bag);
    return local;
  }

  /// What this chip has looked up, for the samples of all chips, side by side.
  ValueId pooled(const std::vector<const Bag*>& bags, std::int64_t samples) {
    std::vector<ValueId> parts;
    for (const Bag* bag : bags) {
      if (!bag->own) continue;
      Builder b(rewriter_.to(), bag->node->phase, bag->node->name);
      const ValueId index = lookups(b, *bag);
      const ValueId sum = b.raw(Op::embedding_bag, {rewriter_[bag->table], index},
                                {{"dtype", std::string(name_of(bag->dtype))}});
      parts.push_back(b.reshape(sum, {chips_ * samples, own_width(*bag)}));
    }
    if (parts.size() == 1) return parts[0];
    Builder b(rewriter_.to(), Phase::forward, kName);
    return b.raw(Op::concat, parts, {{"axis", std::int64_t{1}}});
  }

  void make(const std::vector<const Bag*>& bags, std::int64_t samples) {
    const ValueId mine = pooled(bags, samples);
    Builder b(rewriter_.to(), Phase::forward, kName);
    const std::int64_t width = b.shape(mine)[1];
    std::int64_t whole = 0;
    for (const Bag* bag : bags) whole += bag->width;
    // By table the chips have unequal shares: what is sent is not what comes.
    std::int64_t moved = (chips_ - 1) * samples * width;
    if (by_ == ShardBy::table) moved = std::max(moved, samples * (whole - width));
    const ValueId there = b.raw(Op::exchange, {mine}, {{"elements", moved}, {"chips", chips_}});
    const ValueId blocks = b.reshape(there, {chips_, samples, width});
    if (by_ == ShardBy::table) return deal_out(bags, b, blocks);
    std::int64_t at = 0;
    const DType dtype = b.type(mine).dtype;
    const ValueId sums = by_ == ShardBy::row
                             ? b.raw(Op::reduce_sum, {blocks},
                                     {{"axes", Builder::Dims{0}}, {"dtype", std::string(name_of(dtype))}})
                             : b.transpose(blocks, {1, 0, 2});
    for (const Bag* bag : bags) {
      const std::int64_t own = own_width(*bag);
      ValueId part = sums;
      if (by_ == ShardBy::row) {
        part = b.slice(b.reshape(sums, {samples, width}), {0, at}, {samples, own}, {1, 1});
      } else {
        part = b.slice(sums, {0, 0, at}, {samples, chips_, own}, {1, 1, 1});
        part = b.slice(b.reshape(part, {samples, chips_ * own}), {0, 0}, {samples, bag->width}, {1, 1});
      }
      at += own;
      give(*bag, b, part);
    }
  }

  /// This chip's tables as they are, those of others made of the columns that it has for others' samples.
  void deal_out(const std::vector<const Bag*>& bags, Builder& b, ValueId blocks) {
    const std::int64_t samples = b.shape(blocks)[1], width = b.shape(blocks)[2];
    const auto columns = [&](std::int64_t block, std::int64_t first, std::int64_t many) {
      return b.reshape(b.slice(blocks, {block, 0, first}, {1, samples, many}, {1, 1, 1}), {samples, many});
    };
    std::int64_t at = 0, block = 1, column = 0;
    for (const Bag* bag : bags) {
      if (bag->own) {
        give(*bag, b, columns(0, at, bag->width));
        at += bag->width;
        continue;
      }
      std::vector<ValueId> parts;
      for (std::int64_t left = bag->width; left > 0;) {
        const std::int64_t many = std::min(left, width - column);
        parts.push_back(columns(block, column, many));
        left -= many;
        column += many;
        if (column < width) continue;
        column = 0;
        block = block + 1 < chips_ ? block + 1 : 1;
      }
      give(*bag, b, parts.size() == 1 ? parts[0] : b.raw(Op::concat, parts, {{"axis", std::int64_t{1}}}));
    }
  }

  void give(const Bag& bag, Builder& b, ValueId rows) {
    if (b.type(rows).dtype != bag.dtype) rows = b.op(Op::cast, {rows}, bag.dtype);
    rewriter_.replace(bag.node->output, b.reshape(rows, from_.value(bag.node->output).type.shape));
  }

  const Graph& from_;
  std::vector<Bag> bags_;
  std::int64_t chips_;
  ShardBy by_;
  Rewriter rewriter_;
};

}  // namespace

Graph shard_tables(const Graph& forward, std::int64_t chips, ShardBy by) {
  std::vector<Bag> bags = bags_of(forward);
  if (bags.empty())
    throw Error(ExitCode::unsupported,
                "--shards: the model has no embedding bag of a table of parameters by an input of lookups",
                "leave --shards away, or pool each table's rows by Gather and ReduceSum");
  if (by == ShardBy::table) deal(bags, chips);
  return Sharding(forward, std::move(bags), chips, by).run();
}

}  // namespace leto::compiler
