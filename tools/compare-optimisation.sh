#!/usr/bin/env bash
# Does a result depend on the compiler's optimiser? Builds leto once more without optimisation, in build/unoptimised, and
# compares record, trace and values of three workloads with those of the build given. Argument: that build's leto.
set -euo pipefail
cd "$(dirname "$0")/.."

leto=$(realpath "${1:-build/release/bin/leto}")
jobs=${LETO_JOBS:-2}
mkdir -p build
cmake -S . -B build/unoptimised -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="-O0 -w" -DLETO_TESTS=OFF -DLETO_RTL=OFF \
  >build/unoptimised.log
cmake --build build/unoptimised -j "$jobs" --target leto >>build/unoptimised.log ||
  { tail -n 20 build/unoptimised.log >&2; exit 1; }
plain=$PWD/build/unoptimised/bin/leto

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
printf 'optimizer = "sgd"\nlr = 0.1\nloss = "cross_entropy"\n' >recipe.toml

compare() {
  local name=$1
  shift
  "$leto" run "$@" --chip tiny --values on --trace --out "$name.a" >/dev/null
  "$plain" run "$@" --chip tiny --values on --trace --out "$name.b" >/dev/null
  "$leto" diff "$name.a" "$name.b" --exact
  cmp "$name.a/trace.pftrace" "$name.b/trace.pftrace"
  diff -r "$name.a/values" "$name.b/values"
  echo "$name: the same record, trace and values"
}

"$leto" zoo gemm --m 96 --n 80 --k 200 -o gemm.onnx >/dev/null
"$leto" zoo layernorm --m 64 --n 192 -o layernorm.onnx >/dev/null
"$leto" zoo mlp --batch 32 -o mlp.onnx >/dev/null
compare gemm gemm.onnx
compare layernorm layernorm.onnx
compare mlp mlp.onnx --train recipe.toml
