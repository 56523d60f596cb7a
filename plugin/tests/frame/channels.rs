//! Missing channels beside intact ones.

use gst_video::{VideoFormat, VideoFrameRef, VideoInfo};
use gstmdecomplete::frame::{Channels, Crop, Hole, Reader};
use mde_core::alignment::Affine;
use mde_core::mask::Mask;

use crate::{as_rgb, completion, converted, info, planes_of, read, rgb_frame, write};

const SIDE: usize = 420;
const CROP: (usize, usize) = (96, 96);

/// A face of about 400 pixels, slightly turned.
const TO_FRAME: Affine = Affine {
    linear: [[4.1, -0.4], [0.4, 4.1]],
    translation: [24.0, -12.0],
};

/// A picture with sharp edges, most of them in all channels.
fn sharp(x: usize, y: usize) -> [f32; 3] {
    let cell = [x / 23, y / 31];
    let is_stroke = (x * 3 + y * 2) % 61 < 7 || (x + 400 - y % 400) % 53 < 5;
    let hue = ((cell[0] * 7 + cell[1] * 3) % 11) as f32 / 11.0;
    let light = 0.35 + 0.05 * (x as f32 / 37.0).sin() + 0.3 * hue;
    let shade = if is_stroke { 0.45 } else { 1.0 };
    let tint = 1.1 + 0.2 * (y as f32 / 29.0).sin();
    [tint * light, light, 0.7 * light + 0.05].map(|v| v * shade)
}

/// PSNR in dB of `channels` of two RGB frames, away from the border.
fn psnr(found: &[f32], wanted: &[f32], channels: &[usize]) -> f32 {
    let pixels = (100..320).flat_map(|y| (100..320).map(move |x| y * SIDE + x));
    let errors = pixels.flat_map(|pixel| {
        let error = move |channel: &usize| {
            let i = channel * SIDE * SIDE + pixel;
            (found[i] - wanted[i]).powi(2)
        };
        channels.iter().map(error)
    });
    let (sum, count) = errors.fold((0.0, 0), |(sum, count), e| (sum + e, count + 1));
    -10.0 * (sum / count as f32).log10()
}

/// The sharp picture in the format of `info`, as GStreamer converts it.
fn whole(info: &VideoInfo) -> gst::Buffer {
    let rgb = as_rgb(info);
    converted(rgb_frame(&rgb, sharp), &rgb, info)
}

fn as_planes(buffer: &gst::Buffer, info: &VideoInfo) -> Vec<f32> {
    let rgb = as_rgb(info);
    planes_of(&converted(buffer.clone(), info, &rgb), &rgb)
}

/// Writes the crop of the whole picture into `damaged`, of which `mask` is missing.
fn regain(damaged: gst::Buffer, info: &VideoInfo, mask: &Mask, channels: Channels) -> gst::Buffer {
    let whole = whole(info);
    let frame = VideoFrameRef::from_buffer_ref_readable(&whole, info).expect("a frame");
    let (completed, _) = read(&frame, &TO_FRAME, CROP);
    let (mut image, mut inside) = (vec![0.0; completed.len()], vec![0.0; CROP.0 * CROP.1]);
    let frame = VideoFrameRef::from_buffer_ref_readable(&damaged, info).expect("a frame");
    let crop = Crop {
        size: CROP,
        rgb: &mut image,
        inside: &mut inside,
    };
    Reader::default().read(&frame, &TO_FRAME, channels, crop);
    for (value, known) in image.iter_mut().zip(mask.as_slice()) {
        *value *= known;
    }
    let hole = Hole::new(mask, 0.0);
    let mut completion = completion(&completed, &image, &hole);
    completion.channels = channels;
    let mut buffer = damaged.copy_deep().expect("a copy");
    let to_crop = TO_FRAME.inverse().expect("a similarity");
    write(&mut buffer, info, &to_crop, &completion);
    buffer
}

fn without(channels: &[usize]) -> Mask {
    let mut mask = Mask::known(CROP.0, CROP.1);
    for &channel in channels {
        mask.drop_channel(channel);
    }
    mask
}

fn side_info(format: VideoFormat) -> VideoInfo {
    info(format, SIDE as u32, SIDE as u32)
}

#[test]
fn a_dead_channel_regains_the_edges_of_the_others() {
    for format in [VideoFormat::Rgb, VideoFormat::Y444, VideoFormat::I420] {
        let info = side_info(format);
        let rgb = as_rgb(&info);
        let dead = rgb_frame(&rgb, |x, y| {
            let [_, green, blue] = sharp(x, y);
            [0.0, green, blue]
        });
        let dead = converted(dead, &rgb, &info);
        let wanted = as_planes(&whole(&info), &info);
        let regained = |mask: &Mask| {
            let buffer = regain(dead.clone(), &info, mask, Channels::Rgb);
            as_planes(&buffer, &info)
        };
        let guided = psnr(&regained(&without(&[0])), &wanted, &[0]);
        // With all channels missing red is interpolated bilinearly.
        let bilinear = psnr(&regained(&without(&[0, 1, 2])), &wanted, &[0]);
        println!("{format}: red {guided:.1} dB, {bilinear:.1} dB without a guide");
        assert!(
            guided > bilinear + 6.0,
            "{format}: {guided} dB, {bilinear} dB"
        );
    }
}

#[test]
fn intact_channels_of_rgb_stay_as_they_are() {
    let info = side_info(VideoFormat::Rgb);
    let before = whole(&info);
    let after = regain(before.clone(), &info, &without(&[0]), Channels::Rgb);
    let bytes = |buffer: &gst::Buffer| buffer.map_readable().expect("memory").to_vec();
    let (before, after) = (bytes(&before), bytes(&after));
    let of_channel = |channel: usize| {
        let (before, after) = (before.iter().skip(channel), after.iter().skip(channel));
        before.zip(after).step_by(3).filter(|(a, b)| a != b).count()
    };
    assert!(of_channel(0) > 0);
    assert_eq!((of_channel(1), of_channel(2)), (0, 0));
}

#[test]
fn dead_chroma_is_regained_and_luma_stays_as_it_is() {
    for format in [VideoFormat::I420, VideoFormat::Y444, VideoFormat::P01010le] {
        let info = side_info(format);
        let rgb = as_rgb(&info);
        let gray = rgb_frame(&rgb, |x, y| {
            let [red, green, blue] = sharp(x, y);
            [0.299 * red + 0.587 * green + 0.114 * blue; 3]
        });
        let before = converted(gray, &rgb, &info);
        let after = regain(before.clone(), &info, &without(&[0, 2]), Channels::Luma);
        let luma = |buffer: &gst::Buffer| {
            let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info).expect("a frame");
            frame.plane_data(0).expect("luma").to_vec()
        };
        assert!(luma(&before) == luma(&after), "{format}: luma changed");
        let wanted = as_planes(&whole(&info), &info);
        let colour = |buffer: &gst::Buffer| psnr(&as_planes(buffer, &info), &wanted, &[0, 2]);
        let (gray, regained) = (colour(&before), colour(&after));
        println!("{format}: colours {regained:.1} dB, {gray:.1} dB without any");
        assert!(regained > gray + 6.0, "{format}: {regained} dB, {gray} dB");
    }
}
