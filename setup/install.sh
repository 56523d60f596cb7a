#!/usr/bin/env bash
# Copies the plug-in and what it loads to the user's folders, where GStreamer and the plug-in find
# them without the source tree, and the program mdecomplete to ~/.local/bin.
# Usage: setup/install.sh [--remove]
set -euo pipefail
cd "$(dirname "$0")/.."

share=${XDG_DATA_HOME:-$HOME/.local/share}
plugins=$share/gstreamer-1.0/plugins
data=$share/mdecomplete
programs=${XDG_BIN_HOME:-$HOME/.local/bin}

# Only what this script made: all folders may hold files of the user's.
rm -rf "$programs/mdecomplete" "$plugins/libgstmdecomplete.so" "$data/onnxruntime" "$data/centerface.onnx"
[ ! -d "$plugins" ] || find "$plugins" -maxdepth 1 -lname '../../mdecomplete/*' -delete
if [ "${1:-}" = --remove ]; then
    [ ! -d "$data" ] || rmdir --ignore-fail-on-non-empty "$data"
    # What the element has measured on this machine.
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/mdecomplete
    rm -rf "$cache/calibration"
    [ ! -d "$cache" ] || rmdir --ignore-fail-on-non-empty "$cache"
    echo "removed what was in $plugins, $data and $programs"
    exit 0
fi

mkdir -p "$plugins" "$data" "$programs"
cp -R .deps/onnxruntime .deps/models/centerface.onnx "$data/"
# The plug-in looks for ONNX Runtime beside itself. The library's folder must not be there, for
# GStreamer would take every library in it for a plug-in.
for library in "$data"/onnxruntime/lib/libonnxruntime.so.*; do
    ln -s "../../mdecomplete/onnxruntime/lib/$(basename "$library")" "$plugins/"
done
install -m 755 target/release/libgstmdecomplete.so "$plugins/"
install -m 755 target/release/mdecomplete "$programs/"
echo "installed to $plugins, $data and $programs; try: gst-inspect-1.0 mdecomplete"
case :$PATH: in *":$programs:"*) ;; *) echo "PATH does not have $programs yet" ;; esac
