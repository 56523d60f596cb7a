#!/usr/bin/env bash
# Shows the picture of a network camera with the faces in it completed, until the window is closed.
#
# Usage: pipelines/rtsp.sh URL [PROPERTY=VALUE ...]
#
# URL is that of the camera, such as rtsp://user:password@192.168.1.5/stream. The properties are
# those of mdecomplete; occlusion=mouth where none is given. SINK in the environment names another
# sink than autovideosink, with its properties.
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"

want_arguments 1 "$@"
url=$1
shift
[ "$#" -gt 0 ] || set -- occlusion=mouth
[[ $url == rtsp*://* ]] || die "'$url' is not an RTSP address"
find_plugin
read -ra sink <<<"${SINK:-autovideosink}"

# The pipeline takes the script's place, and with it the signals that are to end it.
# Frames that come while one is being completed are dropped: the picture stays present.
exec gst-launch-1.0 -e \
    rtspsrc location="$url" latency=200 ! decodebin ! queue max-size-buffers=1 leaky=downstream \
    ! videoconvert ! mdecomplete "$@" ! videoconvert ! "${sink[@]}"
