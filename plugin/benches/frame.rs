//! Time for a frame outside inference: reading the crop of one upright face, writing its eyes back
//! (`occlusion=eyes`, `mask-feather=2`), painted or copied from a view, on one core; keeping a view,
//! and laying one on a face: finding where it lies, and following the generator's flow; looking through a
//! frame for a colour.
//!
//! `cargo bench --bench frame`

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use gst_video::{VideoFormat, VideoFrameRef, VideoInfo};
use gstmdecomplete::completer::CopiedMut;
use gstmdecomplete::frame::{
    Channels, ColourRange, Completion, Crop, Hole, Layer, Reader, Search, Writer,
};
use gstmdecomplete::locate::{Bounds, Region};
use gstmdecomplete::views::{Look, LookReader, Origin, Placed, View};
use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, TEMPLATE};
use mde_core::mask::Mask;
use mde_core::occlusion::{Occlusion, Rect};
use mde_core::registration::{Displacement, Registrar};

const SIZE: (usize, usize) = (CROP_SIZE, CROP_SIZE);
const PIXELS: usize = CROP_SIZE * CROP_SIZE;

/// The frame's size, and the side in its pixels of the square that becomes the crop.
const FRAMES: [(u32, u32, f64); 2] = [(1920, 1080, 400.0), (3840, 2160, 800.0)];

const FORMATS: [VideoFormat; 3] = [VideoFormat::I420, VideoFormat::Nv12, VideoFormat::Rgb];

fn frames(criterion: &mut Criterion) {
    gst::init().expect("GStreamer");
    for channel in [None, Some(0)] {
        let mut mask = Mask::from_occlusions(SIZE.0, SIZE.1, [Occlusion::Eyes]);
        let mut name = "eyes".to_owned();
        if let Some(channel) = channel {
            mask.drop_channel(channel);
            name += " and red";
        }
        let hole = Hole::new(&mask, 2.0);
        for (width, height, side) in FRAMES {
            let mut group = criterion.benchmark_group(format!("{name} {width}x{height}"));
            for format in FORMATS {
                let mut case = Case::new(format, (width, height), side);
                group.bench_function(BenchmarkId::new("read", format), |b| b.iter(|| case.read()));
                group.bench_function(BenchmarkId::new("write", format), |b| {
                    b.iter(|| case.write(&hole, None));
                });
                let view = case.view();
                group.bench_function(BenchmarkId::new("copy", format), |b| {
                    b.iter(|| case.write(&hole, Some(&view)));
                });
                group.bench_function(BenchmarkId::new("keep a view", format), |b| {
                    b.iter(|| case.view());
                });
                group.bench_function(BenchmarkId::new("find a colour", format), |b| {
                    b.iter(|| case.find_colour());
                });
                group.bench_function(BenchmarkId::new("both", format), |b| {
                    b.iter(|| {
                        case.read();
                        case.write(&hole, None);
                    });
                });
            }
            group.finish();
        }
    }
}

/// Side of the embedded generator's crops.
const SIDE: usize = 128;

/// Laying a view on a face whose eyes are covered, and that has moved by a pixel since the last
/// frame, or lies where it lay.
fn laying(criterion: &mut Criterion) {
    let picture = |shift: f32| -> Vec<f32> {
        let value = |i: usize| {
            let (x, y) = ((i % SIDE) as f32 + shift, (i / SIDE % SIDE) as f32);
            0.5 + 0.2 * (x / 3.0).sin() * (y / 4.0).cos() + 0.1 * (x / 7.0 + y / 5.0).sin()
        };
        (0..3 * SIDE * SIDE).map(value).collect()
    };
    let size = (SIDE, SIDE);
    let look = Look {
        crop: size,
        factor: 1,
        rgb: &picture(0.0),
        known: &[1.0; SIDE * SIDE],
        points: TEMPLATE,
    };
    let view = View::new(&look, Origin::Memory, std::time::Duration::ZERO);
    let mask = Mask::from_occlusions(SIDE, SIDE, [Occlusion::Eyes]);
    let known: Vec<f32> = mask.view().iter().copied().take(SIDE * SIDE).collect();
    let mut registrar = Registrar::default();
    let none = Displacement::NONE;
    let seen = picture(1.0);
    registrar.look(size, &seen, &known);
    let there = registrar.register(view.detail(), &none).displacement;
    let mut group = criterion.benchmark_group("a view is laid on a face");
    for (name, from) in [("that moved", none), ("that lies still", there)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                registrar.look(size, &seen, &known);
                let found = registrar.register(view.detail(), &from);
                Placed::new(&view, found.displacement)
            });
        });
    }
    let placed = Placed::new(&view, there);
    let (mut completed, mut flow) = (seen.clone(), vec![0.5; SIDE * SIDE / 2]);
    group.bench_function("and the flow followed", |b| {
        b.iter(|| {
            let mut copied = CopiedMut {
                size,
                part: Rect::new(20, 31, 107, 73),
                completed: &mut completed,
                flow: &mut flow,
                weights: &[0.9; SIDE * SIDE / 4],
            };
            let share = placed.followed(&view, &registrar, &copied, None);
            placed.follow(&mut copied, share);
        });
    });
    group.finish();
}

struct Case {
    info: VideoInfo,
    buffer: gst::Buffer,
    to_frame: Affine,
    to_crop: Affine,
    reader: Reader,
    writer: Writer,
    looks: LookReader,
    search: Search,
    flow: Vec<f32>,
    weights: Vec<f32>,
    rgb: Vec<f32>,
    inside: Vec<f32>,
}

impl Case {
    fn new(format: VideoFormat, (width, height): (u32, u32), side: f64) -> Self {
        let info = VideoInfo::builder(format, width, height)
            .build()
            .expect("a video format");
        let bytes = (0..info.size()).map(|i| (i * 31 % 251) as u8).collect();
        let scale = side / CROP_SIZE as f64;
        let to_frame = Affine {
            linear: [[scale, 0.0], [0.0, scale]],
            translation: [
                f64::from(width) * 0.37 + 0.3,
                f64::from(height) * 0.21 + 0.7,
            ],
        };
        Self {
            info,
            buffer: gst::Buffer::from_mut_slice::<Vec<u8>>(bytes),
            to_crop: to_frame.inverse().expect("a scaling"),
            to_frame,
            reader: Reader::default(),
            writer: Writer::default(),
            looks: LookReader::default(),
            search: Search::default(),
            flow: (0..PIXELS / 2).map(|i| (i % 7) as f32 / 3.0).collect(),
            weights: vec![0.9; PIXELS / 4],
            rgb: vec![0.0; 3 * PIXELS],
            inside: vec![0.0; PIXELS],
        }
    }

    fn read(&mut self) {
        let frame = VideoFrameRef::from_buffer_ref_readable(&self.buffer, &self.info);
        let crop = Crop {
            size: SIZE,
            rgb: &mut self.rgb,
            inside: &mut self.inside,
        };
        let frame = frame.expect("a frame");
        self.reader
            .read(&frame, &self.to_frame, Channels::Rgb, crop);
    }

    fn view(&mut self) -> View {
        let frame = VideoFrameRef::from_buffer_ref_readable(&self.buffer, &self.info);
        let region = Region {
            to_frame: self.to_frame,
            to_crop: self.to_crop,
            bounds: Bounds::TEMPLATE,
            points: None,
            id: 0,
        };
        let look = (self.looks).read(&frame.expect("a frame"), &region, SIZE, None);
        View::new(&look, Origin::Memory, std::time::Duration::ZERO)
    }

    fn find_colour(&mut self) -> usize {
        let frame = VideoFrameRef::from_buffer_ref_readable(&self.buffer, &self.info);
        let (width, height) = (self.info.width() as usize, self.info.height() as usize);
        let range = ColourRange {
            rgb: [0, 255, 0],
            tolerance: 24.0,
        };
        let all = Rect::new(0, 0, width, height);
        let mut rows = 0;
        (self.search).colour(&frame.expect("a frame"), range, all, |_, _, _| rows += 1);
        rows
    }

    fn write(&mut self, hole: &Hole, view: Option<&View>) {
        let buffer = self.buffer.get_mut().expect("the only reference");
        let frame = VideoFrameRef::from_buffer_ref_writable(buffer, &self.info);
        let completion = Completion {
            rgb: &self.rgb,
            image: &self.rgb,
            hole,
            channels: Channels::Rgb,
            strength: 1.0,
            grain: 1.0,
            pixels: None,
            layers: [
                view.map(|view| Layer {
                    pyramid: view.pyramid(),
                    displacement: &Displacement::NONE,
                    shown: view.pyramid().base(),
                    flow: &self.flow,
                    weights: &self.weights,
                    opacity: 1.0,
                }),
                None,
                None,
            ],
            refined: None,
        };
        let mut frame = frame.expect("a frame");
        self.writer
            .write(&mut frame, &self.to_crop, &completion)
            .expect("an inverse");
    }
}

criterion_group!(benches, frames, laying);
criterion_main!(benches);
