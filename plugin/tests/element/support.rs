//! Elements, harnesses and frames for the tests.

use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Once};

use gst_check::Harness;
use gst_video::prelude::*;
use gst_video::{VideoFormat, VideoFrame, VideoInfo, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::{POINT_FIELDS, POINTS_PARAM};
use mde_core::alignment::TEMPLATE;
use mde_core::occlusion::{Occlusion, Rect};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::models::Model;
use crate::samples::sample_bits;

pub fn init() {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        gst::init().expect("GStreamer");
        gstmdecomplete::plugin_register_static().expect("the plug-in");
    });
}

/// A file `name` with `model`, in a folder of its own that lives until the tests are run again.
pub fn model_file(name: &str, model: &[u8]) -> PathBuf {
    static ALL: LazyLock<PathBuf> = LazyLock::new(|| {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("element");
        // There is none before the first run.
        let _ = std::fs::remove_dir_all(&all);
        std::fs::create_dir_all(&all).expect("a folder for all");
        all
    });
    let folder = tempfile::tempdir_in(&*ALL).expect("a temporary folder");
    let file = folder.keep().join(name);
    std::fs::write(&file, model).expect("a model file");
    file
}

/// An element that fills the holes of the whole frame with the mean of the rest, on the CPU.
pub fn mean_fill(occlusion: &str) -> gst::Element {
    init();
    let file = model_file("mean_fill.onnx", &Model::mean_fill(96, 96).to_bytes());
    gst::ElementFactory::make("mdecomplete")
        .property_from_str("region", "full-frame")
        .property_from_str("occlusion", occlusion)
        .property_from_str("execution-provider", "cpu")
        .property("calibrate", false)
        .property("mask-feather", 0f32)
        .property("mask-grow", 0u32)
        .property("model-file", file.to_str())
        .build()
        .expect("the element")
}

/// One that fills holes in the regions that upstream marked.
pub fn marked_fill(occlusion: &str) -> gst::Element {
    let element = mean_fill(occlusion);
    element.set_property_from_str("region", "roi-list");
    element
}

pub fn harness(element: &gst::Element, info: &VideoInfo) -> Harness {
    let mut harness = Harness::with_element(element, Some("sink"), Some("src"));
    harness.set_src_caps(info.to_caps().expect("caps"));
    harness.play();
    harness
}

pub fn info(format: VideoFormat, width: u32, height: u32) -> VideoInfo {
    init();
    VideoInfo::builder(format, width, height)
        .fps(gst::Fraction::new(25, 1))
        .build()
        .expect("a video format")
}

/// Frame `number` of a stream, filled with noise.
pub fn noise(info: &VideoInfo, number: u64) -> gst::Buffer {
    let mut bytes = vec![0; info.size()];
    StdRng::seed_from_u64(number).fill_bytes(&mut bytes);
    timed(gst::Buffer::from_mut_slice(bytes), number)
}

/// `buffer` as frame `number` of a stream of 25 frames a second.
pub fn timed(mut buffer: gst::Buffer, number: u64) -> gst::Buffer {
    let duration = gst::ClockTime::from_mseconds(40);
    let buffer_mut = buffer.make_mut();
    buffer_mut.set_pts(number * duration);
    buffer_mut.set_duration(duration);
    buffer
}

/// How two frames differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Samples wholly inside the box, alpha not counted.
    pub inside: usize,
    /// Those of them that changed.
    pub inside_changed: usize,
    /// Samples wholly outside it, and all of alpha, that changed.
    pub outside_changed: usize,
}

/// Compares each sample of each component within and without `rect`.
pub fn difference(a: &gst::Buffer, b: &gst::Buffer, info: &VideoInfo, rect: Rect) -> Difference {
    let frame = |buffer: &gst::Buffer| {
        VideoFrame::from_buffer_readable(buffer.clone(), info).expect("a frame")
    };
    let (a, b) = (frame(a), frame(b));
    let format = info.format_info();
    let mut difference = Difference::default();
    for component in 0..info.n_components() {
        let index = component as usize;
        let (offset, bits) = sample_bits(format.format(), index);
        let is_alpha = format.has_alpha() && component == 3;
        let (step_x, step_y) = (1 << format.w_sub()[index], 1 << format.h_sub()[index]);
        let sample = |frame: &VideoFrame<_>, x: usize, y: usize| {
            let plane = frame.comp_plane(component);
            let data = frame.plane_data(plane).expect("a plane");
            let (stride, step) = (frame.comp_stride(component), frame.comp_pstride(component));
            let at = offset + y * stride as usize + x * step as usize;
            let bytes = bits.to_le_bytes().into_iter().enumerate();
            bytes
                .filter(|(_, bits)| *bits != 0)
                .fold(0, |word, (i, bits)| {
                    word << 8 | u32::from(data[at + i] & bits)
                })
        };
        for y in 0..a.comp_height(component) as usize {
            for x in 0..a.comp_width(component) as usize {
                let changed = usize::from(sample(&a, x, y) != sample(&b, x, y));
                let (x0, y0) = (x * step_x, y * step_y);
                let corners = [(x0, y0), (x0 + step_x - 1, y0 + step_y - 1)];
                let inside = corners.map(|(x, y)| rect.contains(x, y));
                if is_alpha || inside == [false; 2] {
                    difference.outside_changed += changed;
                } else if inside == [true; 2] {
                    difference.inside += 1;
                    difference.inside_changed += changed;
                }
            }
        }
    }
    difference
}

/// Noise leaves almost every sample of a filled hole changed.
pub fn assert_only_changed_in(
    before: &gst::Buffer,
    after: &gst::Buffer,
    info: &VideoInfo,
    rect: Rect,
) {
    let found = difference(before, after, info, rect);
    let what = format!(
        "{} {}x{}: {found:?}",
        info.format(),
        info.width(),
        info.height()
    );
    assert_eq!(found.outside_changed, 0, "{what}");
    assert!(found.inside_changed * 10 > found.inside * 9, "{what}");
}

/// Marks a face with the template's points moved by `(dx, dy)`.
pub fn add_face(
    buffer: &mut gst::BufferRef,
    dx: u32,
    dy: u32,
) -> gst::MetaRefMut<'_, VideoRegionOfInterestMeta, gst::meta::Standalone> {
    let mut points = gst::Structure::new_empty(POINTS_PARAM);
    for ([x_field, y_field], [x, y]) in POINT_FIELDS.into_iter().zip(TEMPLATE) {
        points.set(x_field, x + f64::from(dx));
        points.set(y_field, y + f64::from(dy));
    }
    let mut meta = VideoRegionOfInterestMeta::add(buffer, "face", (dx + 18, dy + 7, 61, 82));
    meta.add_param(points);
    meta
}

/// Where a face so marked has `occlusion`.
pub fn occluded(occlusion: Occlusion, dx: u32, dy: u32) -> Rect {
    let Rect { x0, y0, x1, y1 } = occlusion.rect();
    let (dx, dy) = (dx as usize, dy as usize);
    Rect::new(x0 + dx, y0 + dy, x1 + dx, y1 + dy)
}

/// The count `name` of the element's statistics.
pub fn count(element: &gst::Element, name: &str) -> u64 {
    let stats = element.property::<gst::Structure>("stats");
    stats.get(name).expect("a count")
}

/// The texts of the warnings on `bus`.
pub fn warnings(bus: &gst::Bus) -> Vec<String> {
    bus.iter_filtered(&[gst::MessageType::Warning])
        .filter_map(|message| match message.view() {
            gst::MessageView::Warning(warning) => Some(warning.error().to_string()),
            _ => None,
        })
        .collect()
}

/// The texts of the errors and warnings on `bus`.
pub fn bus_texts(bus: &gst::Bus) -> Vec<String> {
    bus.iter_filtered(&[gst::MessageType::Warning, gst::MessageType::Error])
        .filter_map(|message| match message.view() {
            gst::MessageView::Warning(warning) => Some(warning.error().to_string()),
            gst::MessageView::Error(error) => Some(error.error().to_string()),
            _ => None,
        })
        .collect()
}

/// The element messages on `bus` with this name.
pub fn messages_named(bus: &gst::Bus, name: &str) -> Vec<gst::Structure> {
    bus.iter_filtered(&[gst::MessageType::Element])
        .filter_map(|message| message.structure().map(ToOwned::to_owned))
        .filter(|structure| structure.name() == name)
        .collect()
}

/// A file of the repository's `tests/cases`.
pub fn case_file(name: &str) -> PathBuf {
    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    cases.join(name)
}

pub fn bytes(buffer: &gst::Buffer) -> Vec<u8> {
    buffer.map_readable().expect("memory").to_vec()
}

pub fn assert_same(before: &gst::Buffer, after: &gst::Buffer) {
    assert!(bytes(before) == bytes(after), "the frame changed");
}
