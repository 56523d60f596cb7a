#!/usr/bin/env bash
# Makes the picture that shows what the presets of `mdecomplete restore` do: four clips of a portrait
# that moves, each damaged otherwise, and below them what is restored.
#
# Usage: pipelines/presets.sh PICTURE.jpg
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/common.sh
want_arguments 1 "$@"
find_plugin
program=target/release/mdecomplete
[ -x "$program" ] || die "there is no $program: run 'make demo'"
gst-inspect-1.0 rsvgoverlay >/dev/null 2>&1 ||
    die "there is no element rsvgoverlay: install GStreamer's 'bad' plug-ins"

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
width=400 height=384 frames=48 shown=40

# A window that moves to the right over the portrait, so that she moves to the left.
for ((n = 0; n < frames; n++)); do
    gst-launch-1.0 -q filesrc location=.deps/pictures/astronaut.png ! pngdec \
        ! videocrop left=$((2 * n)) right=$((112 - 2 * n)) bottom=128 ! videoconvert \
        ! pngenc ! filesink location="$work/sound-$n.png"
done

# What is drawn over frame `$2` of the clip `$1`.
drawn() {
    local n=$2
    case $1 in
        film)
            # A dark scratch and a bright one that wander, and dirt in every second frame.
            local dark=$((108 + n / 9 % 2)) bright=$((270 - n / 12 % 2))
            echo "<path d='M$dark 0V384' stroke='#222' stroke-width='3' opacity='.75'/>"
            echo "<path d='M$bright 0V230' stroke='#fff' stroke-width='2' opacity='.8'/>"
            if ((n % 2 == 0)); then
                local x=$((n * 37 % 90)) y=$((n * 53 % 60))
                echo "<g fill='none' stroke-linecap='round'>"
                echo "<path d='M$((30 + x)) 66c30 -22 38 24 70 -16' stroke='#eee' stroke-width='3'/>"
                echo "<path d='M$((300 - x)) $((190 + y))c8 40 34 12 56 -14' stroke='#111' stroke-width='4'/>"
                echo "</g><g><ellipse cx='$((150 + x))' cy='$((150 + y))' rx='4' ry='9' fill='#eee'/>"
                echo "<circle cx='$((350 - x))' cy='$((70 + y))' r='7' fill='#111'/>"
                echo "<circle cx='$((60 + x))' cy='$((300 - y))' r='5' fill='#0a0a0a'/></g>"
            fi
            ;;
        drop-outs)
            # Lines of white and of noise in single frames.
            ((n % 5 == 0)) || return 0
            local y=$((130 + n * 41 % 90))
            echo "<path d='M70 ${y}H330' stroke='#fff' stroke-width='2'/>"
            awk -v n="$n" 'BEGIN {
                srand(n + 1)
                for (line = 0; line < 2; line++)
                    for (x = 14; x < 300; x += 2) {
                        grey = int(256 * rand())
                        printf "<rect x=\"%d\" y=\"%d\" width=\"2\" height=\"3\" fill=\"rgb(%d,%d,%d)\"/>\n",
                            x, 160 + (n * 29) % 60 + 22 * line, grey, grey, grey
                    }
            }'
            ;;
        covered-faces)
            # Dark glasses, where her eyes are.
            local left=$((174 - 2 * n))
            echo "<g fill='#151515'><ellipse cx='$((left + 25))' cy='112' rx='25' ry='19'/>"
            echo "<ellipse cx='$((left + 83))' cy='112' rx='25' ry='19'/>"
            echo "<path d='M$((left - 12)) 106H$((left + 120))' stroke='#151515' stroke-width='5'/></g>"
            ;;
    esac
}

# The clip that preset `$1` is for, as the file `$1.mkv`.
clip() {
    local n format=RGB
    [ "$1" != film ] || format=GRAY8
    for ((n = 0; n < frames; n++)); do
        {
            echo "<svg xmlns='http://www.w3.org/2000/svg' width='$width' height='$height'>"
            drawn "$1" "$n"
            echo "</svg>"
        } >"$work/drawn.svg"
        gst-launch-1.0 -q filesrc location="$work/sound-$n.png" ! pngdec ! videoconvert \
            ! rsvgoverlay location="$work/drawn.svg" ! videoconvert ! video/x-raw,format=$format \
            ! videoconvert ! video/x-raw,format=GBR \
            ! filesink location="$work/frame"
        if [ "$1" = dead-channel ] && ((n >= 24)); then
            # Green and blue stay.
            truncate -s $((2 * width * height)) "$work/frame"
            truncate -s $((3 * width * height)) "$work/frame"
        fi
        cat "$work/frame"
    done >"$work/frames"
    gst-launch-1.0 -q filesrc location="$work/frames" \
        ! rawvideoparse width=$width height=$height format=gbr framerate=25/1 \
        ! videoconvert ! avenc_ffv1 ! matroskamux ! filesink location="$work/$1.mkv"
}

tiles=() place=0
# Adds frame `shown` of the file `$1` to the picture, in row `$2`.
show() {
    gst-launch-1.0 -q filesrc location="$1" ! decodebin ! videoconvert ! video/x-raw,format=RGB \
        ! videocrop bottom=84 ! videoscale ! video/x-raw,width=260,height=195 \
        ! pngenc ! multifilesink location="$work/tile-%d.png"
    mv "$work/tile-$shown.png" "$work/shown-$place.png"
    tiles+=(filesrc location="$work/shown-$place.png" ! pngdec ! videoconvert ! "all.sink_$place")
    pads+=("sink_$place::xpos=$((264 * (place / 2)))" "sink_$place::ypos=$((199 * $2))")
    place=$((place + 1))
}
pads=()
for preset in film drop-outs dead-channel covered-faces; do
    clip "$preset"
    "$program" restore "$work/$preset.mkv" --preset "$preset" --out "$work/restored/$preset" >/dev/null
    show "$work/$preset.mkv" 0
    show "$work/restored/$preset/$preset.mkv" 1
done
gst-launch-1.0 -q compositor name=all background=white "${pads[@]}" ! videoconvert \
    ! jpegenc quality=90 ! filesink location="$1" "${tiles[@]}"
