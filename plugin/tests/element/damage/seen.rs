//! What was found, and by whom: marked and shown, without being painted and without being taken for
//! picture later.

use gstmdecomplete::locate::{CHANNELS_TYPE, COMPLETED_TYPE, DROP_OUT_TYPE};

use super::auto::boxes;
use super::drop_outs::{SIZE, frame};
use super::*;
use crate::support::{add_face, bytes, count};

/// What `overlay=mask` shows lost channels in.
const CHANNELS_TINT: [f64; 3] = [0.55, 0.35, 1.0];

/// How many regions of the type `roi_type` are marked on `buffer`.
fn marked(buffer: &gst::Buffer, roi_type: &str) -> usize {
    let metas = buffer.iter_meta::<VideoRegionOfInterestMeta>();
    metas.filter(|meta| meta.roi_type() == roi_type).count()
}

#[test]
fn a_dry_run_paints_nothing_whatever_is_missing() {
    with_runtime(|| {
        let mask = mask_file(96, SPOT);
        let mask = mask.to_str().expect("a name");
        for (property, value) in [
            ("occlusion", "mouth"),
            ("damaged-channels", "red"),
            ("damage-color", "0xff"),
            ("mask-from-alpha", "true"),
            ("mask-file", mask),
        ] {
            for region in ["full-frame", "roi-list"] {
                let element = mean_fill("");
                element.set_property_from_str("region", region);
                element.set_property_from_str(property, value);
                element.set_property("dry-run", true);
                let info = info(VideoFormat::Rgba, 96, 96);
                let mut pixels = [200, 180, 160, 255].repeat(96 * 96);
                for (i, pixel) in pixels.chunks_exact_mut(4).enumerate() {
                    if SPOT.contains(i % 96, i / 96) {
                        pixel.copy_from_slice(&[0, 0, 255, 0]);
                    }
                }
                let mut buffer = gst::Buffer::from_mut_slice(pixels);
                add_face(buffer.make_mut(), 0, 0);
                let mut harness = harness(&element, &info);
                let (before, after) = next(&mut harness, buffer);
                assert_same(&before, &after);
                let found = marked(&after, COMPLETED_TYPE);
                assert_eq!(found, 1, "{property}={value} in {region}");
                assert_eq!(count(&element, "completed"), 0, "{property}={value}");
            }
        }
    });
}

#[test]
fn what_is_found_by_itself_is_marked_in_a_dry_run() {
    with_runtime(|| {
        let element = mean_fill("");
        element.set_property_from_str("region", "roi-list");
        element.set_property_from_str("damage", "lines");
        element.set_property("dry-run", true);
        let (info, _) = frame(VideoFormat::I420, 0, 0, false);
        let mut of_lines = harness(&element, &info);
        for number in 0..4 {
            let (_, frame) = frame(VideoFormat::I420, number, 0, number == 3);
            let (before, after) = next(&mut of_lines, frame);
            assert_same(&before, &after);
            let wanted = if number == 3 { 2 } else { 0 };
            assert_eq!(marked(&after, DROP_OUT_TYPE), wanted, "frame {number}");
        }

        let element = mean_fill("");
        element.set_property_from_str("region", "roi-list");
        element.set_property_from_str("damaged-channels", "auto");
        element.set_property("dry-run", true);
        let (info, _) = boxes(0, 0, |plane, _, _| plane[0]);
        let mut of_channels = harness(&element, &info);
        for number in 0..6 {
            let is_dead = number >= 3;
            let (_, frame) = boxes(number, 0, |plane, x, y| match is_dead {
                true => 0,
                false => plane[y * super::auto::SIZE.0 + x],
            });
            let (before, after) = next(&mut of_channels, frame);
            assert_same(&before, &after);
            let wanted = usize::from(is_dead);
            assert_eq!(marked(&after, CHANNELS_TYPE), wanted, "frame {number}");
        }
    });
}

#[test]
fn a_frame_that_was_restored_as_a_whole_is_tinted_as_a_whole() {
    with_runtime(|| {
        for is_dry in [false, true] {
            let [plain, tinted] = ["none", "mask"].map(|overlay| {
                let element = mean_fill("");
                element.set_property_from_str("region", "roi-list");
                element.set_property_from_str("damaged-channels", "red");
                element.set_property("scene-model", green_model().to_str());
                element.set_property_from_str("overlay", overlay);
                element.set_property("dry-run", is_dry);
                let (info, _) = boxes(0, 0, |_, _, _| 0);
                let mut harness = harness(&element, &info);
                // Of the first nothing is left in the second.
                let frames = [0, 1].map(|number| {
                    let (_, after) = next(&mut harness, boxes(number, 0, |_, _, _| 0).1);
                    bytes(&after)
                });
                frames.concat()
            });
            for (i, (plain, tinted)) in plain.iter().zip(&tinted).enumerate() {
                let wanted = (f64::from(*plain) + 255.0 * CHANNELS_TINT[i % 3]) / 2.0;
                let off = (wanted - f64::from(*tinted)).abs();
                assert!(off < 2.0, "{tinted} for {plain}, byte {i}, dry: {is_dry}");
            }
        }
    });
}

#[test]
fn a_tint_is_not_taken_for_picture_by_the_next_frame() {
    with_runtime(|| {
        let [plain, tinted] = ["none", "mask"].map(|overlay| {
            let element = mean_fill("");
            element.set_property_from_str("region", "roi-list");
            element.set_property_from_str("damage", "lines");
            element.set_property_from_str("overlay", overlay);
            let (info, _) = frame(VideoFormat::Rgb, 0, 0, false);
            let mut harness = harness(&element, &info);
            // The second of the damaged frames is filled from the first.
            let frames = (0..5).map(|number| {
                let (_, frame) = frame(VideoFormat::Rgb, number, 0, number >= 3);
                bytes(&next(&mut harness, frame).1)
            });
            frames.collect::<Vec<_>>()
        });
        let is_same = |number: usize| plain[number] == tinted[number];
        assert!((0..3).all(is_same) && !is_same(3) && !is_same(4));
        let stride = 3 * SIZE.0;
        for number in [3, 4] {
            // Green, of which the tint has a tenth.
            let at = 101 * stride + 3 * 160 + 1;
            let wanted = (f64::from(plain[number][at]) + 25.5) / 2.0;
            let found = f64::from(tinted[number][at]);
            assert!((wanted - found).abs() < 2.0, "{found} for {wanted}");
        }
    });
}
