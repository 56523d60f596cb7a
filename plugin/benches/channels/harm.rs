//! Channels that are damaged on purpose.

use std::collections::BTreeMap;

use anyhow::Result;
use gst_video::prelude::*;
use gst_video::video_frame::Writable;
use gst_video::{VideoFormat, VideoFrame, VideoFrameRef, VideoInfo};
use gstmdecomplete::damage::{Fault, Faults, Watch};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::clips::Image;
use crate::coding::coded;
use crate::frame_of;
use crate::measure::Verdict;

/// Where channels are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Rgb,
    BeforeI420,
    Planes,
    BeforeCoding,
    CodedPlanes,
}

impl Place {
    fn format(self) -> VideoFormat {
        match self {
            Self::Rgb => VideoFormat::Rgb,
            _ => VideoFormat::I420,
        }
    }

    fn is_planes(self) -> bool {
        matches!(self, Self::Planes | Self::CodedPlanes)
    }

    fn is_coded(self) -> bool {
        matches!(self, Self::BeforeCoding | Self::CodedPlanes)
    }
}

const PLACES: [Place; 5] = [
    Place::Rgb,
    Place::BeforeI420,
    Place::Planes,
    Place::BeforeCoding,
    Place::CodedPlanes,
];

/// What is done to channels.
const KINDS: [&str; 5] = ["dead", "stuck", "flat", "noise", "shifted"];

/// Frames that are damaged in one way.
struct Span {
    frames: std::ops::Range<usize>,
    channel: usize,
    value: u8,
    shift: [i32; 2],
}

/// What was found.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    damaged: usize,
    found: usize,
    rightly: usize,
    sound: usize,
    called: usize,
}

impl Score {
    /// Counts a frame in which `damage` was found, of such a `span` or between them.
    fn count(&mut self, damage: &Faults, place: Place, kind: &'static str, span: Option<&Span>) {
        match span {
            Some(span) => {
                self.damaged += 1;
                self.found += usize::from(!damage.is_none());
                self.rightly += usize::from(is_right(damage, place, kind, span));
            }
            None => {
                self.sound += 1;
                self.called += usize::from(!damage.is_none());
            }
        }
    }
}

/// What was found of each kind of damage.
#[derive(Debug)]
pub struct Table {
    scores: BTreeMap<(Place, &'static str), Score>,
    random: StdRng,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            scores: BTreeMap::new(),
            random: StdRng::seed_from_u64(1),
        }
    }
}

impl Table {
    /// Damages `frames` of a clip in every way, one after the other.
    pub fn add(&mut self, frames: &[Image]) -> Result<()> {
        for place in PLACES {
            for kind in KINDS {
                // Planes that lie beside each other are not looked for.
                if !place.is_planes() || kind != "shifted" {
                    self.add_kind(frames, place, kind)?;
                }
            }
        }
        Ok(())
    }

    fn add_kind(&mut self, frames: &[Image], place: Place, kind: &'static str) -> Result<()> {
        let spans = spans(&mut self.random, frames.len());
        let mut random = StdRng::from_rng(&mut self.random);
        let span_of = |number: usize| spans.iter().find(|span| span.frames.contains(&number));
        let harmed = (0..)
            .zip(frames)
            .map(move |(number, image)| match span_of(number) {
                Some(span) => harmed(image, place, kind, span, &mut random),
                None => frame_of(image, place.format(), |_| ()),
            });
        let score = self.scores.entry((place, kind)).or_default();
        let mut watch = Watch::default();
        let mut numbers = 0..;
        let mut see = |frame: &VideoFrameRef<&gst::BufferRef>| {
            let damage = watch.see(frame);
            score.count(&damage, place, kind, numbers.next().and_then(span_of));
        };
        if place.is_coded() {
            return coded(harmed, see);
        }
        for frame in harmed {
            let (info, buffer) = frame?;
            see(&VideoFrameRef::from_buffer_ref_readable(&buffer, &info)?);
        }
        Ok(())
    }

    /// Prints the table and judges it.
    pub fn judge(&self, verdict: &mut Verdict) {
        println!("| damage | frames | found | rightly | sound frames between | called damaged |");
        println!("| --- | --- | --- | --- | --- | --- |");
        let mut whole = Score::default();
        for ((place, kind), score) in &self.scores {
            let share = |part: usize| 100.0 * part as f64 / score.damaged.max(1) as f64;
            println!(
                "| {place:?}, {} | {} | {:.2} % | {:.2} % | {} | {} |",
                kind,
                score.damaged,
                share(score.found),
                share(score.rightly),
                score.sound,
                score.called,
            );
            whole.damaged += score.damaged;
            whole.found += score.found;
            whole.sound += score.sound;
            whole.called += score.called;
        }
        let found = 100.0 * whole.found as f64 / whole.damaged.max(1) as f64;
        verdict.at_least("% of damaged frames found", found, 99.0);
        let called = 100.0 * whole.called as f64 / whole.sound.max(1) as f64;
        verdict.at_most("% of sound frames between called damaged", called, 0.1);
    }
}

/// `image` with a channel damaged by `kind`.
fn harmed(
    image: &Image,
    place: Place,
    kind: &'static str,
    span: &Span,
    random: &mut StdRng,
) -> Result<(VideoInfo, gst::Buffer)> {
    if place == Place::Rgb || place.is_planes() {
        return frame_of(image, place.format(), |frame| {
            harm_component(frame, kind, span, random);
        });
    }
    let mut image = image.clone();
    let size = (image.width, image.height);
    let steps = [3 * image.width, 3];
    let data = &mut image.pixels[span.channel..];
    harm(data, size, steps, kind, span, random);
    frame_of(&image, place.format(), |_| ())
}

/// Random spans of `frames` frames.
fn spans(random: &mut StdRng, frames: usize) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut first = match random.random_range(0..8) {
        0 => 0,
        _ => random.random_range(5..25),
    };
    while first < frames {
        let length = random.random_range(5..65);
        let most = random.random_range(2..=8);
        let mut shift = [most, random.random_range(-most..=most)];
        if random.random() {
            shift[0] = -shift[0];
        }
        if random.random() {
            shift.swap(0, 1);
        }
        spans.push(Span {
            frames: first..first + length,
            channel: random.random_range(0..3),
            value: random.random(),
            shift,
        });
        first += length + random.random_range(5..65);
    }
    spans
}

fn harm_component(
    frame: &mut VideoFrame<Writable>,
    kind: &'static str,
    span: &Span,
    random: &mut StdRng,
) {
    let component = span.channel as u32;
    let size = (
        frame.comp_width(component) as usize,
        frame.comp_height(component) as usize,
    );
    let steps = [frame.comp_stride(component), frame.comp_pstride(component)].map(|v| v as usize);
    let data = frame.comp_data_mut(component).expect("a component");
    harm(data, size, steps, kind, span, random);
}

/// Damages a channel whose rows and samples begin `steps` bytes apart.
fn harm(
    data: &mut [u8],
    (width, height): (usize, usize),
    [stride, step]: [usize; 2],
    kind: &'static str,
    span: &Span,
    random: &mut StdRng,
) {
    let whole = match kind {
        "shifted" => data.to_vec(),
        _ => Vec::new(),
    };
    let moved = |at: usize, shift: i32, side: usize| {
        at.saturating_add_signed(-shift as isize).min(side - 1)
    };
    for y in 0..height {
        for x in 0..width {
            data[y * stride + x * step] = match kind {
                "dead" => 0,
                "stuck" => span.value,
                "flat" => span.value.saturating_add(random.random_range(0..5)),
                "noise" => random.random(),
                _ => {
                    let [x, y] = [
                        moved(x, span.shift[0], width),
                        moved(y, span.shift[1], height),
                    ];
                    whole[y * stride + x * step]
                }
            };
        }
    }
}

/// Whether `damage` is what was done, and nothing else.
fn is_right(damage: &Faults, place: Place, kind: &'static str, span: &Span) -> bool {
    let (own, none) = match place.is_planes() {
        true => (damage.components, damage.rgb),
        false => (damage.rgb, damage.components),
    };
    let pixels = match place {
        Place::Rgb => 1,
        _ => 2,
    };
    let is_own = |fault: Fault| match (kind, fault) {
        ("shifted", Fault::Shifted(shift)) => shift
            .iter()
            .zip(span.shift)
            .all(|(found, done)| (found - done).abs() <= pixels),
        ("noise", fault) => fault == Fault::Noise,
        // One value, whichever, is the same damage.
        ("dead" | "stuck" | "flat", fault) => {
            matches!(fault, Fault::Dead | Fault::Stuck | Fault::Flat)
        }
        _ => false,
    };
    let others = (0..3).filter(|&channel| channel != span.channel);
    own[span.channel].is_some_and(is_own)
        && others.clone().all(|channel| own[channel].is_none())
        && none == [None; 3]
}
