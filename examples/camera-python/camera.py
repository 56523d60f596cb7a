#!/usr/bin/env python3
"""Shows a camera's or a recording's picture with the faces in it completed, and lets keys change
what is completed while it plays.

usage: camera.py [--headless] [--region faces] [--model FILE]... SOURCE

SOURCE is a camera such as /dev/video0, a video file, or "test" for a test picture. Keys, in the
window or with Enter in the terminal: o for the next occlusion, - and + for the strength, m for the
next model, q to end. Needs PyGObject (Debian: python3-gi, gir1.2-gst-plugins-base-1.0) and
GST_PLUGIN_PATH set to the folder of libgstmdecomplete.so.
"""

import argparse
import stat
import sys
import time
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, Gst, GstVideo  # noqa: E402  (require_version comes first)

# The parts that the key "o" goes through.
OCCLUSIONS = ["eyes", "mouth", "left-half", "right-half", ""]
STRENGTH_STEP = 0.25


class Camera:
    """A pipeline from a source through mdecomplete to the screen."""

    def __init__(self, source: Path, region: str, models: list, headless: bool):
        self.failure = None
        self.occlusion = 0
        self.models = [None, *models]  # The embedded one first.
        self.model = 0
        self.told = (time.monotonic(), 0)
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(
            f"{describe(source)} ! videoconvert"
            f" ! mdecomplete name=completer region={region} occlusion={OCCLUSIONS[0]}"
            f" ! videoconvert ! {'fakesink' if headless else 'autovideosink'}"
        )
        for element, location in ("camera", "device"), ("file", "location"):
            if found := self.pipeline.get_by_name(element):
                found.set_property(location, str(source))
        self.completer = self.pipeline.get_by_name("completer")
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)
        bus.connect("message::warning", lambda _, m: print(m.parse_warning()[0].message))
        bus.connect("message::eos", lambda *_: self.loop.quit())
        bus.connect("message::element", self.on_element)

    def stats(self, name):
        stats = self.completer.get_property("stats")
        return stats.get_value(name) if stats else 0

    def on_error(self, _bus, message):
        error, _debug = message.parse_error()
        self.failure = error.message
        self.loop.quit()

    def on_element(self, _bus, message):
        told = message.get_structure()
        if told.get_name() == "mdecomplete/provider":
            print(told.to_string())
        is_navigation, event = GstVideo.Navigation.message_parse_event(message)
        key_press = GstVideo.NavigationEventType.KEY_PRESS
        if is_navigation and GstVideo.Navigation.event_get_type(event) == key_press:
            self.press(GstVideo.Navigation.event_parse_key_event(event)[1])

    def on_line(self, terminal, _condition):
        # Unbuffered: a line that waits in a buffer would wake nobody.
        line = terminal.buffer.raw.readline()
        self.press(line.decode().strip())
        return bool(line)

    def press(self, key):
        """Does what a key asks for; all of this may be set while the pipeline plays."""
        if key == "o":
            self.occlusion = (self.occlusion + 1) % len(OCCLUSIONS)
            Gst.util_set_object_arg(self.completer, "occlusion", OCCLUSIONS[self.occlusion])
        elif key in ("-", "minus", "+", "plus"):
            step = STRENGTH_STEP if key in ("+", "plus") else -STRENGTH_STEP
            strength = self.completer.get_property("strength") + step
            self.completer.set_property("strength", min(max(strength, 0.0), 1.0))
        elif key == "m":
            self.model = (self.model + 1) % len(self.models)
            self.completer.set_property("model-file", self.models[self.model])
        elif key in ("q", "Escape"):
            self.loop.quit()
            return
        else:
            return
        self.tell_status()

    def tell_status(self):
        frames, (told, before) = self.stats("frames"), self.told
        self.told = (time.monotonic(), frames)
        rate = (frames - before) / max(self.told[0] - told, 1e-3)
        print(
            f"{rate:.1f} frames/s, completing {OCCLUSIONS[self.occlusion] or 'nothing'}"
            f" at {100 * self.completer.get_property('strength'):.0f} %"
            f" with {self.stats('model')} on {self.stats('provider')},"
            f" {self.stats('inference-us-p50') / 1000:.1f} ms a run"
        )
        return True

    def run(self):
        """Plays until the end, gives the number of frames; raises RuntimeError with the words of
        the element that failed."""
        GLib.timeout_add_seconds(1, self.tell_status)
        self.pipeline.set_state(Gst.State.PLAYING)
        GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN, self.on_line)
        try:
            self.loop.run()
        except KeyboardInterrupt:
            pass
        finally:
            frames = self.stats("frames")
            self.pipeline.set_state(Gst.State.NULL)
        if self.failure:
            raise RuntimeError(self.failure)
        return frames


def describe(source: Path) -> str:
    """The first elements of the pipeline."""
    if str(source) == "test":
        return "videotestsrc is-live=true"
    if stat.S_ISCHR(source.stat().st_mode):
        # Frames that come while one is being completed are dropped.
        return "v4l2src name=camera ! decodebin ! queue max-size-buffers=1 leaky=downstream"
    return "filesrc name=file ! decodebin"


def main():
    parser = argparse.ArgumentParser(description="completes the faces before a camera")
    parser.add_argument("source", type=Path, help='camera such as /dev/video0, file, or "test"')
    parser.add_argument("--region", default="faces", help="where the faces are")
    parser.add_argument(
        "--model", action="append", default=[], help="another generator for the key m to choose"
    )
    parser.add_argument("--headless", action="store_true", help="show nothing, only compute")
    arguments = parser.parse_args()
    Gst.init(None)
    try:
        camera = Camera(
            arguments.source, arguments.region, arguments.model, arguments.headless
        )
        frames = camera.run()
    except (OSError, RuntimeError, GLib.Error) as error:
        sys.exit(f"camera.py: {error}")
    print(f"{frames} frames")


if __name__ == "__main__":
    main()
