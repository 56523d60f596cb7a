//! Damaged channels.

use super::*;

#[test]
fn a_damaged_channel_is_completed_and_the_others_stay() {
    with_runtime(|| {
        for (format, channel) in [(VideoFormat::Rgb, 0), (VideoFormat::Bgra, 2)] {
            let element = green_fill();
            let name = ["red", "green", "blue"][channel as usize];
            element.set_property_from_str("damaged-channels", name);
            let info = info(format, 96, 96);
            let mut harness = harness(&element, &info);
            let (before, after) = next(&mut harness, noise(&info, 0));
            for other in (0..info.n_components()).filter(|&c| c != channel) {
                let same = samples(&before, &info, other) == samples(&after, &info, other);
                assert!(same, "{format}: component {other} changed");
            }
            let completed = samples(&after, &info, channel);
            for (found, green) in completed.iter().zip(samples(&before, &info, 1)) {
                assert!(found.abs_diff(green) < 8, "{format}: {found} for {green}");
            }
        }
    });
}

#[test]
fn with_an_occlusion_each_channel_has_its_own_hole() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property_from_str("damaged-channels", "blue");
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let (before, after) = next(&mut harness, noise(&info, 0));
        for channel in 0..3 {
            let hole = match channel {
                2 => Rect::new(0, 0, 96, 96),
                _ => Occlusion::Eyes.rect(),
            };
            let (before, after) = (
                samples(&before, &info, channel),
                samples(&after, &info, channel),
            );
            let changed = (0..before.len()).filter(|&at| before[at] != after[at]);
            let within = changed.clone().filter(|at| hole.contains(at % 96, at / 96));
            assert_eq!(changed.clone().count(), within.count(), "{channel}");
            assert!(changed.count() * 10 > hole.area() * 9, "{channel}");
        }
    });
}

#[test]
fn without_chroma_luma_stands_for_green_and_stays() {
    with_runtime(|| {
        let element = green_fill();
        element.set_property_from_str("damaged-channels", "chroma");
        let yuv = info(VideoFormat::I420, 96, 96);
        let mut harness_yuv = harness(&element, &yuv);
        let (before, after) = next(&mut harness_yuv, noise(&yuv, 0));
        assert!(
            samples(&before, &yuv, 0) == samples(&after, &yuv, 0),
            "luma changed"
        );
        // Red and blue like the luma that stands for green: a grey picture.
        for component in [1, 2] {
            for found in samples(&after, &yuv, component) {
                assert!(found.abs_diff(128) < 6, "{found}");
            }
        }

        let element = green_fill();
        element.set_property_from_str("damaged-channels", "chroma");
        let rgb = info(VideoFormat::Rgb, 96, 96);
        let mut harness_rgb = harness(&element, &rgb);
        let (before, after) = next(&mut harness_rgb, noise(&rgb, 0));
        let [red, green, blue] = [0, 1, 2].map(|c| samples(&before, &rgb, c));
        for component in 0..3 {
            for (at, found) in samples(&after, &rgb, component).into_iter().enumerate() {
                let part = |samples: &[u8], weight: f32| f32::from(samples[at]) * weight;
                let luma = part(&red, 0.299) + part(&green, 0.587) + part(&blue, 0.114);
                assert!((f32::from(found) - luma).abs() < 8.0, "{found} for {luma}");
            }
        }
    });
}
