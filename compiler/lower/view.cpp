#include "compiler/lower/view.h"

namespace leto::compiler {

std::int64_t product(const Dims& dims) {
  std::int64_t n = 1;
  for (auto d : dims) n *= d;
  return n;
}

View dense_view(StorageId storage, const Dims& shape) {
  View view{storage, 0, shape, Dims(shape.size())};
  std::int64_t stride = 1;
  for (auto i = shape.size(); i-- > 0;) {
    view.strides[i] = stride;
    stride *= shape[i];
  }
  return view;
}

bool is_dense(const View& view) {
  std::int64_t stride = 1;
  for (auto i = view.shape.size(); i-- > 0;) {
    if (view.shape[i] != 1 && view.strides[i] != stride) return false;
    stride *= view.shape[i];
  }
  return true;
}

View transposed(const View& view, const Dims& perm) {
  View out = view;
  for (std::size_t i = 0; i < perm.size(); ++i) {
    out.shape[i] = view.shape[static_cast<std::size_t>(perm[i])];
    out.strides[i] = view.strides[static_cast<std::size_t>(perm[i])];
  }
  return out;
}

View sliced(const View& view, const Dims& starts, const Dims& sizes, const Dims& steps) {
  View out = view;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    out.offset += starts[i] * view.strides[i];
    out.shape[i] = sizes[i];
    out.strides[i] = view.strides[i] * steps[i];
  }
  return out;
}

View broadcast(const View& view, const Dims& shape) {
  View out{view.storage, view.offset, shape, Dims(shape.size(), 0)};
  const auto lead = shape.size() - view.shape.size();
  for (std::size_t i = 0; i < view.shape.size(); ++i)
    if (view.shape[i] != 1) out.strides[lead + i] = view.strides[i];
  return out;
}

std::optional<View> reshaped(const View& view, const Dims& shape) {
  View out{view.storage, view.offset, shape, Dims(shape.size(), 0)};
  // Walk both shapes from the innermost dim; a target dim takes (part of) one run of mergeable source dims.
  std::size_t from = view.shape.size();
  std::int64_t run = 1, run_stride = 1;  // what is left of the current run, and its stride
  auto next_run = [&] {
    while (from > 0 && view.shape[from - 1] == 1) --from;
    if (from == 0) return false;
    --from;
    run = view.shape[from];
    run_stride = view.strides[from];
    std::int64_t stride = run_stride * run;
    while (from > 0) {
      const auto d = view.shape[from - 1], s = view.strides[from - 1];
      if (d != 1 && s != stride) break;
      if (d != 1) {
        run *= d;
        stride *= d;
      }
      --from;
    }
    return true;
  };
  for (auto i = shape.size(); i-- > 0;) {
    if (shape[i] == 1) continue;
    if (run == 1 && !next_run()) return std::nullopt;
    if (run % shape[i] != 0) return std::nullopt;
    out.strides[i] = run_stride;
    run /= shape[i];
    run_stride *= shape[i];
  }
  return out;
}

void collapse(std::vector<View>& views, bool keep_last) {
  const auto rank = views.front().shape.size();
  if (rank < 2) return;
  auto mergeable = [&](std::size_t outer) {
    for (const auto& v : views)
      if (v.strides[outer] != v.strides[outer + 1] * v.shape[outer + 1]) return false;
    return true;
  };
  auto drop = [&](std::size_t i) {
    for (auto& v : views) {
      v.shape.erase(v.shape.begin() + static_cast<std::ptrdiff_t>(i));
      v.strides.erase(v.strides.begin() + static_cast<std::ptrdiff_t>(i));
    }
  };
  const std::size_t fixed = keep_last ? 1 : 0;  // dims at the end that stay as they are
  for (std::size_t i = rank - fixed; i-- > 0;)
    if (views.front().shape.size() > 1 && views.front().shape[i] == 1) drop(i);
  for (std::size_t i = views.front().shape.size() - fixed; i-- > 1;) {
    if (!mergeable(i - 1)) continue;
    for (auto& v : views) {
      v.shape[i] *= v.shape[i - 1];
    }
    drop(i - 1);
  }
}

}  // namespace leto::compiler
