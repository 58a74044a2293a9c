#!/usr/bin/env bash
# Makes the records of the worked example again: records.sh LETO OUT, with LETO the binary and OUT an empty folder.
set -euo pipefail
leto=$(realpath "$1") out=$2 here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out" && cd "$out"
make() { # NAME RECIPE LOOKUPS FIDELITY ZOO-ARGUMENTS...
  "$leto" zoo "${@:5}" -o "$1.onnx"
  "$leto" run "$1.onnx" --chip pilot --train "$here/$2" --lookups "$3" --values off --fidelity "$4" --out "$1"
  cp "$1/record.json" "$here/records/$1.json"
}
make gpt2-small adamw.toml uniform full gpt2-small --batch 1 --seq 1024 --layers 2
make llama3-8b adamw.toml uniform reuse llama3-8b --batch 1 --seq 8192
make dlrm adagrad.toml production full dlrm --batch 8192
