#include "compiler/lower/matmul_shape.h"

#include <utility>

namespace leto::compiler {
namespace {

void erase_dim(View& v, std::size_t i) {
  v.shape.erase(v.shape.begin() + std::ptrdiff_t(i));
  v.strides.erase(v.strides.begin() + std::ptrdiff_t(i));
}

// A batch dim that b does not depend on is more rows of a, if a and c are laid out that way.
void merge_batch_into_m(MatmulShape& s) {
  while (s.a.view.shape.size() > 2) {
    const auto i = s.a.view.shape.size() - 3;
    const View &a = s.a.view, &c = s.c.view;
    if (s.b.view.shape[i] != 1 && s.b.view.strides[i] != 0) return;
    if (a.shape[i] != 1 && (a.strides[i] != a.strides[i + 1] * a.shape[i + 1] ||
                            c.strides[i] != c.strides[i + 1] * c.shape[i + 1]))
      return;
    for (View* v : {&s.a.view, &s.c.view}) {
      if (v->shape[i + 1] == 1) v->strides[i + 1] = v->strides[i];
      v->shape[i + 1] *= v->shape[i];
      erase_dim(*v, i);
    }
    erase_dim(s.b.view, i);
  }
}

// The remaining batch dims, merged where all three views allow.
void merge_batch_dims(MatmulShape& s) {
  std::vector<View> batch;
  for (const View* v : {&s.a.view, &s.b.view, &s.c.view}) {
    View b = *v;
    b.shape.resize(b.shape.size() - 2);
    b.strides.resize(b.strides.size() - 2);
    batch.push_back(b);
  }
  collapse(batch, false);
  if (batch[0].shape == Dims{1})
    for (auto& b : batch) b.shape.clear(), b.strides.clear();
  std::size_t i = 0;
  for (View* v : {&s.a.view, &s.b.view, &s.c.view}) {
    View& b = batch[i++];
    b.shape.insert(b.shape.end(), v->shape.end() - 2, v->shape.end());
    b.strides.insert(b.strides.end(), v->strides.end() - 2, v->strides.end());
    *v = b;
  }
}

}  // namespace

MatmulShape normalise(const MatmulKernel& kernel) {
  MatmulShape s{kernel.a, kernel.b, kernel.c, {}};
  auto rank = s.c.view.shape.size();
  if (s.c.view.strides[rank - 1] != 1 && s.c.view.shape[rank - 1] != 1 && s.c.view.strides[rank - 2] == 1) {
    std::swap(s.a, s.b);
    std::swap(s.c.view.shape[rank - 1], s.c.view.shape[rank - 2]);
    std::swap(s.c.view.strides[rank - 1], s.c.view.strides[rank - 2]);
  }
  merge_batch_into_m(s);
  merge_batch_dims(s);
  rank = s.c.view.shape.size();
  s.batch.assign(s.c.view.shape.begin(), s.c.view.shape.end() - 2);
  s.m = s.c.view.shape[rank - 2];
  s.n = s.c.view.shape[rank - 1];
  s.k = s.a.view.shape[rank - 1];
  return s;
}

MatmulShape placed_shape(const Lowered& lowered, const MatmulKernel& kernel) {
  MatmulShape s = normalise(kernel);
  s.a_in_sram = in_sram(lowered, s.a);
  s.b_in_sram = in_sram(lowered, s.b);
  s.c_in_sram = in_sram(lowered, s.c);
  return s;
}

}  // namespace leto::compiler
