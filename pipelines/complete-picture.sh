#!/usr/bin/env bash
# Completes the transparent parts of a picture: what was erased in a painting program, say.
#
# Usage: pipelines/complete-picture.sh INPUT.png OUTPUT.png [PROPERTY=VALUE ...]
#
# INPUT is a PNG with alpha; pixels that are fully transparent are completed where they lie on a
# face, all others stay as they are. The properties are those of mdecomplete; for a picture that is
# itself an aligned face say region=full-frame.
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"

want_arguments 2 "$@"
input=$1 output=$2
shift 2
want_file "$input"
find_plugin

gst-launch-1.0 \
    filesrc location="$input" ! pngdec ! video/x-raw,format=RGBA \
    ! mdecomplete mask-from-alpha=true "$@" ! pngenc ! filesink location="$output"
