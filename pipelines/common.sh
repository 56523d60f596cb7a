# Sourced by the scripts of this folder: finding the plug-in and a camera.
# shellcheck shell=bash

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# The script's own first comment block.
usage() {
    sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0"
}

# Sends whoever asks for help, or gives fewer arguments than `$1`, to the usage text.
want_arguments() {
    local wanted=$1
    shift
    case ${1:-} in -h | --help)
        usage
        exit 0
        ;;
    esac
    [ "$#" -ge "$wanted" ] || {
        usage >&2
        exit 2
    }
}

# The plug-in built here wins over an installed one; one that GST_PLUGIN_PATH names wins over both.
find_plugin() {
    local built
    built=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/target/release
    [ ! -e "$built/libgstmdecomplete.so" ] ||
        export GST_PLUGIN_PATH=${GST_PLUGIN_PATH:+$GST_PLUGIN_PATH:}$built
    gst-inspect-1.0 mdecomplete >/dev/null 2>&1 ||
        die "GStreamer does not find the element mdecomplete: run 'make build' or 'make install'"
}

# Sets `source` to the elements that give the picture of the camera `$1`, or a test picture.
want_camera() {
    # shellcheck disable=SC2034 # for the script that sources this one
    case $1 in
        test) source=(videotestsrc is-live=true) ;;
        *)
            [ -c "$1" ] || die "there is no camera '$1'"
            source=(v4l2src device="$1")
            ;;
    esac
}
