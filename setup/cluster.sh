#!/usr/bin/env bash
# Makes the Python in which the tests of pipelines/cluster/ run: .deps/cluster/bin/python.
# Usage: setup/cluster.sh
# A finished one leaves the stamp .deps/cluster.stamp; while nothing that decides it changes, nothing
# is done. It takes 600 MB, Ray alone 70 MB to fetch.
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
    echo "setup: $*" >&2
    exit 1
}

requirements=pipelines/cluster/requirements.txt
mkdir -p .deps
# Two `make` at the same time: the second waits, then finds the work done.
exec 9>.deps/lock
flock 9

version=$(python3 -c 'import sys; print(*sys.version_info[:3], sys.prefix)') || die "python3 is needed"
wanted=$( (cat "$requirements" && echo "$version $(realpath .deps)") | sha256sum | cut -d' ' -f1)
stamp=.deps/cluster.stamp
[ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && [ -x .deps/cluster/bin/python ] && exit 0

rm -rf .deps/cluster "$stamp"
python3 -m venv .deps/cluster ||
    die "python3 with venv is needed (Debian, Ubuntu: apt-get install python3-venv)"
echo "setup: fetching what the tests of pipelines/cluster/ need"
.deps/cluster/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
    --require-hashes --requirement "$requirements" ||
    die "pip could not fetch it (its words are above). Ray has wheels for Python 3.9 to 3.13. Usual
       causes else: no network, a full disk. Mend that and run this again"
echo "$wanted" >.deps/cluster.partial
mv .deps/cluster.partial "$stamp"
