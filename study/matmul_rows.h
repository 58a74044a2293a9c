// Measured matrix products of other parts (study/tables/matmul.toml): a product of the same shape is compared
// with its row, another with the rows nearest to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "study/fact_table.h"
#include "study/record.h"

namespace leto::study {

/// C[m, n] = A[m, k] B[k, n]; of a record m and n k are known, and the time hardly depends on more.
struct MatmulShape {
  double m = 0, weights = 0;  // weights: n k
};
/// nullopt when the record is of anything but one forward product with its weights as parameters.
std::optional<MatmulShape> shape_of(const Record& record);

struct MatmulRow {
  std::string part, precision;
  MatmulShape shape;
  const Fact* fact;  // TFLOP/s
};

struct MatmulPrediction {
  double flops_per_s = 0, low = 0, high = 0;
  bool measured = false;  // a row of that very shape
  std::vector<const Fact*> rests_on;
};

class MatmulRows {
 public:
  /// Throws Error(bad_input) naming the row whose key is not <part>.<precision>.<M>x<N>x<K>.
  explicit MatmulRows(const FactTable& table);
  MatmulRows(const MatmulRows&) = delete;  // the rows point into the table
  MatmulRows& operator=(const MatmulRows&) = delete;

  /// nullopt when nothing of that part and precision was measured. Without its own row: between the three
  /// nearest (logarithms of m, of weights and of the rate), and an interval that holds 90 % of the errors
  /// that leaving each row out gives.
  std::optional<MatmulPrediction> predict(const std::string& part, const std::string& precision,
                                          const MatmulShape& shape) const;

  /// Predicted over measured of each row of a part and precision, when it is left out.
  std::vector<double> left_out(const std::string& part, const std::string& precision) const;

 private:
  std::vector<const MatmulRow*> nearest(const std::string& part, const std::string& precision,
                                        const MatmulShape& shape, const MatmulRow* without) const;
  FactTable table_;
  std::vector<MatmulRow> rows_;
};

}  // namespace leto::study
