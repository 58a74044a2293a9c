#!/usr/bin/env bash
# Are the model's tests worth their name? Plants each defect of tests/mutation/mutations.tsv in a scratch copy of the
# tree, builds the model's tests there and runs the fast ones: a defect that no test notices is reported as missed, and
# the exit code is 1. Arguments: words that a mutation's name must contain (none = all). Works in build/mutate.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
tree=build/mutate/tree
list=tests/mutation/mutations.tsv
jobs=${LETO_JOBS:-2}

# Only what differs, so that what an earlier run built is used again.
copy_tree() {
  local file
  mkdir -p "$tree"
  find . \( -path ./build -o -path ./out -o -path ./.git \) -prune -o -type f -print | while read -r file; do
    cmp -s "$file" "$tree/$file" || install -D "$file" "$tree/$file"
  done
  (cd "$tree" && find . -type f) | while read -r file; do [[ -e $file ]] || rm "$tree/$file"; done
}

build() { cmake --build build/mutate/build -j "$jobs" --target test_model >build/mutate/build.log 2>&1; }

tests() {
  ctest --test-dir build/mutate/build -R '^model:' -LE slow -j "$jobs" --timeout 300 --stop-on-failure "$@" \
    >build/mutate/test.log 2>&1
}

# Prints the first test that fails, if one does. Those that simulate longest come last.
first_failure() {
  local long='streaming read|grids from|every completion'
  tests -E "$long" && tests -R "^model:.*($long)" && return 1
  sed -n 's/^ *[0-9]*\/[0-9]* *Test *#[0-9]*: model:\(.*[^ .]\) [. ]*\*\*\*.*$/\1/p' build/mutate/test.log | head -n 1
}

# Replaces the one place; fails when it is not one.
plant() {
  FROM=$2 TO=$3 perl -0pi -e 's/\Q$ENV{FROM}\E/$ENV{TO}/ == 1 or die "nothing to replace\n"' "$tree/$1"
}

copy_tree
cmake -S "$tree" -B build/mutate/build -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="-O0 -w" -DLETO_RTL=OFF \
  >build/mutate/configure.log
build || { tail -n 20 build/mutate/build.log >&2; exit 1; }
if failure=$(first_failure); then
  echo "the tests fail before anything is planted: $failure" >&2
  exit 1
fi

missed=0
planted=0
while IFS=$'\t' read -r name file from to; do
  [[ $# -eq 0 || $name == *"$*"* ]] || continue
  planted=$((planted + 1))
  plant "$file" "$from" "$to"
  if ! build; then
    verdict="DOES NOT BUILD"
  elif failure=$(first_failure); then
    verdict="caught by: $failure"
  else
    verdict="MISSED"
  fi
  [[ $verdict == caught* ]] || missed=$((missed + 1))
  printf '%-55s %s\n' "$name" "$verdict"
  cp "$root/$file" "$tree/$file"
done < <(tail -n +2 "$list")
echo "$planted planted, $missed not caught"
[[ $missed -eq 0 ]]
