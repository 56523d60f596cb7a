#!/usr/bin/env bash
# Shows a camera's picture with the faces in it completed, until the window is closed.
#
# Usage: pipelines/webcam.sh DEVICE [PROPERTY=VALUE ...]
#
# DEVICE is a camera such as /dev/video0, or "test" for a test picture. The properties are those of
# mdecomplete; occlusion=mouth overlay=faces where none is given. SINK in the environment names
# another sink than autovideosink, with its properties.
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"

want_arguments 1 "$@"
device=$1
shift
[ "$#" -gt 0 ] || set -- occlusion=mouth overlay=faces
want_camera "$device"
find_plugin
read -ra sink <<<"${SINK:-autovideosink sync=false}"

# The pipeline takes the script's place, and with it the signals that are to end it.
# Frames that come while one is being completed are dropped: the picture stays present.
exec gst-launch-1.0 -e \
    "${source[@]}" ! decodebin ! queue max-size-buffers=1 leaky=downstream \
    ! videoconvert ! mdecomplete "$@" ! videoconvert ! "${sink[@]}"
