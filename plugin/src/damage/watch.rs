//! Looking at the frames of a stream.

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::edges::{CORE, PATCH};
use super::judge::{Fault, Judge, Space};
use super::look::Look;
use super::planes::Planes;
use crate::frame::{Grid, Part, Probe, shared_block, to_rgb};

/// Blocks along the longer side of the small picture.
const THUMB: usize = 64;
/// Pixels of a frame along the side of what is averaged to tell what a channel shows.
const COARSE: usize = 16;
/// Least of such averages along a side.
const LEAST: usize = 8;
/// Most patches that are looked at.
const PATCHES: usize = 8;
/// Rows or columns of a frame, whichever are fewer, that are looked at one by one; of more, two or
/// more together.
const SHARP: usize = 1100;
/// Frames for which the patches lie at the same places.
const STAY: u32 = 30;

/// What is wrong with the channels of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// With red, green and blue. Displacements are in pixels of the frame.
    pub rgb: [Option<Fault>; 3],
    /// With the components, in formats that are not RGB.
    pub components: [Option<Fault>; 3],
}

impl Faults {
    /// What is displaced, and by how much.
    pub fn displaced(&self) -> impl Iterator<Item = (Part, [i32; 2])> {
        let channels = (0..).map(Part::Channel).zip(self.rgb);
        let components = (0..).map(Part::Component).zip(self.components);
        channels
            .chain(components)
            .filter_map(|(part, fault)| match fault {
                Some(Fault::Shifted(shift)) => Some((part, shift)),
                _ => None,
            })
    }

    /// Those of them for which `is_wanted` says so.
    pub fn filtered(self, is_wanted: impl Fn(Fault) -> bool) -> Self {
        let filtered = |faults: [Option<Fault>; 3]| {
            faults.map(|fault| fault.filter(|fault| is_wanted(*fault)))
        };
        Self {
            rgb: filtered(self.rgb),
            components: filtered(self.components),
        }
    }

    /// Whether nothing is wrong.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// How sure it is what is wrong with the channels of a frame, from 0 to 1; 0 where nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Confidences {
    /// Of what is wrong with red, green and blue.
    pub rgb: [f32; 3],
    /// The same of the components.
    pub components: [f32; 3],
}

/// Looks at the frames of a stream, one after the other.
#[derive(Debug, Default)]
pub struct Watch {
    info: Option<VideoInfo>,
    probe: Probe,
    views: Vec<View>,
    thumb: Planes,
    /// Pixels of the small picture that go together for its tones, along a side.
    coarse: usize,
    patches: Vec<Planes>,
    /// The first pixels of the patches.
    places: Vec<(usize, usize)>,
    age: u32,
    confidences: Confidences,
}

/// Frames, seen as three channels.
#[derive(Debug)]
struct View {
    space: Space,
    judge: Judge,
    now: Look,
    before: Option<Look>,
}

impl View {
    fn new(space: Space) -> Self {
        Self {
            space,
            judge: Judge::new(space),
            now: Look::default(),
            before: None,
        }
    }

    /// Takes over the measures of a frame.
    fn fill(&mut self, info: &VideoInfo, thumb: &Planes, side: usize, patches: &[Planes]) {
        let seen = |planes: &Planes| {
            let mut planes = planes.clone();
            if self.space == Space::Rgb && !info.is_rgb() {
                to_rgb(info, &mut planes.values);
            }
            planes
        };
        let patches: Vec<Planes> = patches.iter().map(seen).collect();
        self.now.fill(&seen(thumb), side, &patches);
    }

    /// Makes the frame the one before.
    fn advance(&mut self) {
        let before = self.before.get_or_insert_default();
        std::mem::swap(before, &mut self.now);
    }
}

impl Watch {
    /// What is wrong with `frame`, which comes after those seen before.
    pub fn see<T>(&mut self, frame: &VideoFrameRef<T>) -> Faults {
        let info = frame.info();
        if !Probe::sees(info) {
            return Faults::default();
        }
        if self.info.as_ref() != Some(info) {
            *self = Self {
                info: Some(info.clone()),
                views: match info.is_rgb() {
                    true => vec![View::new(Space::Rgb)],
                    false => vec![View::new(Space::Yuv), View::new(Space::Rgb)],
                },
                ..Self::default()
            };
        }
        self.read_thumb(frame);
        if self.age.is_multiple_of(STAY) {
            self.choose_places(info);
        }
        self.age = self.age.wrapping_add(1);
        self.read_patches(frame);
        let scale = fine_step(info) as i32;
        let mut faults = Faults::default();
        for view in &mut self.views {
            view.fill(info, &self.thumb, self.coarse, &self.patches);
            let found = view.judge.judge(&view.now, view.before.as_ref());
            let found = found.map(|fault| fault.map(|fault| fault.scaled(scale)));
            let confidences = view.judge.confidences(&view.now);
            let (of_faults, sure) = match view.space {
                Space::Rgb => (&mut faults.rgb, &mut self.confidences.rgb),
                Space::Yuv => (&mut faults.components, &mut self.confidences.components),
            };
            (*of_faults, *sure) = (found, confidences);
        }
        self.resolve(&mut faults);
        self.views.iter_mut().for_each(View::advance);
        faults
    }

    /// How sure is what was said of the last frame.
    pub fn confidences(&self) -> &Confidences {
        &self.confidences
    }

    /// Noise in a plane is noise in red or blue as well, and the other way round: it is where it
    /// leaves the others cleaner.
    fn resolve(&self, faults: &mut Faults) {
        let is_noise = |fault: &Option<Fault>| *fault == Some(Fault::Noise);
        if !(faults.rgb.iter().any(is_noise) && faults.components.iter().any(is_noise)) {
            return;
        }
        let beside = |space: Space, of: &[Option<Fault>; 3]| {
            let view = self.views.iter().find(|view| view.space == space);
            let channel = of.iter().position(is_noise);
            view.zip(channel)
                .map_or(0.0, |(view, channel)| view.now.whiteness_beside(channel))
        };
        let in_rgb = beside(Space::Rgb, &faults.rgb);
        let in_planes = beside(Space::Yuv, &faults.components);
        let wrong = match in_rgb < in_planes {
            true => &mut faults.components,
            false => &mut faults.rgb,
        };
        for fault in wrong {
            fault.take_if(|fault| *fault == Fault::Noise);
        }
    }

    fn read_thumb<T>(&mut self, frame: &VideoFrameRef<T>) {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let (right, down) = shared_block(frame.info());
        let side = width.max(height).div_ceil(THUMB);
        let block = (side.next_multiple_of(right), side.next_multiple_of(down));
        let grid = Grid {
            origin: (0, 0),
            block,
            count: (width / block.0, height / block.1),
        };
        self.thumb.size = grid.count;
        let most = (grid.count.0.min(grid.count.1) / LEAST).max(1);
        self.coarse = COARSE.div_ceil(side).min(most);
        self.probe.read(frame, &grid, &mut self.thumb.values);
    }

    fn read_patches<T>(&mut self, frame: &VideoFrameRef<T>) {
        let step = fine_step(frame.info());
        self.patches.resize_with(self.places.len(), Planes::default);
        for (patch, &origin) in self.patches.iter_mut().zip(&self.places) {
            let grid = Grid {
                origin,
                block: (step, step),
                count: (PATCH, PATCH),
            };
            patch.size = grid.count;
            self.probe.read(frame, &grid, &mut patch.values);
        }
    }

    /// Puts patches where the small picture changes most.
    fn choose_places(&mut self, info: &VideoInfo) {
        self.places.clear();
        let step = fine_step(info);
        let side = PATCH * step;
        let size = (info.width() as usize, info.height() as usize);
        let (columns, rows) = self.thumb.size;
        if size.0 < side || size.1 < side || columns < 3 || rows < 3 {
            return;
        }
        let mut cells: Vec<(f32, usize, usize)> = (1..rows - 1)
            .flat_map(|y| (1..columns - 1).map(move |x| (x, y)))
            .map(|(x, y)| (self.change_at(x, y), x, y))
            .collect();
        cells.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (right, down) = shared_block(info);
        for (_, x, y) in cells {
            let first = |cell: usize, cells: usize, length: usize, shared: usize| {
                let middle = (2 * cell + 1) * length / (2 * cells);
                let first = middle.saturating_sub(side / 2).min(length - side);
                first / shared * shared
            };
            let place = (
                first(x, columns, size.0, right),
                first(y, rows, size.1, down),
            );
            let apart = |other: &(usize, usize)| {
                let apart = place.0.abs_diff(other.0).max(place.1.abs_diff(other.1));
                apart >= CORE * step
            };
            if self.places.iter().all(apart) {
                self.places.push(place);
            }
            if self.places.len() == PATCHES {
                break;
            }
        }
    }

    /// How much the small picture changes around a block.
    fn change_at(&self, x: usize, y: usize) -> f32 {
        let width = self.thumb.size.0;
        let at = y * width + x;
        let change = |values: &Vec<f32>| {
            let across = (values[at + 1] - values[at - 1]).abs();
            across + (values[at + width] - values[at - width]).abs()
        };
        self.thumb.values.iter().map(change).sum()
    }
}

/// Pixels of a frame for one of a patch, along a side.
fn fine_step(info: &VideoInfo) -> usize {
    let format = info.format_info();
    let subsamplings = format.w_sub().iter().chain(format.h_sub());
    let shared = 1 << subsamplings.copied().max().unwrap_or(0);
    let least = info.width().min(info.height()) as usize;
    least.div_ceil(SHARP).next_multiple_of(shared)
}
