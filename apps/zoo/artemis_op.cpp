// One operation of the training step that a real Artemis recorded.
#include "apps/zoo/catalogue.h"
#include "apps/zoo/device_operators.h"

namespace leto::zoo {

onnx::ModelProto artemis_op(const Request& request) {
  return device_model(artemis_step().at(static_cast<std::size_t>(request["number"] - 1)), request.seed);
}

}  // namespace leto::zoo
