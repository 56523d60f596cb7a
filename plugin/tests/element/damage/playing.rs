//! How a completion is blended in, and settings that change while frames flow.

use super::*;

#[test]
fn strength_is_the_share_of_the_completion() {
    with_runtime(|| {
        let element = mean_fill("left-half");
        // Grain as coarse as this frame's is cut at black and white.
        element.set_property("grain", 0f32);
        let info = info(VideoFormat::Gray8, 96, 96);
        let mut harness = harness(&element, &info);
        let mut at = |strength: f32| {
            element.set_property("strength", strength);
            let (before, after) = next(&mut harness, noise(&info, 0));
            (samples(&before, &info, 0), samples(&after, &info, 0))
        };
        let (before, whole) = at(1.0);
        let (_, half) = at(0.5);
        let (_, none) = at(0.0);
        assert!(before == none, "strength 0 changes something");
        for ((before, whole), half) in before.iter().zip(&whole).zip(half) {
            let mean = (f32::from(*before) + f32::from(*whole)) / 2.0;
            assert!(
                (f32::from(half) - mean).abs() <= 1.0,
                "{before} {half} {whole}"
            );
        }
    });
}

#[test]
fn numbers_follow_a_control_source() {
    with_runtime(|| {
        let element = mean_fill("");
        element.set_property("damage-color", 0x808080);
        let control = |property: &str, values: [(u64, f64); 2]| {
            let source = InterpolationControlSource::new();
            source.set_mode(InterpolationMode::Linear);
            for (frame, value) in values {
                let time = frame * gst::ClockTime::from_mseconds(40);
                assert!(source.set(time, value), "{property} at {time}");
            }
            let binding = DirectControlBinding::new_absolute(&element, property, &source);
            element.add_control_binding(&binding).expect("controllable");
        };
        control("strength", [(0, 0.0), (10, 1.0)]);
        control("mask-feather", [(0, 8.0), (10, 0.0)]);
        control("damage-tolerance", [(0, 0.0), (10, 100.0)]);
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let mut changed = Vec::new();
        for number in 0..11 {
            let (before, after) = next(&mut harness, noise(&info, number));
            changed
                .push(difference(&before, &after, &info, Rect::new(0, 0, 96, 96)).inside_changed);
            let at = |property| element.property::<f32>(property);
            let share = number as f32 / 10.0;
            assert!((at("strength") - share).abs() < 1e-3);
            assert!((at("mask-feather") - 8.0 * (1.0 - share)).abs() < 1e-2);
            assert_eq!(
                element.property::<u32>("damage-tolerance"),
                10 * number as u32
            );
        }
        // Ever more of the noise is near enough to the colour.
        assert_eq!(changed[0], 0);
        assert!(
            changed.windows(2).skip(3).all(|pair| pair[0] < pair[1]),
            "{changed:?}"
        );
    });
}

#[test]
fn what_is_missing_may_change_while_playing() {
    with_runtime(|| {
        let element = mean_fill("");
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let mut changed = |number: u64| -> Vec<bool> {
            let (before, after) = next(&mut harness, noise(&info, number));
            let is_changed = |c: u32| samples(&before, &info, c) != samples(&after, &info, c);
            (0..3).map(is_changed).collect()
        };
        assert_eq!(changed(0), [false; 3]);
        element.set_property_from_str("damaged-channels", "red");
        assert_eq!(changed(1), [true, false, false]);
        element.set_property_from_str("damaged-channels", "red+blue");
        assert_eq!(changed(2), [true, false, true]);
        element.set_property_from_str("occlusion", "mouth");
        assert_eq!(changed(3), [true; 3]);
        element.set_property_from_str("damaged-channels", "");
        element.set_property_from_str("occlusion", "");
        assert_eq!(changed(4), [false; 3]);
    });
}
