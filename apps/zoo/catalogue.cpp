#include "apps/zoo/catalogue.h"

#include "base/errors.h"

namespace leto::zoo {
namespace {

constexpr std::int64_t kMost =
    1 << 20;  // of a matrix extent: beyond any layer, far from overflowing a product

Setting extent(std::string_view name, std::string_view doc) {
  return {name, 1024, 1, kMost, doc};
}
Setting flag(std::string_view name, std::string_view doc) {
  return {name, 0, 0, 1, doc, true};
}
Setting batch(std::int64_t otherwise) {
  return {"batch", otherwise, 1, 65536, "samples of a step"};
}

std::vector<Setting> gpt2(std::int64_t layers) {
  return {{"batch", 8, 1, 4096, "sequences of a step"},
          {"seq", 1024, 1, 1024, "tokens of a sequence (GPT-2's context is 1024)"},
          {"layers", layers, 1, 1024, "transformer blocks"}};
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
      {"adamw", "the optimizer's step alone", DType::fp32, {}, nullptr},
      {"attention", "scaled dot product, grouped heads", DType::bf16, {}, nullptr},
      {"mlp",
       "64-64-10 with relu, for 8x8 digits",
       DType::bf16,
       {batch(32), {"layers", 2, 1, 64, "fully connected layers"}},
       mlp},
      // fp16: ONNX has no bf16 convolution before opset 22, and the matrix engine takes no fp32
      {"lenet", "two convolutions, three dense layers, for 28x28 MNIST", DType::fp16, {batch(32)}, lenet},
      {"gpt2-small", "12 layers, width 768, 12 heads: 124 M parameters, loss included", DType::bf16, gpt2(12),
       gpt2_small},
      {"gpt2-medium", "24 layers, width 1024, 16 heads: 355 M parameters", DType::bf16, gpt2(24),
       gpt2_medium},
      {"gpt2-large", "36 layers, width 1280, 20 heads: 774 M parameters", DType::bf16, gpt2(36), gpt2_large},
      {"gpt2-xl", "48 layers, width 1600, 25 heads: 1.56 G parameters", DType::bf16, gpt2(48), gpt2_xl},
      {"llama3-8b", "32 layers, width 4096", DType::bf16, {}, nullptr},
      {"llama3-70b", "80 layers, width 8192", DType::bf16, {}, nullptr},
      {"bert-base", "12 layers, width 768", DType::bf16, {}, nullptr},
      {"resnet50", "50 layers of convolutions", DType::bf16, {}, nullptr},
      {"dlrm", "embedding tables and two MLPs", DType::bf16, {}, nullptr},
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
  if (workload.build == nullptr)
    throw Error(ExitCode::unsupported, fmt::format("zoo: '{}' is not built in this version", workload.name),
                "leto zoo --list says which workloads are");
  if (request.dtype != DType::fp32 && request.dtype != DType::bf16 && request.dtype != DType::fp16)
    throw Error(ExitCode::unsupported,
                fmt::format("zoo {}: no model is written in {} yet", workload.name, name_of(request.dtype)),
                "give --dtype bf16, fp16 or fp32");
  for (const auto& setting : workload.settings) check(workload, setting, request[setting.name]);
  return workload.build(request);
}

}  // namespace leto::zoo
