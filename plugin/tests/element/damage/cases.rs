//! Pictures of a damaged portrait, with the embedded generator and detector.

use std::path::Path;

use gst::prelude::*;
use image::{Rgba, RgbaImage};

use super::*;
use crate::skip::skip;
use crate::support::{bus_texts, case_file, init};

/// Where `bar_odd.png` has its bar.
const BAR: Rect = Rect::new(181, 97, 272, 124);

/// The last frame that comes out of `file ! before ! mdecomplete PROPERTIES`, as RGBA.
fn completed(file: &Path, before: &str, properties: &str) -> RgbaImage {
    init();
    let pipeline = gst::parse::launch(&format!(
        "filesrc location=\"{}\" ! pngdec ! {before} ! mdecomplete execution-provider=cpu \
         {properties} ! videoconvert ! video/x-raw,format=RGBA ! appsink name=sink sync=false",
        file.display()
    ));
    let pipeline = pipeline
        .expect("a pipeline")
        .downcast::<gst::Pipeline>()
        .expect("a pipeline");
    let sink = pipeline.by_name("sink").expect("the sink");
    pipeline.set_state(gst::State::Playing).expect("playing");
    let mut last = None;
    while let Some(sample) = sink.emit_by_name::<Option<gst::Sample>>("pull-sample", &[]) {
        last = Some(sample);
    }
    let texts = bus_texts(&pipeline.bus().expect("a bus"));
    pipeline.set_state(gst::State::Null).expect("stopping");
    let sample = last.unwrap_or_else(|| panic!("no frame: {texts:?}"));
    let info = VideoInfo::from_caps(sample.caps().expect("caps")).expect("a format");
    let bytes = sample.buffer_owned().expect("a buffer");
    let bytes = bytes.map_readable().expect("memory").to_vec();
    RgbaImage::from_raw(info.width(), info.height(), bytes).expect("a picture")
}

/// How many pixels in `area` have the hue of magenta, with red and blue `least` above green.
fn tinted(picture: &RgbaImage, area: Rect, least: i32) -> usize {
    let is_tinted = |pixel: &Rgba<u8>| {
        let [red, green, blue, _] = pixel.0.map(i32::from);
        red > green + least && blue > green + least
    };
    let places = (area.y0..area.y1).flat_map(|y| (area.x0..area.x1).map(move |x| (x, y)));
    places
        .filter(|&(x, y)| is_tinted(picture.get_pixel(x as u32, y as u32)))
        .count()
}

/// How many pixels in `area` have the hue of magenta.
fn magenta(picture: &RgbaImage, area: Rect) -> usize {
    tinted(picture, area, 48)
}

/// `rect` with `by` pixels more on each side.
fn widened(rect: Rect, by: usize) -> Rect {
    Rect::new(rect.x0 - by, rect.y0 - by, rect.x1 + by, rect.y1 + by)
}

fn coded(format: &str) -> String {
    format!("videoconvert ! video/x-raw,format={format}")
}

#[test]
fn nothing_stays_of_damage_with_odd_edges() {
    with_runtime(|| {
        for name in ["bar_odd.png", "bar_even.png"] {
            for format in ["I420", "Y42B", "NV12", "RGB"] {
                for grow in [0, 4] {
                    let properties = format!("damage-color=0xff00ff mask-grow={grow}");
                    let picture = completed(&case_file(name), &coded(format), &properties);
                    let left = magenta(&picture, widened(BAR, 12));
                    // With neither rim nor blend what chroma filters smear further stays.
                    assert_eq!(left, 0, "{name} {format}, mask-grow={grow}");
                }
            }
        }
    });
}

#[test]
fn nothing_stays_of_damage_that_was_coded_by_h264() {
    with_runtime(|| {
        if gst::ElementFactory::find("x264enc").is_none() {
            skip("there is no x264enc");
            return;
        }
        let h264 = "imagefreeze num-buffers=3 ! videoconvert ! video/x-raw,format=I420 \
                    ! x264enc pass=qual quantizer=23 ! h264parse ! avdec_h264";
        let left = |grow: u32| {
            let properties = format!("damage-color=0xff00ff mask-grow={grow}");
            let picture = completed(&case_file("bar_odd.png"), h264, &properties);
            tinted(&picture, widened(BAR, 16), 16)
        };
        let left = [0, 2, 4].map(left);
        println!("pixels with some magenta for a rim of 0, 2 and 4 pixels: {left:?}");
        assert_eq!(left[2], 0);
    });
}

#[test]
fn a_soft_eraser_leaves_no_ring() {
    with_runtime(|| {
        let file = case_file("p_soft.png");
        let before = image::open(&file).expect("a picture").into_rgba8();
        let sound = image::open(case_file("p_rgb.png")).expect("a picture");
        let sound = sound.into_rgba8();
        let format = coded("RGBA");
        let picture = completed(&file, &format, "mask-from-alpha=true mask-grow=0");
        let (mut sum, mut count) = (0.0, 0);
        for (x, y, pixel) in picture.enumerate_pixels() {
            let [.., alpha] = before.get_pixel(x, y).0;
            assert_eq!(pixel.0[3], 255, "({x}, {y})");
            if alpha == 255 {
                assert_eq!(pixel, before.get_pixel(x, y), "({x}, {y})");
            } else if alpha > 0 {
                let wanted = sound.get_pixel(x, y).0;
                sum += f64::from(pixel.0[0].abs_diff(wanted[0]));
                count += 1;
            }
        }
        let off = sum / f64::from(count);
        println!("off by {off:.2} of 255 where the eraser was soft");
        assert!(off < 12.0, "{off}");
    });
}

#[test]
fn a_mask_picture_that_fits_a_stain_leaves_no_ring_of_it() {
    with_runtime(|| {
        let mask = GrayImage::from_fn(512, 512, |x, y| {
            Luma([255 * u8::from(BAR.contains(x as usize, y as usize))])
        });
        let file = model_file("bar.png", &[]);
        mask.save(&file).expect("a picture");
        for format in ["RGB", "I420"] {
            for grow in [0, 4] {
                let properties = format!("mask-file=\"{}\" mask-grow={grow}", file.display());
                let picture = completed(&case_file("bar_odd.png"), &coded(format), &properties);
                let left = magenta(&picture, widened(BAR, 12));
                assert_eq!(left, 0, "{format}, mask-grow={grow}");
            }
        }
    });
}

#[test]
fn a_mask_picture_is_turned_as_it_says() {
    init();
    let raster = gstmdecomplete::missing::read(&case_file("m_exif3.png")).expect("a mask");
    let wanted = Rect::new(250, 150, 420, 230);
    assert_eq!(raster.bounds_in(raster.all()), Some(wanted));
}

#[test]
fn a_cut_jpeg_is_refused() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        set_mask(&element, &case_file("trunc.jpg"));
        let bus = bus_of(&element);
        assert!(element.set_state(gst::State::Paused).is_err());
        let texts = bus_texts(&bus);
        let is_told = texts
            .iter()
            .any(|text| text.contains("ends before its picture does"));
        assert!(is_told, "{texts:?}");
        element.set_state(gst::State::Null).expect("stopping");
    });
}

/// The mean step of the channels over the bar's upper and lower border, inside less outside.
fn steps(picture: &RgbaImage) -> [[f64; 3]; 2] {
    let row = |y: usize, channel: usize| {
        let xs = BAR.x0 + 4..BAR.x1 - 4;
        let count = xs.len() as f64;
        let values = xs.map(|x| f64::from(picture.get_pixel(x as u32, y as u32).0[channel]));
        values.sum::<f64>() / count
    };
    [(BAR.y0, BAR.y0 - 1), (BAR.y1 - 1, BAR.y1)]
        .map(|(inside, outside)| [0, 1, 2].map(|c| row(inside, c) - row(outside, c)))
}

#[test]
fn a_matched_border_has_no_bigger_step_than_one_that_is_not() {
    with_runtime(|| {
        let found = [0, 1].map(|share| {
            let properties = format!("damage-color=0xff00ff border-match={share}");
            steps(&completed(
                &case_file("bar_odd.png"),
                &coded("RGB"),
                &properties,
            ))
        });
        println!("steps without and with matching: {found:.1?}");
        for (plain, matched) in found[0].iter().zip(&found[1]) {
            for (plain, matched) in plain.iter().zip(matched) {
                assert!(matched.abs() <= plain.abs() + 1.0, "{found:?}");
            }
        }
    });
}
