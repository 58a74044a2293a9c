#include "apps/zoo/catalogue.h"

#include "base/errors.h"

namespace leto::zoo {
namespace {

constexpr std::int64_t kMost =
    1 << 20;  // of a matrix extent: beyond any layer, far from overflowing a product

constexpr std::int64_t kArtemisOperations = 593;  // distinct ones, checked by tests/e2e/artemis_test.cpp

Setting extent(std::string_view name, std::string_view doc) {
  return {name, 1024, 1, kMost, doc};
}
Setting flag(std::string_view name, std::string_view doc) {
  return {name, 0, 0, 1, doc, true};
}
Setting batch(std::int64_t otherwise) {
  return {"batch", otherwise, 1, 65536, "samples of a step"};
}

std::vector<Setting> gpt2(std::int64_t layers, std::int64_t width, std::int64_t heads) {
  return {{"batch", 8, 1, 4096, "sequences of a step"},
          {"seq", 1024, 1, 1024, "tokens of a sequence (GPT-2's context is 1024)"},
          {"layers", layers, 1, 1024, "transformer blocks"},
          {"width", width, 1, kMost, "of a token: a multiple of heads"},
          {"heads", heads, 1, 1024, "attention heads"},
          {"vocabulary", 50257, 2, kMost, "tokens that there are"}};
}

struct LlamaSizes {
  std::int64_t layers, width, heads, ffn;
};

std::vector<Setting> llama3(const LlamaSizes& sizes) {
  return {{"batch", 1, 1, 4096, "sequences of a step"},
          {"seq", 8192, 1, 8192, "tokens of a sequence (Llama 3's context is 8192)"},
          {"layers", sizes.layers, 1, 1024, "transformer blocks"},
          {"width", sizes.width, 2, kMost, "of a token: a multiple of 2 x heads"},
          {"heads", sizes.heads, 1, 1024, "query heads: a multiple of kv-heads"},
          {"kv-heads", 8, 1, 1024, "heads of keys and values"},
          {"ffn", sizes.ffn, 1, kMost, "inner width of the MLP"},
          {"vocabulary", 128256, 2, kMost, "tokens that there are"}};
}

std::string uneven_groups(const Request& request) {
  if (request["heads"] % request["kv-heads"] != 0) return "--heads is no multiple of --kv-heads";
  return "";
}

std::string uneven_llama(const Request& request) {
  if (request["width"] % (2 * request["heads"]) != 0) return "--width is no multiple of twice --heads";
  return uneven_groups(request);
}

std::string uneven_heads(const Request& request) {
  return request["width"] % request["heads"] != 0 ? "--width is no multiple of --heads" : "";
}

const std::vector<Workload>& table() {
  static const std::vector<Workload> kTable = {
      {"gemm",
       "C[m,n] = A[m,k] B[k,n], B an initializer",
       DType::bf16,
       {extent("m", "rows of C"), extent("n", "columns of C"), extent("k", "inner extent"),
        flag("trans-a", "A is stored [k,m]"), flag("trans-b", "B is stored [n,k]")},
       gemm},
      {"add", "C = A + B, both inputs", DType::bf16, {extent("m", "rows"), extent("n", "columns")}, add},
      {"softmax", "over the last axis", DType::bf16, {extent("m", "rows"), extent("n", "columns")}, softmax},
      {"layernorm",
       "over the last axis, scale and bias",
       DType::bf16,
       {extent("m", "rows"), extent("n", "columns")},
       layernorm},
      {"adamw",
       "the optimizer's step alone, on inputs",
       DType::fp32,
       {{"n", 1 << 24, 1, std::int64_t{1} << 33, "parameters"}},
       adamw},
      {"attention",
       "scaled dot product, grouped heads; q, k and v are inputs",
       DType::bf16,
       {{"batch", 1, 1, 4096, "sequences"},
        {"seq", 2048, 1, 8192, "tokens of a sequence"},
        {"heads", 32, 1, 1024, "query heads: a multiple of kv-heads"},
        {"kv-heads", 8, 1, 1024, "heads of keys and values"},
        {"head-dim", 128, 1, 4096, "width of a head"},
        flag("causal", "a token sees none after it")},
       attention,
       uneven_groups},
      {"mlp",
       "64-64-10 with relu, for 8x8 digits",
       DType::bf16,
       {batch(32), {"layers", 2, 1, 64, "fully connected layers"}},
       mlp},
      // fp16: ONNX has no bf16 convolution before opset 22, and the matrix engine takes no fp32
      {"lenet", "two convolutions, three dense layers, for 28x28 MNIST", DType::fp16, {batch(32)}, lenet},
      {"gpt2-small", "12 layers, width 768, 12 heads: 124 M parameters, loss included", DType::bf16,
       gpt2(12, 768, 12), gpt2_small, uneven_heads},
      {"gpt2-medium", "24 layers, width 1024, 16 heads: 355 M parameters", DType::bf16, gpt2(24, 1024, 16),
       gpt2_medium, uneven_heads},
      {"gpt2-large", "36 layers, width 1280, 20 heads: 774 M parameters", DType::bf16, gpt2(36, 1280, 20),
       gpt2_large, uneven_heads},
      {"gpt2-xl", "48 layers, width 1600, 25 heads: 1.56 G parameters", DType::bf16, gpt2(48, 1600, 25),
       gpt2_xl, uneven_heads},
      {"llama3-8b", "32 layers, width 4096, 32 heads: 8.03 G parameters, loss included", DType::bf16,
       llama3({32, 4096, 32, 14336}), llama3_8b, uneven_llama},
      {"llama3-70b", "80 layers, width 8192, 64 heads: 70.6 G parameters", DType::bf16,
       llama3({80, 8192, 64, 28672}), llama3_70b, uneven_llama},
      {"bert-base",
       "12 layers, width 768, 12 heads: 110 M parameters, loss included",
       DType::bf16,
       {{"batch", 32, 1, 4096, "sequences of a step"},
        {"seq", 512, 1, 512, "tokens of a sequence (BERT's context is 512)"},
        {"layers", 12, 1, 1024, "transformer blocks"},
        {"width", 768, 1, kMost, "of a token: a multiple of heads"},
        {"heads", 12, 1, 1024, "attention heads"},
        {"ffn", 3072, 1, kMost, "inner width of the MLP"},
        {"vocabulary", 30522, 2, kMost, "tokens that there are"}},
       bert_base,
       uneven_heads},
      // fp16 for the same reason as lenet
      {"resnet50",
       "50 layers for 224x224 images: 25.6 M parameters, batch statistics and loss included",
       DType::fp16,
       {batch(64),
        {"image", 224, 32, 1024, "height and width of an image"},
        {"width", 64, 1, 4096, "channels of the first convolution"},
        {"classes", 1000, 2, kMost, "kinds of images"}},
       resnet50},
      {"embedding",
       "pooled lookups alone, all tables side by side",
       DType::fp16,
       {{"batch", 8192, 1, 1 << 20, "bags of a table"},
        {"tables", 1, 1, 64, "embedding tables"},
        {"rows", 1000000, 1, std::int64_t{1} << 31, "of a table"},
        {"dim", 128, 1, 4096, "width of a row"},
        {"bag", 32, 1, 4096, "lookups of a bag"},
        flag("weighted", "a weight for every lookup, an input like the indices"),
        flag("int8", "rows of int8 with a scale and a bias each")},
       embedding},
      {"dlrm",
       "MLPerf's recommender: 26 tables of 128-wide rows, cross network, clicks' loss included",
       DType::bf16,
       {{"batch", 8192, 1, 65536, "samples of a step"},
        {"tables", 26, 1, 26, "embedding tables, of Criteo's features in order"},
        {"rows", 40000000, 1, 40000000, "of a table at most"},
        {"dim", 128, 1, 4096, "width of a row"},
        {"bag", 100, 1, 100, "lookups of a feature at most"},
        {"narrow", 1, 1, 1024, "divides the widths of the MLPs and of the cross network's inner layers"},
        flag("dot", "pairwise products of the features in place of the cross network")},
       dlrm},
      {"hstu",
       "generative recommender: gated attention by SiLU with a bias of the distance, next item's loss "
       "included",
       DType::bf16,
       {{"batch", 8, 1, 4096, "users of a step"},
        {"seq", 1024, 1, 8192, "places of a history"},
        {"layers", 8, 1, 1024, "units"},
        {"width", 512, 1, kMost, "of an item: a multiple of heads"},
        {"heads", 8, 1, 1024, "attention heads"},
        {"items", 32000, 2, std::int64_t{1} << 31, "items that there are"},
        {"buckets", 0, 0, 4096,
         "of the times between two events, an input, each with a bias; 0: times have none"},
        flag("ragged", "histories end before their last place, where the input `last` says")},
       hstu,
       uneven_heads},
      {"artemis-op",
       "one operation of the training step in traces/artemis, in the types that it had there",
       DType::fp32,
       {{"number", 1, 1, kArtemisOperations, "its row in docs/artemis.md"}},
       artemis_op},
  };
  return kTable;
}

void check(const Workload& workload, const Setting& setting, std::int64_t value) {
  if (value >= setting.least && value <= setting.most) return;
  throw Error(ExitCode::usage,
              fmt::format("zoo {}: --{} {} is out of range", workload.name, setting.name, value),
              fmt::format("give {} to {}", setting.least, setting.most));
}

}  // namespace

std::span<const Workload> workloads() {
  return table();
}

const Workload* find_workload(std::string_view name) {
  for (const auto& workload : table())
    if (workload.name == name) return &workload;
  return nullptr;
}

onnx::ModelProto build(const Workload& workload, const Request& request) {
  for (const auto& setting : workload.settings) check(workload, setting, request[setting.name]);
  if (const auto wrong = workload.conflict ? workload.conflict(request) : ""; !wrong.empty())
    throw Error(ExitCode::usage, fmt::format("zoo {}: {}", workload.name, wrong),
                fmt::format("leto zoo {} --help says what the settings are", workload.name));
  return workload.build(request);
}

}  // namespace leto::zoo
