//! Frames on their whole way, without an element, with the embedded model on the real ONNX Runtime.

use std::sync::Arc;

use gst_video::{VideoFormat, VideoOrientationMethod, VideoRegionOfInterestMeta};
use mde_core::occlusion::{Occlusion, Rect};

use super::*;
use crate::completer::{Config, ModelSource};
use crate::locate::COMPLETED_TYPE;
use crate::missing::{Asked, Damage, Raster, Sources};
use crate::runtime::{Provider, RuntimeError, RuntimeOptions};

const MODEL: &[u8] = include_bytes!("../../models/face.onnx");

/// Width and height of the frames.
const SIZE: (u32, u32) = (160, 120);

/// What a frame shows: stripes of one width or the other.
#[derive(Clone, Copy)]
enum Scene {
    Coarse,
    Fine,
}

/// A pass, the stream before it, and what is asked of it; the eyes are covered.
struct Stream {
    pass: Pass,
    info: VideoInfo,
    settings: Settings,
    number: u64,
}

/// The embedded generator on the CPU; nothing where there is no ONNX Runtime.
fn completer() -> Option<Completer> {
    let config = Config {
        options: RuntimeOptions {
            provider: Provider::Cpu,
            ..Default::default()
        },
        ..Default::default()
    };
    match Completer::open(ModelSource::Memory(MODEL.into()), config, &mut |_| ()) {
        Ok(completer) => Some(completer),
        Err(CompleterError::Runtime(RuntimeError::Library(e))) => {
            eprintln!("skipped: {e}");
            None
        }
        Err(e) => panic!("the embedded model: {e}"),
    }
}

impl Stream {
    fn open(source: RegionSource) -> Option<Self> {
        gst::init().expect("GStreamer");
        let info = VideoInfo::builder(VideoFormat::Rgb, SIZE.0, SIZE.1);
        let settings = Settings {
            source,
            orientation: VideoOrientationMethod::Identity,
            max_faces: 64,
            inference_interval: 100,
            hole: Asked {
                occlusions: Occlusion::ALL.map(|occlusion| occlusion == Occlusion::Eyes),
                ..Asked::default()
            },
            covers: None,
            drop_outs: None,
            loses_channels: false,
            damage: Sources::default(),
            mask: None,
            memory: Duration::from_secs(600),
            strength: 1.0,
            dry_run: false,
            border_match: 1.0,
            grain: 0.0,
            refine: false,
            prototypes: false,
            temporal_smoothing: 0.9,
            overlay: Overlay::None,
        };
        let parts = Parts {
            completer: completer()?,
            locator: None,
            cover_net: None,
            refiner: None,
            references: Vec::new(),
        };
        Some(Self {
            pass: Pass::new(parts, settings.clone()),
            info: info.build().expect("a video format"),
            settings,
            number: 0,
        })
    }

    /// The next frame, with the regions of the numbers `ids`, all of them in one place.
    fn frame(&mut self, scene: Scene, ids: &[i32]) -> gst::Buffer {
        let stride = self.info.stride()[0] as usize;
        let width = match scene {
            Scene::Coarse => 40,
            Scene::Fine => 23,
        };
        let bytes = (0..self.info.size()).map(|i| match (i % stride / 3 / width) % 2 {
            0 => 60 + (i / stride) as u8 / 2,
            _ => 190 - (i / stride) as u8 / 2,
        });
        let mut buffer = gst::Buffer::from_mut_slice(bytes.collect::<Vec<u8>>());
        let writable = buffer.make_mut();
        writable.set_pts(self.number * gst::ClockTime::from_mseconds(40));
        self.number += 1;
        for id in ids {
            let place = (18 + 30, 7 + 12, 61, 82);
            VideoRegionOfInterestMeta::add(writable, "face", place).set_id(*id);
        }
        buffer
    }

    /// What becomes of the next frame, and the frame before and after.
    fn next(&mut self, scene: Scene, ids: &[i32]) -> (Report, gst::Buffer, gst::Buffer) {
        self.next_as(scene, ids, false)
    }

    /// The same of a frame that is late or not.
    fn next_as(
        &mut self,
        scene: Scene,
        ids: &[i32],
        is_late: bool,
    ) -> (Report, gst::Buffer, gst::Buffer) {
        let before = self.frame(scene, ids);
        let mut after = before.copy_deep().expect("a copy");
        let Self {
            pass,
            info,
            settings,
            ..
        } = self;
        let report = pass.process(&mut after, info, settings, is_late, None);
        (report.expect("a frame completed"), before, after)
    }

    /// How many regions of the next frame are completed anew, and how many from memory.
    fn counts(&mut self, scene: Scene, ids: &[i32]) -> (usize, usize) {
        let (report, ..) = self.next(scene, ids);
        (report.completed, report.reused)
    }
}

/// The smallest rectangle around the pixels that differ.
fn changed(before: &gst::Buffer, after: &gst::Buffer, info: &VideoInfo) -> Option<Rect> {
    let [before, after] = [before, after].map(|b| b.map_readable().expect("memory"));
    let stride = info.stride()[0] as usize;
    let raster = Raster::from_fn(SIZE.0 as usize, SIZE.1 as usize, |x, y| {
        let at = y * stride + 3 * x;
        match before[at..at + 3] == after[at..at + 3] {
            true => Damage::None,
            false => Damage::Lost,
        }
    });
    raster.bounds_in(Rect::new(0, 0, SIZE.0 as usize, SIZE.1 as usize))
}

/// The numbers of the regions that were marked on the way.
fn marks(after: &gst::Buffer) -> Vec<i32> {
    let metas = after.iter_meta::<VideoRegionOfInterestMeta>();
    let ours = metas.filter(|meta| meta.roi_type() == COMPLETED_TYPE);
    ours.map(|meta| meta.id()).collect()
}

#[test]
fn a_marked_face_is_completed_where_it_is_missing_and_marked() {
    let Some(mut stream) = Stream::open(RegionSource::RoiList) else {
        return;
    };
    let (report, before, after) = stream.next(Scene::Coarse, &[7]);
    assert_eq!((report.faces, report.completed, report.reused), (1, 1, 0));
    let changed = changed(&before, &after, &stream.info).expect("a completion");
    let eyes = Occlusion::Eyes.rect();
    let near = |found: usize, wanted: usize, moved: usize| found.abs_diff(wanted + moved) <= 2;
    assert!(
        near(changed.x0, eyes.x0, 30) && near(changed.x1, eyes.x1, 30),
        "{changed:?}"
    );
    assert!(
        near(changed.y0, eyes.y0, 12) && near(changed.y1, eyes.y1, 12),
        "{changed:?}"
    );
    assert_eq!(marks(&after), [7]);
}

#[test]
fn another_face_is_not_given_the_completion_of_the_one_before() {
    let Some(mut stream) = Stream::open(RegionSource::RoiList) else {
        return;
    };
    assert_eq!(stream.counts(Scene::Coarse, &[1]), (1, 0));
    assert_eq!(stream.counts(Scene::Coarse, &[1]), (0, 1));
    assert_eq!(stream.counts(Scene::Coarse, &[2]), (1, 0));
    assert_eq!(stream.counts(Scene::Coarse, &[2]), (0, 1));
    // Nor after a cut, where nobody numbers the faces, or counts from one in each scene.
    for ids in [[0], [2]] {
        stream.counts(Scene::Coarse, &ids);
        assert_eq!(stream.counts(Scene::Coarse, &ids), (0, 1), "{ids:?}");
        assert_eq!(stream.counts(Scene::Fine, &ids), (1, 0), "{ids:?}");
    }
}

#[test]
fn another_scene_of_full_frames_is_completed_anew() {
    let Some(mut stream) = Stream::open(RegionSource::FullFrame) else {
        return;
    };
    assert_eq!(stream.counts(Scene::Coarse, &[]), (1, 0));
    assert_eq!(stream.counts(Scene::Coarse, &[]), (0, 1));
    assert_eq!(stream.counts(Scene::Fine, &[]), (1, 0));
    assert_eq!(stream.counts(Scene::Fine, &[]), (0, 1));
    // Numbers of another source mean nothing.
    stream.settings.source = RegionSource::RoiList;
    assert_eq!(stream.counts(Scene::Fine, &[0]), (1, 0));
}

#[test]
fn what_is_asked_for_counts_at_once_whatever_changes() {
    let (Some(mut stream), Some(completer)) = (Stream::open(RegionSource::RoiList), completer())
    else {
        return;
    };
    assert_eq!(stream.counts(Scene::Coarse, &[1]), (1, 0));
    // Another generator, another mask and another hole with the same frame.
    let spot = Rect::new(70, 60, 80, 70);
    let mask = Raster::from_fn(SIZE.0 as usize, SIZE.1 as usize, |x, y| {
        match spot.contains(x, y) {
            true => Damage::Lost,
            false => Damage::None,
        }
    });
    stream.settings.hole = Asked::default();
    stream.settings.mask = Some(Arc::new(mask));
    stream.pass.update(Update {
        completer: Some(completer),
        ..Update::default()
    });
    let (report, before, after) = stream.next(Scene::Coarse, &[1]);
    assert_eq!((report.completed, report.reused), (1, 0));
    assert_eq!(changed(&before, &after, &stream.info), Some(spot));
    // Nothing at all.
    stream.settings.mask = None;
    let (report, before, after) = stream.next(Scene::Coarse, &[1]);
    assert_eq!((report.faces, report.completed), (1, 0));
    assert_eq!(changed(&before, &after, &stream.info), None);
}

#[test]
fn a_frame_that_lies_otherwise_is_completed_anew() {
    let Some(mut stream) = Stream::open(RegionSource::FullFrame) else {
        return;
    };
    assert_eq!(stream.counts(Scene::Coarse, &[]), (1, 0));
    assert_eq!(stream.counts(Scene::Coarse, &[]), (0, 1));
    stream.settings.orientation = VideoOrientationMethod::_180;
    assert_eq!(stream.counts(Scene::Coarse, &[]), (1, 0));
}

#[test]
fn a_late_frame_gets_the_last_completion_and_no_inference() {
    let Some(mut stream) = Stream::open(RegionSource::RoiList) else {
        return;
    };
    stream.settings.inference_interval = 1;
    for (is_late, ids, wanted) in [
        (true, &[1][..], (0, 0)),
        (false, &[1], (1, 0)),
        (true, &[1], (0, 1)),
        (true, &[1, 2], (0, 1)),
        (false, &[1, 2], (2, 0)),
    ] {
        let report = stream.next_as(Scene::Coarse, ids, is_late).0;
        let found = (report.completed, report.reused);
        assert_eq!(found, wanted, "{is_late} {ids:?}");
        let step = report.times[Step::Inference as usize];
        assert_eq!(step.is_some(), wanted.0 > 0);
    }
}

#[test]
fn at_no_strength_faces_are_marked_alone() {
    let Some(mut stream) = Stream::open(RegionSource::RoiList) else {
        return;
    };
    stream.settings.strength = 0.0;
    let (report, before, after) = stream.next(Scene::Coarse, &[3]);
    assert_eq!((report.faces, report.completed), (1, 0));
    assert_eq!(changed(&before, &after, &stream.info), None);
    assert_eq!(marks(&after), [3]);
}
