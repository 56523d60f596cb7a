#!/usr/bin/env bash
# What a second of film costs a processor: a 1920x1080 clip with a face in each frame is restored, with
# one thread. Time of processors is counted, which other programs on the machine hardly change.
# Usage: pipelines/cluster/measure.sh     (`make bench-cluster` builds what this needs, then calls it)
set -euo pipefail
cd "$(dirname "$0")/../.."

frames=125
rate=25
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
gst-launch-1.0 -q filesrc location=.deps/pictures/astronaut.png ! pngdec \
    ! imagefreeze num-buffers=$frames ! videoscale add-borders=true ! videoconvert \
    ! "video/x-raw,format=I420,width=1920,height=1080,pixel-aspect-ratio=1/1,framerate=$rate/1" \
    ! x264enc speed-preset=veryfast ! mp4mux ! filesink location="$folder/film.mp4"

TIMEFORMAT='%U %S'
times=$({ time "${MDECOMPLETE:-target/release/mdecomplete}" restore "$folder/film.mp4" \
    --out "$folder/out" --set occlusion=eyes --threads 1 >/dev/null 2>"$folder/words"; } 2>&1) || {
    cat "$folder/words" >&2
    exit 1
}
echo "$times" | awk -v film="$((frames / rate))" '{
    cost = ($1 + $2) / film
    printf "%.2f s of processor for a second of film: a processor restores %.1f hours in a night of 9\n",
        cost, 9 / cost
}'
