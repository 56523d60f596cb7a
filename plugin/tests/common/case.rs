//! A frame, a crop of it and a hole, and the promise that no bit outside the hole changes.

use gst_video::prelude::*;
use gst_video::{
    VideoFormat, VideoFrame, VideoFrameFlags, VideoFrameRef, VideoInfo, VideoInterlaceMode,
    VideoMeta,
};
use gstmdecomplete::frame::{
    Channels, Completion, Crop, Hole, Layer, Picture, PixelWeights, Pyramid, Reader, Writer, draw,
};
use mde_core::alignment::Affine;
use mde_core::mask::{CHANNELS, Mask};
use mde_core::occlusion::Rect;
use mde_core::registration::Displacement;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

use super::samples::sample_bits;

/// What is drawn at random.
#[derive(Clone, Debug)]
pub struct Case {
    pub format: VideoFormat,
    /// Width and height of the frame.
    pub size: (u32, u32),
    pub interlaced: bool,
    /// Bytes behind the rows of each plane, then before each plane.
    pub padding: [[u8; 4]; 2],
    /// Width and height of the crop.
    pub crop: (usize, usize),
    /// From the frame to the crop.
    pub to_crop: Affine,
    /// Parts of the crop, and whether they miss red, green and blue.
    pub missing: Vec<(Rect, [bool; CHANNELS])>,
    pub feather: f32,
    pub strength: f32,
    pub channels: Channels,
    /// Pixels of the frame with weights of their own.
    pub pixels: Option<Rect>,
    /// Of the noise that frame and completion are.
    pub seed: u64,
}

impl Case {
    /// Reads, writes and tints the hole.
    ///
    /// # Panics
    /// If a bit changes that must not, or a crop is read that is no picture.
    pub fn check(&self) {
        gst::init().expect("GStreamer");
        let rng = &mut StdRng::seed_from_u64(self.seed);
        let info = self.info();
        let mut buffer = self.noise(&info, rng);
        let image = self.read(&buffer, &info);
        let mask = self.mask();
        let hole = Hole::new(&mask, self.feather);
        let mut writer = Writer::default();

        let completed: Vec<f32> = (0..image.len())
            .map(|_| match rng.random_range(0..99) {
                0 => f32::NAN,
                _ => rng.random_range(-0.5..1.5),
            })
            .collect();
        let weights: Vec<f32> = (0..self.pixels.map_or(0, |area| area.area()))
            .map(|_| rng.random_range(-0.5..1.0f32).max(0.0))
            .collect();
        let pixels = self.pixels.map(|area| PixelWeights {
            area,
            weights: &weights,
        });
        let (pyramid, copied) = (self.source(rng), self.copied(rng));
        let (flow, shares) = copied.split_at(copied.len() / 3 * 2);
        let layer = Layer {
            pyramid: &pyramid,
            displacement: &Displacement::NONE,
            shown: pyramid.base(),
            flow,
            weights: shares,
            opacity: rng.random_range(0.0..1.5),
        };
        let layers = [0, 1, 2].map(|_| rng.random::<bool>().then_some(layer));
        let completion = Completion {
            rgb: &completed,
            image: &image,
            hole: &hole,
            channels: self.channels,
            strength: self.strength,
            // None, half of it, all.
            grain: (self.seed % 3) as f32 / 2.0,
            pixels,
            layers,
            refined: None,
        };
        let is_written = self.change(&mut buffer, &info, |frame| {
            writer.write(frame, &self.to_crop, &completion).is_ok()
        });
        self.compare(&is_written, &info, |component, x, y| {
            self.channels_of(&info, component)
                .iter()
                .any(|&channel| self.falls_into_hole(&mask, &[channel], x, y))
                || weight_at(pixels, x, y) > 0.0
        });
        let is_tinted = self.change(&mut buffer, &info, |frame| {
            draw::hole(&mut writer, frame, &self.to_crop, &hole, |_| {
                [1.0, 0.2, 0.7]
            })
            .is_ok()
        });
        self.compare(&is_tinted, &info, |_, x, y| {
            self.falls_into_hole(&mask, &[0, 1, 2], x, y)
        });
    }

    /// Another picture of noise.
    fn source(&self, rng: &mut StdRng) -> Pyramid {
        let factor = rng.random_range(1..4);
        let pixels = self.crop.0 * self.crop.1;
        let mut values =
            |len: usize| -> Vec<f32> { (0..len).map(|_| rng.random_range(0.0..1.0)).collect() };
        Pyramid::new(&Picture {
            crop: self.crop,
            factor,
            rgb: &values(3 * pixels * factor * factor),
            small: &values(3 * pixels),
            known: &values(pixels).iter().map(|v| v.ceil()).collect::<Vec<_>>(),
        })
    }

    /// A flow of two values and a weight for each pixel of the grid; some are no numbers.
    fn copied(&self, rng: &mut StdRng) -> Vec<f32> {
        let values = 3 * (self.crop.0 / 2) * (self.crop.1 / 2);
        let value = |_| match rng.random_range(0..99) {
            0 => f32::NAN,
            1 => f32::INFINITY,
            _ => rng.random_range(-20.0..20.0),
        };
        (0..values).map(value).collect()
    }

    fn info(&self) -> VideoInfo {
        let mode = match self.interlaced {
            true => VideoInterlaceMode::Interleaved,
            false => VideoInterlaceMode::Progressive,
        };
        VideoInfo::builder(self.format, self.size.0, self.size.1)
            .interlace_mode(mode)
            .build()
            .expect("a format")
    }

    /// A frame of noise with padded rows and planes.
    fn noise(&self, info: &VideoInfo, rng: &mut StdRng) -> gst::Buffer {
        let [behind_rows, before_planes] = self.padding;
        let (mut strides, mut offsets, mut size) = (Vec::new(), Vec::new(), 0);
        let plain = gst::Buffer::from_slice(vec![0u8; info.size()]);
        let frame = VideoFrame::from_buffer_readable(plain, info).expect("a frame");
        for plane in 0..info.n_planes() as usize {
            let stride = info.stride()[plane] + i32::from(behind_rows[plane]);
            size += usize::from(before_planes[plane]);
            offsets.push(size);
            strides.push(stride);
            size += stride as usize * frame.plane_height(plane as u32) as usize;
        }
        let mut bytes = vec![0; size];
        rng.fill_bytes(&mut bytes);
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        VideoMeta::add_full(
            buffer.make_mut(),
            VideoFrameFlags::empty(),
            info.format(),
            info.width(),
            info.height(),
            &offsets,
            &strides,
        )
        .expect("a meta");
        buffer
    }

    fn mask(&self) -> Mask {
        let (width, height) = self.crop;
        let mut mask = Mask::known(width, height);
        for (rect, channels) in &self.missing {
            let mut in_rect = Mask::known(width, height);
            in_rect.drop_rect(*rect);
            let mut of_channels = Mask::known(width, height);
            for channel in (0..CHANNELS).filter(|&channel| channels[channel]) {
                of_channels.drop_channel(channel);
            }
            let mut missing = in_rect.complement();
            missing.intersect(&of_channels.complement());
            mask.intersect(&missing.complement());
        }
        mask
    }

    fn read(&self, buffer: &gst::Buffer, info: &VideoInfo) -> Vec<f32> {
        let pixels = self.crop.0 * self.crop.1;
        let (mut rgb, mut inside) = (vec![f32::NAN; 3 * pixels], vec![f32::NAN; pixels]);
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info).expect("a frame");
        let to_frame = self.to_crop.inverse().unwrap_or(self.to_crop);
        let crop = Crop {
            size: self.crop,
            rgb: &mut rgb,
            inside: &mut inside,
        };
        Reader::default().read(&frame, &to_frame, self.channels, crop);
        assert!(rgb.iter().all(|v| (0.0..=1.0).contains(v)), "{self:?}");
        assert!(inside.iter().all(|&v| v == 0.0 || v == 1.0), "{self:?}");
        rgb
    }

    fn change(
        &self,
        buffer: &mut gst::Buffer,
        info: &VideoInfo,
        change: impl FnOnce(&mut VideoFrameRef<&mut gst::BufferRef>) -> bool,
    ) -> Change {
        let before = buffer.copy_deep().expect("a copy");
        let buffer_ref = buffer.make_mut();
        let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer_ref, info).expect("a frame");
        let is_done = change(&mut frame);
        drop(frame);
        Change {
            before,
            after: buffer.copy_deep().expect("a copy"),
            is_done,
        }
    }

    /// The channels from which a component is made.
    fn channels_of(&self, info: &VideoInfo, component: usize) -> &'static [usize] {
        match (info.is_rgb(), self.channels, component) {
            // Green becomes luma.
            (true, Channels::Luma, 1) => &[0, 1, 2],
            (true, _, 0) => &[0],
            (true, _, 1) => &[1],
            (true, _, _) => &[2],
            (false, Channels::Luma, 0) => &[1],
            (false, Channels::Luma, _) => &[0, 2],
            (false, Channels::Rgb, _) => &[0, 1, 2],
        }
    }

    /// Whether a pixel of the frame falls onto a missing pixel of the crop, or so close to the
    /// border of one that rounding decides.
    fn falls_into_hole(&self, mask: &Mask, channels: &[usize], x: usize, y: usize) -> bool {
        let [u, v] = self.to_crop.apply([x as f64, y as f64]);
        let near = 1e-3 + 1e-6 * self.reach();
        let around = |v: f64, side: usize| {
            let index = |v: f64| (v.round().max(0.0) as usize).min(side);
            let first = index(v - near);
            first..(index(v + near) + 1).min(side)
        };
        let is_beyond = u + near < -0.5 || v + near < -0.5;
        !is_beyond
            && around(v, mask.height()).any(|row| {
                around(u, mask.width()).any(|column| {
                    channels
                        .iter()
                        .any(|&channel| !mask.is_known(channel, column, row))
                })
            })
    }

    /// How far in the crop it is from one corner of the frame to the other.
    fn reach(&self) -> f64 {
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        let row = |[a, b]: [f64; 2]| a.abs() * width + b.abs() * height;
        let [x, y] = self.to_crop.linear.map(row);
        x.max(y)
    }

    /// Asserts that no bit changed but those of samples for whose pixels `may_change` holds.
    fn compare(
        &self,
        change: &Change,
        info: &VideoInfo,
        may_change: impl Fn(usize, usize, usize) -> bool,
    ) {
        let bytes = |buffer: &gst::Buffer| buffer.map_readable().expect("memory").to_vec();
        let (before, mut after) = (bytes(&change.before), bytes(&change.after));
        let frame = VideoFrameRef::from_buffer_ref_readable(&change.before, info);
        if change.is_done {
            mask_out(&mut after, &before, &frame.expect("a frame"), may_change);
        }
        let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert_eq!(changed, 0, "{self:?}");
    }
}

struct Change {
    before: gst::Buffer,
    after: gst::Buffer,
    is_done: bool,
}

fn weight_at(pixels: Option<PixelWeights<'_>>, x: usize, y: usize) -> f32 {
    let at = |PixelWeights { area, weights }: PixelWeights<'_>| {
        let index = || (y - area.y0) * area.width() + x - area.x0;
        area.contains(x, y).then(|| weights[index()])
    };
    pixels.and_then(at).unwrap_or(0.0)
}

/// The luma rows that a row of a component's samples stands for, after GStreamer's
/// `video-format.c`.
fn rows_covered(
    frame: &VideoFrameRef<&gst::BufferRef>,
    component: usize,
    row: usize,
) -> Vec<usize> {
    let shift = frame.info().format_info().h_sub()[component];
    let last = frame.comp_height(component as u32) as usize - 1;
    (0..frame.height() as usize)
        .filter(|&y| {
            let own = match frame.is_interlaced() && shift > 0 {
                true => ((y & !3) >> 1) + (y & 1),
                false => y >> shift,
            };
            own.min(last) == row
        })
        .collect()
}

/// Overwrites in `bytes` all bits that may change with those of `other`.
fn mask_out(
    bytes: &mut [u8],
    other: &[u8],
    frame: &VideoFrameRef<&gst::BufferRef>,
    may_change: impl Fn(usize, usize, usize) -> bool,
) {
    let format = frame.info().format_info();
    for component in 0..frame.n_components().min(3) {
        let index = component as usize;
        let shift = format.w_sub()[index];
        let plane = frame.plane_offset()[format.plane()[index] as usize];
        let (offset, bits) = sample_bits(frame.format(), index);
        for row in 0..frame.comp_height(component) as usize {
            let ys = rows_covered(frame, index, row);
            for column in 0..frame.comp_width(component) as usize {
                let last = frame.width() as usize - 1;
                let mut xs = column << shift..=(((column + 1) << shift) - 1).min(last);
                if xs.any(|x| ys.iter().any(|&y| may_change(index, x, y))) {
                    let at = plane
                        + offset
                        + row * frame.comp_stride(component) as usize
                        + column * frame.comp_pstride(component) as usize;
                    for (byte, bits) in bits.to_le_bytes().into_iter().enumerate() {
                        if bits != 0 {
                            bytes[at + byte] &= !bits;
                            bytes[at + byte] |= other[at + byte] & bits;
                        }
                    }
                }
            }
        }
    }
}
