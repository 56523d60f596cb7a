//! The properties of finding and following faces.

use std::time::Duration;

use gst::glib;
use gst::prelude::*;

use super::DetectionMode;
use super::settings::of;
use crate::locate::{LocateOptions, TrackRules};

/// How faces are found and followed; may change between any two frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Following {
    /// A share of the frame's shorter side.
    pub min_face_size: f32,
    /// In frames, at least 1.
    pub detection_interval: u32,
    pub detection_mode: DetectionMode,
    pub track_hold_ms: u32,
    /// In `[0, 1]`.
    pub point_smoothing: f32,
}

impl Default for Following {
    fn default() -> Self {
        Self {
            min_face_size: 0.12,
            detection_interval: 15,
            detection_mode: DetectionMode::Auto,
            track_hold_ms: 400,
            point_smoothing: 0.5,
        }
    }
}

impl Following {
    /// For a stream that is live, or not.
    pub fn options(&self, is_live: bool) -> LocateOptions {
        LocateOptions {
            min_face_size: self.min_face_size.into(),
            detection_interval: self.detection_interval,
            waits: match self.detection_mode {
                DetectionMode::Auto => !is_live,
                DetectionMode::Sync => true,
                DetectionMode::Async => false,
            },
            rules: TrackRules {
                hold: Duration::from_millis(self.track_hold_ms.into()),
                smoothing: self.point_smoothing.into(),
            },
        }
    }

    /// Takes over the new value of the property `name`; false where it is none of these.
    pub fn set(&mut self, name: &str, value: &glib::Value) -> bool {
        match name {
            "min-face-size" => self.min_face_size = of(value),
            "detection-interval" => self.detection_interval = of(value),
            "detection-mode" => self.detection_mode = of(value),
            "track-hold-ms" => self.track_hold_ms = of(value),
            "point-smoothing" => self.point_smoothing = of(value),
            _ => return false,
        }
        true
    }

    /// The value of the property `name`, if it is one of these.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "min-face-size" => self.min_face_size.to_value(),
            "detection-interval" => self.detection_interval.to_value(),
            "detection-mode" => self.detection_mode.to_value(),
            "track-hold-ms" => self.track_hold_ms.to_value(),
            "point-smoothing" => self.point_smoothing.to_value(),
            _ => return None,
        })
    }

    /// The descriptions of the properties.
    pub fn properties() -> [glib::ParamSpec; 5] {
        let defaults = Self::default();
        [
            glib::ParamSpecFloat::builder("min-face-size")
                .nick("Min face size")
                .blurb(
                    "Height of the smallest face to find, from hairline to chin, as a share of \
                     the frame's shorter side. Smaller faces take longer to find",
                )
                .minimum(0.02)
                .maximum(1.0)
                .default_value(defaults.min_face_size)
                .mutable_playing()
                .build(),
            glib::ParamSpecUInt::builder("detection-interval")
                .nick("Detection interval")
                .blurb(
                    "New faces are searched for in every n-th frame, and also after a scene cut and \
                     while no face is followed or one is lost: at first in each frame, later every \
                     0.4 s. In between, faces are followed. Without a face, every n-th frame is \
                     searched for one that lies on its side or stands on its head",
                )
                .minimum(1)
                .default_value(defaults.detection_interval)
                .mutable_playing()
                .build(),
            glib::ParamSpecEnum::builder_with_default("detection-mode", defaults.detection_mode)
                .nick("Detection mode")
                .blurb("Whether a frame in which faces are searched for waits for the result")
                .mutable_playing()
                .build(),
            glib::ParamSpecUInt::builder("track-hold-ms")
                .nick("Track hold")
                .blurb("How long a face is still completed after it was last seen, in ms")
                .default_value(defaults.track_hold_ms)
                .mutable_playing()
                .build(),
            glib::ParamSpecFloat::builder("point-smoothing")
                .nick("Point smoothing")
                .blurb(
                    "How still the points of a followed face are held: 0 leaves them as they are \
                     seen. Motion is followed at any strength",
                )
                .minimum(0.0)
                .maximum(1.0)
                .default_value(defaults.point_smoothing)
                .mutable_playing()
                .build(),
        ]
    }
}
