// The device operations of a recorded training step (traces/artemis), each distinct one once.
#pragma once

#include <string>
#include <vector>

#include "apps/zoo/builder.h"

namespace leto::zoo {

/// Launches of one operation on operands of the same shapes and types.
struct DeviceOperation {
  std::string kernel;              // as the device calls it: "add-dtype_Float"
  std::string aten;                // the operator of PyTorch that launched it
  std::vector<Shape> shapes;       // of its operands; [] also for what is no tensor
  std::vector<std::string> types;  // "float", "double", "long", "Scalar", "" = absent, …
  std::vector<double> device_us;   // of each launch
  std::vector<double> host_us;     // of each launch, on the host: the device's time is inside

  /// The kernel without its type and the number of its operands: "add", "aten::cat.out".
  std::string name() const;
  /// Tensors in a list of operands, whose shapes are not recorded; 1 where there is no list.
  std::int64_t listed() const;
  /// "1024x256 float, 1024x256 float".
  std::string operands() const;
};

/// In the order in which they first ran. Error(bad_input) when the file is damaged.
const std::vector<DeviceOperation>& artemis_step();

}  // namespace leto::zoo
