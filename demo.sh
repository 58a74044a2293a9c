#!/usr/bin/env bash
# Two runs on the simulated pilot chip, from a fresh Debian 12: an MLP trained on hand-written digits, values and all,
# and the training step of GPT-2 small, timed. Leaves out/digits and out/gpt2-small.
set -euo pipefail
cd "$(dirname "$0")"

tools/build.sh release leto
leto=build/release/bin/leto
mkdir -p out

echo
echo "1. MLP 64-64-10 on 8x8 digits: 468 steps of batch 32, computed by the simulated chip"
"$leto" zoo mlp --batch 32 -o out/mlp.onnx >/dev/null
"$leto" run out/mlp.onnx --chip pilot --train apps/recipes/digits.toml --out out/digits

echo
echo "2. GPT-2 small: one AdamW step of 8 x 1024 tokens in bf16, timing only"
"$leto" zoo gpt2-small --batch 8 --seq 1024 -o out/gpt2-small.onnx >/dev/null
"$leto" run out/gpt2-small.onnx --chip pilot --train apps/recipes/gpt2.toml --values off --out out/gpt2-small
