#!/usr/bin/env bash
# Makes the records of the worked example again: records.sh LETO OUT, with LETO the binary and OUT an empty folder.
set -euo pipefail
leto=$(realpath "$1") out=$2 here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out" && cd "$out"
make() { # NAME RECIPE LOOKUPS ZOO-ARGUMENTS...
  "$leto" zoo "${@:4}" -o "$1.onnx"
  "$leto" run "$1.onnx" --chip pilot --train "$here/$2" --lookups "$3" --values off --out "$1"
  cp "$1/record.json" "$here/records/$1.json"
}
make gpt2-small adamw.toml uniform gpt2-small --batch 1 --seq 1024 --layers 2
make llama3-8b adamw.toml uniform llama3-8b --batch 1 --seq 2048 --layers 1
make dlrm adagrad.toml production dlrm --batch 8192
