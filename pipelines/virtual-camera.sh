#!/usr/bin/env bash
# Completes the faces before a camera and gives the result to a virtual camera, which OBS, a browser
# or a video call take for a real one. Ends with Ctrl-C.
#
# Usage: pipelines/virtual-camera.sh DEVICE VIRTUAL [PROPERTY=VALUE ...]
#
# DEVICE is a camera such as /dev/video0, or "test" for a test picture; VIRTUAL is a device of
# v4l2loopback (sudo modprobe v4l2loopback exclusive_caps=1). The properties are those of
# mdecomplete; occlusion=mouth where none is given.
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"

want_arguments 2 "$@"
device=$1 virtual=$2
shift 2
[ "$#" -gt 0 ] || set -- occlusion=mouth
want_camera "$device"
[ -c "$virtual" ] || die "there is no device '$virtual': sudo modprobe v4l2loopback exclusive_caps=1"
find_plugin

# The pipeline takes the script's place, and with it the signals that are to end it.
# Applications take YUY2 from cameras, whatever else they take.
exec gst-launch-1.0 -e \
    "${source[@]}" ! decodebin ! queue max-size-buffers=1 leaky=downstream \
    ! videoconvert ! mdecomplete "$@" ! videoconvert ! video/x-raw,format=YUY2 \
    ! v4l2sink device="$virtual" sync=false
