//! Damage where no face is near, and damage told by a colour that things of the scene have too.

use super::*;
use crate::support::{marked_fill, messages_named};

const MASKED: Rect = Rect::new(60, 40, 90, 52);

/// A slope of brightness, with `rect` in one value.
fn slope(info: &VideoInfo, rect: Rect, value: u8) -> gst::Buffer {
    let (width, height) = (info.width() as usize, info.height() as usize);
    let mut frame = VideoFrame::from_buffer_writable(noise(info, 0), info).expect("a frame");
    for component in 0..info.n_components() {
        let (stride, step) = (
            frame.comp_stride(component) as usize,
            frame.comp_pstride(component) as usize,
        );
        let columns = frame.comp_width(component) as usize;
        let rows = frame.comp_height(component) as usize;
        let data = frame.comp_data_mut(component).expect("a component");
        for y in 0..rows {
            for x in 0..columns {
                let at = (x * width / columns, y * height / rows);
                data[y * stride + x * step] = match rect.contains(at.0, at.1) {
                    true => value,
                    false => (40 + at.0 / 2 + at.1 / 4) as u8,
                };
            }
        }
    }
    frame.into_buffer()
}

#[test]
fn a_stain_beside_the_faces_is_filled_from_around_it() {
    with_runtime(|| {
        for &format in SUPPORTED_FORMATS {
            let element = marked_fill("eyes");
            let bus = bus_of(&element);
            let info = info(format, 160, 96);
            let picture = GrayImage::from_fn(160, 96, |x, y| {
                Luma([255 * u8::from(MASKED.contains(x as usize, y as usize))])
            });
            let file = model_file("stain.png", &[]);
            picture.save(&file).expect("a picture");
            set_mask(&element, &file);
            let mut harness = harness(&element, &info);
            for number in 0..2 {
                let (before, after) = next(&mut harness, noise(&info, number));
                assert_only_changed_in(&before, &after, &info, MASKED);
            }
            let told = messages_named(&bus, "mdecomplete/fills-plainly");
            assert_eq!(told.len(), 1, "once");
            let properties = told[0].get::<gst::Array>("properties").expect("a list");
            assert_eq!(properties.len(), 1);
            assert_eq!(properties[0].get::<&str>(), Ok("mask-file"));
        }
    });
}

#[test]
fn a_fill_goes_on_with_what_is_around() {
    with_runtime(|| {
        for format in [VideoFormat::Rgb, VideoFormat::I420, VideoFormat::Gray8] {
            let element = marked_fill("");
            element.set_property("damage-color", 0xffffff);
            element.set_property("damage-tolerance", 30u32);
            let info = info(format, 160, 96);
            let mut harness = harness(&element, &info);
            let thin = Rect::new(60, 44, 120, 48);
            let wanted = slope(&info, Rect::new(0, 0, 0, 0), 0);
            // White; chroma of a grey picture is no slope.
            let damaged = slope(&info, thin, 250);
            let damaged = match info.is_yuv() {
                true => with_grey_chroma(damaged, &info),
                false => damaged,
            };
            let (_, after) = next(&mut harness, damaged);
            let (wanted, found) = (samples(&wanted, &info, 0), samples(&after, &info, 0));
            for (at, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
                assert!(
                    wanted.abs_diff(*found) <= 3,
                    "{format} {at}: {found}, not {wanted}"
                );
            }
        }
    });
}

fn with_grey_chroma(buffer: gst::Buffer, info: &VideoInfo) -> gst::Buffer {
    let mut frame = VideoFrame::from_buffer_writable(buffer, info).expect("a frame");
    for component in [1, 2] {
        frame.comp_data_mut(component).expect("chroma").fill(128);
    }
    frame.into_buffer()
}

#[test]
fn a_wall_of_the_damage_color_stays() {
    with_runtime(|| {
        let element = marked_fill("");
        element.set_property("damage-color", 0x30c040);
        let info = info(VideoFormat::Rgb, 160, 96);
        let mut harness = harness(&element, &info);
        let wall = Rect::new(0, 0, 70, 96);
        let green: &[(u32, u8)] = &[(0, 0x30), (1, 0xc0), (2, 0x40)];
        let frame = marked(&info, wall, green);
        let (before, after) = next(&mut harness, frame);
        assert_same(&before, &after);
        // Around the head of a face before it, too.
        let mut frame = marked(&info, Rect::new(0, 0, 60, 90), green);
        crate::support::add_face(frame.make_mut(), 40, 0);
        let (before, after) = next(&mut harness, frame);
        assert_same(&before, &after);
        // A cover on the face is none, and a line beside it neither.
        for rect in [Rect::new(70, 30, 110, 50), Rect::new(0, 90, 160, 92)] {
            let mut frame = marked(&info, rect, green);
            crate::support::add_face(frame.make_mut(), 40, 0);
            let (before, after) = next(&mut harness, frame);
            assert_only_changed_in(&before, &after, &info, rect);
        }
    });
}

#[test]
fn a_whole_frame_is_repaired_up_to_its_edges() {
    with_runtime(|| {
        let element = green_fill();
        element.set_property_from_str("damaged-channels", "red");
        element.set_property("mask-feather", 4f32);
        for property in ["grain", "border-match"] {
            element.set_property(property, 0f32);
        }
        let info = info(VideoFormat::Rgb, 192, 192);
        let mut harness = harness(&element, &info);
        let mut frame = slope(&info, Rect::new(0, 0, 0, 0), 0);
        for pixel in frame
            .make_mut()
            .map_writable()
            .expect("memory")
            .chunks_mut(3)
        {
            pixel[0] = 255;
        }
        let (before, after) = next(&mut harness, frame);
        let (red, green) = (samples(&after, &info, 0), samples(&before, &info, 1));
        for (at, (red, green)) in red.iter().zip(green).enumerate() {
            assert!(
                red.abs_diff(green) <= 4,
                "({}, {}): {red}",
                at % 192,
                at / 192
            );
        }
    });
}
