#!/usr/bin/env bash
# The one list of Debian packages that Leto needs. Installs those that are missing, says which; does nothing when
# all are there. Needs root, or sudo. "synthesis" adds what gate counts and proofs of the RTL need (./test.sh --full).
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config
  libfmt-dev libspdlog-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev zlib1g-dev
  libprotobuf-dev protobuf-compiler libonnx-dev libsystemc-dev
  doctest-dev libmpfr-dev libgmp-dev libonnx-testdata
  verilator
)
case ${1:-} in
  "") ;;
  synthesis) packages+=(yosys berkeley-abc z3 python3) ;;
  *) echo "usage: tools/install-dependencies.sh [synthesis]" >&2; exit 2 ;;
esac

installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 ~ /^.i$/ {print $2}')
missing=()
for package in "${packages[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || { echo "missing packages: ${missing[*]}; run as root, or install sudo" >&2; exit 9; }
  root=(sudo)
fi
echo "installing Debian packages: ${missing[*]}"
"${root[@]}" apt-get update -qq
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
