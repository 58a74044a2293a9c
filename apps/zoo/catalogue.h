// The workloads that `leto zoo` writes: a table of names, settings and the functions that build them.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtypes.h"

namespace leto::zoo {

/// A number a workload takes from the command line (`--name`); `flag` ones are 0 or 1 and take no value.
struct Setting {
  std::string_view name;
  std::int64_t otherwise, least, most;
  std::string_view doc;
  bool flag = false;
};

/// What a workload is built from: every setting of its entry, by name.
struct Request {
  std::map<std::string, std::int64_t, std::less<>> settings;
  DType dtype = DType::bf16;
  std::uint64_t seed = 1;
  std::int64_t operator[](std::string_view name) const { return settings.find(name)->second; }
};

struct Workload {
  std::string_view name;
  std::string_view doc;
  DType dtype;  // when --dtype does not say
  std::vector<Setting> settings;
  onnx::ModelProto (*build)(const Request&);
  /// A rule between the settings: what is wrong with them, empty when nothing is.
  std::string (*conflict)(const Request&) = nullptr;
};

/// In the order of the manual.
std::span<const Workload> workloads();
/// nullptr when there is none of this name.
const Workload* find_workload(std::string_view name);
/// Builds after checking every setting against its range: Error(usage).
onnx::ModelProto build(const Workload& workload, const Request& request);

// One function a workload family; the numbers they read are in their entries of catalogue.cpp.
onnx::ModelProto gemm(const Request& request);
onnx::ModelProto add(const Request& request);
onnx::ModelProto softmax(const Request& request);
onnx::ModelProto layernorm(const Request& request);
onnx::ModelProto adamw(const Request& request);
onnx::ModelProto attention(const Request& request);
onnx::ModelProto mlp(const Request& request);
onnx::ModelProto lenet(const Request& request);
onnx::ModelProto gpt2_small(const Request& request);
onnx::ModelProto gpt2_medium(const Request& request);
onnx::ModelProto gpt2_large(const Request& request);
onnx::ModelProto gpt2_xl(const Request& request);
onnx::ModelProto llama3_8b(const Request& request);
onnx::ModelProto llama3_70b(const Request& request);
onnx::ModelProto bert_base(const Request& request);
onnx::ModelProto resnet50(const Request& request);
onnx::ModelProto embedding(const Request& request);
onnx::ModelProto dlrm(const Request& request);
onnx::ModelProto hstu(const Request& request);
onnx::ModelProto artemis_op(const Request& request);

}  // namespace leto::zoo
