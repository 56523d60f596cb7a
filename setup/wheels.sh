#!/usr/bin/env bash
# Fetches the wheels of setup/NAME.txt with pip and lays out what is needed of them in .deps/.
# Usage: setup/wheels.sh NAME
# A finished set leaves the stamp .deps/NAME.stamp, which holds a hash of everything that decides
# the layout; while that hash stays the same nothing is done.
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
    echo "setup: $*" >&2
    exit 1
}

name=${1:?usage: setup/wheels.sh NAME, where setup/NAME.txt lists the wheels}
requirements=setup/$name.txt
[ -f "$requirements" ] || die "there is no $requirements"

machine=$(uname -m)
case $machine in
    x86_64 | aarch64) ;;
    *) die "there are no ready libraries for $machine: this project runs on x86_64 and aarch64" ;;
esac

mkdir -p .deps
# Two `make` at the same time: the second waits, then finds the work done.
exec 9>.deps/lock
flock 9

stamp=.deps/$name.stamp
wanted=$(cat "$requirements" setup/unpack.py | sha256sum | cut -d' ' -f1)-$machine
[ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && exit 0

python3 -m pip --version >/dev/null 2>&1 ||
    die "python3 with pip is needed (Debian, Ubuntu: apt-get install python3-pip)"

# The wheels, pip's cache of them and their unpacked members lie on the disk at the same time.
case $name in
    libtorch) needed_mb=2000 ;;
    gpu) needed_mb=1000 ;;
    *) needed_mb=500 ;;
esac
free_mb() { df -Pm .deps | awk 'NR == 2 { print $4 }'; }
[ "$(free_mb)" -ge "$needed_mb" ] ||
    die "the disk of .deps/ has $(free_mb) MB left, '$name' needs $needed_mb MB: free some space and run this again"

aside=.deps/partial-$name
rm -rf "$aside"
trap 'rm -rf "$aside"' EXIT
mkdir -p "$aside/wheels" "$aside/tree"

# One wheel whatever the user's Python is: only files without Python code are taken from it.
platforms=()
for tag in 2_28 2_27 2_25 2_24 2_17; do
    platforms+=(--platform "manylinux_${tag}_$machine")
done
platforms+=(--platform "manylinux2014_$machine")
echo "setup: fetching '$name'"
python3 -m pip download --disable-pip-version-check --no-deps --require-hashes \
    --only-binary=:all: --implementation cp --python-version 3.12 --abi cp312 --abi none \
    "${platforms[@]}" --dest "$aside/wheels" --requirement "$requirements" ||
    die "pip could not fetch '$name' (its words are above). Usual causes: no network or a proxy that
       pip does not know; a full disk ($(free_mb) MB left here, pip also uses its cache and TMPDIR).
       Mend that and run this again"
python3 setup/unpack.py "$aside/wheels" "$aside/tree" ||
    die "'$name' could not be unpacked ($(free_mb) MB left on this disk)"

# From here on only renames: an interrupted run leaves no stamp and is done again.
rm -f "$stamp"
for folder in "$aside"/tree/*; do
    rm -rf ".deps/$(basename "$folder")"
    mv "$folder" .deps/
done
echo "$wanted" >"$aside/stamp"
mv "$aside/stamp" "$stamp"
echo "setup: '$name' is in .deps/"
