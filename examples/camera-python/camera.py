#!/usr/bin/env python3
"""Shows a camera's or a recording's picture with the faces in it completed.

usage: camera.py [--occlusion eyes] [--headless] SOURCE

SOURCE is a camera such as /dev/video0, or a video file. Needs PyGObject (Debian: python3-gi,
gir1.2-gst-plugins-base-1.0) and GST_PLUGIN_PATH set to the folder of libgstmdecomplete.so.
"""

import argparse
import stat
import sys
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402  (require_version comes first)


class Camera:
    """A pipeline from a source through mdecomplete to the screen."""

    def __init__(self, source: Path, occlusion: str, headless: bool):
        is_camera = stat.S_ISCHR(source.stat().st_mode)
        self.failure = None
        self.frames = 0
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(
            f"{'v4l2src' if is_camera else 'filesrc'} name=source ! decodebin"
            # A camera's frames that come while one is being completed are dropped.
            + (" ! queue max-size-buffers=1 leaky=downstream" if is_camera else "")
            + " ! videoconvert ! mdecomplete name=completer ! videoconvert ! "
            + ("fakesink" if headless else "autovideosink")
        )
        self.pipeline.get_by_name("source").set_property(
            "device" if is_camera else "location", str(source)
        )
        # The occlusion may be changed at any time, also while the pipeline plays.
        completer = self.pipeline.get_by_name("completer")
        Gst.util_set_object_arg(completer, "occlusion", occlusion)
        completer.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self.on_frame)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)
        bus.connect("message::eos", lambda *_: self.loop.quit())
        bus.connect("message::element", self.on_element)

    def on_frame(self, _pad, _info):
        self.frames += 1
        return Gst.PadProbeReturn.OK

    def on_error(self, _bus, message):
        error, _debug = message.parse_error()
        self.failure = error.message
        self.loop.quit()

    def on_element(self, _bus, message):
        told = message.get_structure()
        if told.get_name() == "mdecomplete/provider":
            print(told.to_string())

    def run(self):
        """Plays until the end; raises RuntimeError with the words of the element that failed."""
        self.pipeline.set_state(Gst.State.PLAYING)
        try:
            self.loop.run()
        except KeyboardInterrupt:
            pass
        finally:
            self.pipeline.set_state(Gst.State.NULL)
        if self.failure:
            raise RuntimeError(self.failure)


def main():
    parser = argparse.ArgumentParser(description="completes the faces before a camera")
    parser.add_argument("source", type=Path, help="camera such as /dev/video0, or a video file")
    parser.add_argument("--occlusion", default="mouth", help="parts of the faces, joined by +")
    parser.add_argument("--headless", action="store_true", help="show nothing, only compute")
    arguments = parser.parse_args()
    Gst.init(None)
    try:
        camera = Camera(arguments.source, arguments.occlusion, arguments.headless)
        camera.run()
    except (OSError, RuntimeError, GLib.Error) as error:
        sys.exit(f"camera.py: {error}")
    print(f"{camera.frames} frames")


if __name__ == "__main__":
    main()
