// Measured kernels of other parts (study/tables/{matmul,softmax,layernorm}.toml): a model of one operator is
// compared with the row of its shape, another shape with the rows nearest to it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "study/fact_table.h"
#include "study/record.h"

namespace leto::study {

/// What a model of one operator does (record.json, `kernel`): softmax and layernorm over rows of columns,
/// or a product C[m, n] = A[m, k] B[k, n]. The time of a product hardly depends on more than m and n k.
struct Kernel {
  std::string name, dtype;
  double rows = 0, columns = 0;  // of a product m, and n k
};
/// nullopt when the record is of more than one operator, or of none that was measured anywhere.
std::optional<Kernel> kernel_of(const Record& record);

/// What the rates of a workload count: a record's useful FLOPs, or of a kernel without any its elements.
struct Counted {
  double amount = 0;  // of the whole run; 0 = nothing to count
  std::string unit;   // of the rate: "FLOP/s" or "elem/s"
  std::string precision;
  std::string from;  // keys of record.json: "flops", or "kernel, steps"
};
Counted counted_in(const Record& record);

struct MeasuredRow {
  std::string part, precision;
  double rows, columns;  // as Kernel's
  const Fact* fact;      // TFLOP/s or Gelem/s
};

struct RowPrediction {
  double rate = 0, low = 0, high = 0;  // FLOP/s or elem/s
  bool measured = false;               // a row of that very shape
  std::vector<const Fact*> rests_on;
};

/// The rows of one operator.
class MeasuredRows {
 public:
  /// Throws Error(bad_input) naming the row whose key is not <part>.<precision>.<M>x<N>[x<K>], or whose unit
  /// is no rate.
  explicit MeasuredRows(const FactTable& table);
  MeasuredRows(const MeasuredRows&) = delete;  // the rows point into the table
  MeasuredRows& operator=(const MeasuredRows&) = delete;

  /// nullopt when nothing of that part and precision was measured. Without its own row: between the three
  /// nearest (logarithms of both extents and of the rate), and an interval that holds 90 % of the errors
  /// that leaving each row out gives.
  std::optional<RowPrediction> predict(const std::string& part, const std::string& precision,
                                       const Kernel& kernel) const;

  /// Predicted over measured of each row of a part and precision, when it is left out.
  std::vector<double> left_out(const std::string& part, const std::string& precision) const;

 private:
  std::vector<const MeasuredRow*> nearest(const std::string& part, const std::string& precision,
                                          const MeasuredRow& to) const;
  FactTable table_;
  std::vector<MeasuredRow> rows_;
};

/// Names of the operators that have a table, which are the tables' too.
inline constexpr const char* kMeasuredKernels[] = {"matmul", "softmax", "layernorm"};

}  // namespace leto::study
