#!/usr/bin/env bash
# Measures `mdecomplete restore`: a long film with sound, and many clips with one job and with two.
#
# Usage: pipelines/restore-figures.sh [SECONDS [WIDTHxHEIGHT [CLIPS]]]
#
# The film is the demo's damaged clip again and again, SECONDS long (60) and of that size (1920x1080),
# with sound that never repeats; the clips are CLIPS (8; may be 0) copies of its first five seconds. It fails where
# a sample of the sound, the time of a frame, or a byte with another number of jobs differs.
# MDE_TARGET names another folder than target/release for the plug-in and the programs, MDE_JOBS other
# numbers of jobs for the film than '1 2'.
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/common.sh
case ${1:-} in -h | --help)
    usage
    exit 0
    ;;
esac

seconds=${1:-60} size=${2:-1920x1080} clips=${3:-8}
target=${MDE_TARGET:-target/release}
for tool in mdecomplete mdecomplete-demo; do
    [ -x "$target/$tool" ] || die "there is no $target/$tool: run 'make demo'"
done
export GST_PLUGIN_PATH=$target
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Runs a command; sets `took` to the seconds that it took, and `memory` to its megabytes.
timed() {
    /usr/bin/time -o "$scratch/time" -f '%e %M' "$@" >"$scratch/log" 2>&1 || {
        tail -n 5 "$scratch/log" >&2
        die "failed: $*"
    }
    read -r took memory < <(tail -n 1 "$scratch/time")
    memory=$((memory / 1024))
}

ratio() { awk "BEGIN { printf \"%.2f\", ($1) / ($2) }"; }

echo "making the film: $seconds s of $size"
"$target/mdecomplete-demo" clip .deps/pictures/astronaut.png "$scratch/short.mp4" >/dev/null
caps=video/x-raw,width=${size%x*},height=${size#*x},framerate=30/1
gst-launch-1.0 -q filesrc location="$scratch/short.mp4" ! decodebin ! videoconvert \
    ! videoscale add-borders=true ! "$caps,pixel-aspect-ratio=1/1" \
    ! x264enc pass=qual quantizer=20 bframes=0 key-int-max=60 speed-preset=veryfast ! h264parse \
    ! matroskamux ! filesink location="$scratch/clip.mkv"
loops=$(((seconds + 4) / 5))
again=()
for ((n = 0; n < loops; n++)); do
    again+=(filesrc location="$scratch/clip.mkv" ! matroskademux ! h264parse ! all.)
done
# A buffer of sound is a hundredth of a second.
gst-launch-1.0 -q concat name=all ! identity single-segment=true ! h264parse \
    ! queue max-size-bytes=0 max-size-buffers=0 max-size-time=0 ! mux. \
    audiotestsrc wave=pink-noise num-buffers=$((loops * 500)) samplesperbuffer=480 \
    ! audio/x-raw,rate=48000,channels=2 ! flacenc \
    ! queue max-size-bytes=0 max-size-buffers=0 max-size-time=0 ! mux. \
    matroskamux name=mux ! filesink location="$scratch/film.mkv" "${again[@]}"

restore() { "$target/mdecomplete" restore "$@" --set damage-color=0x00ff00; }
export target
export -f restore

read -ra film_jobs <<<"${MDE_JOBS:-1 2}"
film=$scratch/film-${film_jobs[0]}
for jobs in "${film_jobs[@]}"; do
    timed bash -c "restore $scratch/film.mkv --out $scratch/film-$jobs --jobs $jobs"
    echo "film, --jobs $jobs: $took s, $(ratio "$seconds" "$took") times as fast as it plays," \
        "largest process $memory MB"
    cmp "$film/film.mkv" "$scratch/film-$jobs/film.mkv" || die "other bytes with another number of jobs"
done

# All samples of the sound of the file `$1`, and a line for each frame with its time.
samples() {
    gst-launch-1.0 -q filesrc location="$1" ! matroskademux ! flacparse ! flacdec ! filesink \
        location=/dev/stdout | sha256sum
}
frames() {
    gst-launch-1.0 -v filesrc location="$1" ! matroskademux name=d d.video_0 \
        ! fakesink silent=false sync=false | grep -o 'pts: [0-9:.]*' | sort
}
[ "$(samples "$scratch/film.mkv")" = "$(samples "$film/film.mkv")" ] ||
    die "the sound has other samples"
cmp <(frames "$scratch/film.mkv") <(frames "$film/film.mkv") || die "frames come at other times"
echo "sound: the same samples; $(frames "$film/film.mkv" | wc -l) frames at the same times"

[ "$clips" -gt 0 ] || exit 0
mkdir "$scratch/clips"
for ((n = 0; n < clips; n++)); do
    cp "$scratch/clip.mkv" "$scratch/clips/$n.mkv"
done
for jobs in 1 2; do
    timed bash -c "restore $scratch/clips --out $scratch/clips-$jobs --jobs $jobs"
    eval "all_$jobs=$took"
    echo "$clips clips, --jobs $jobs: $took s"
done
# shellcheck disable=SC2154 # set above
echo "two jobs are $(ratio "$all_1" "$all_2") times as fast as one, on $(nproc) processors"

# What the parts cost apart, a clip: what comes before is taken away.
decode=(filesrc location="$scratch/clip.mkv" ! decodebin force-sw-decoders=true ! videoconvert)
timed gst-launch-1.0 -q "${decode[@]}" ! fakesink sync=false
decoding=$took
timed gst-launch-1.0 -q "${decode[@]}" ! mdecomplete damage-color=0x00ff00 calibrate=false ! fakesink sync=false
completing=$(awk "BEGIN { print $took - $decoding }")
timed gst-launch-1.0 -q "${decode[@]}" ! avenc_ffv1 slices=16 threads=auto ! fakesink sync=false
coding=$(awk "BEGIN { print $took - $decoding }")
echo "a clip apart: decoding $decoding s, completing $completing s, coding $coding s; with --jobs 1" \
    "$(ratio "$all_1" "$clips * ($decoding + $completing + $coding)") of their sum"
