#!/usr/bin/env bash
# Runs every fuzz target for SECONDS_EACH on the installed toolchain, as many at a time as there are
# cores, with inputs kept in fuzz/corpus/ and findings in fuzz/artifacts/. FUZZ_SEED makes it draw
# the same inputs each time; FUZZ_PROFILE names the profile of fuzz/Cargo.toml (release).
#
# The flags are those that cargo-fuzz sets with `--sanitizer none`. They are stable ones: a
# sanitizer would need a nightly compiler, and the code under test has no unsafe blocks to check.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:?usage: fuzz/run.sh SECONDS_EACH [TARGET ...]}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(basename --suffix .rs -a fuzz_targets/*.rs)

export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
-Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
# With a target named, the flags leave build scripts alone.
triple=$(rustc -vV | sed -n 's/^host: //p')
profile=${FUZZ_PROFILE:-release}
cargo build --profile "$profile" --target "$triple" "${targets[@]/#/--bin=}"

fuzz() {
    local target=$1
    mkdir -p "corpus/$target" "artifacts/$target"
    "$folder/$target" -max_total_time="$seconds" -seed="${FUZZ_SEED:-0}" -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="artifacts/$target/" "corpus/$target" 2>&1 |
        sed "s/^/$target: /"
}
export -f fuzz
export seconds folder=target/$triple/$profile
echo "fuzzing ${targets[*]} for $seconds s each"
printf '%s\n' "${targets[@]}" |
    xargs --max-procs="$(nproc)" --replace=TARGET bash -euo pipefail -c 'fuzz TARGET'
