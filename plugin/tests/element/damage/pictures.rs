//! Mask pictures, alpha and a colour as marks of damage.

use super::*;

#[test]
fn the_white_of_a_mask_file_is_completed_in_every_format() {
    with_runtime(|| {
        for &format in SUPPORTED_FORMATS {
            for side in [48, 96, 192] {
                let element = mean_fill("");
                set_mask(&element, &mask_file(side, SPOT));
                let info = info(format, 96, 96);
                let mut harness = harness(&element, &info);
                for number in 0..2 {
                    let (before, after) = next(&mut harness, noise(&info, number));
                    assert_only_changed_in(&before, &after, &info, SPOT);
                }
            }
        }
    });
}

#[test]
fn a_mask_is_the_frame_s_and_a_region_completes_its_part() {
    with_runtime(|| {
        let element = mean_fill("");
        element.set_property_from_str("region", "roi-list");
        // The left half of a frame of 320 x 240.
        set_mask(&element, &mask_file(96, Rect::new(0, 0, 48, 96)));
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        let mut frame = noise(&info, 0);
        let mut points = gst::Structure::new_empty(POINTS_PARAM);
        for ([x_field, y_field], [x, y]) in POINT_FIELDS.into_iter().zip(TEMPLATE) {
            points.set(x_field, x + 120.0);
            points.set(y_field, y + 70.0);
        }
        VideoRegionOfInterestMeta::add(frame.make_mut(), "face", (140, 80, 61, 82))
            .add_param(points);
        let (before, after) = next(&mut harness, frame);
        // The crop is the 96 x 96 pixels from (120, 70), the mask ends at 160. Beyond the crop the
        // mask is filled from around it.
        assert_only_changed_in(&before, &after, &info, Rect::new(0, 0, 160, 240));
    });
}

#[test]
fn the_mask_file_may_change_while_playing() {
    with_runtime(|| {
        let element = mean_fill("");
        let bus = bus_of(&element);
        set_mask(&element, &mask_file(96, SPOT));
        let info = info(VideoFormat::I420, 96, 96);
        let mut harness = harness(&element, &info);
        let (before, after) = next(&mut harness, noise(&info, 0));
        assert_only_changed_in(&before, &after, &info, SPOT);

        let other = Rect::new(60, 2, 90, 32);
        set_mask(&element, &mask_file(96, other));
        let (before, after) = next(&mut harness, noise(&info, 1));
        assert_only_changed_in(&before, &after, &info, other);

        let garbage = model_file("garbage.png", b"no picture");
        let set = element.property::<Option<String>>("mask-file");
        for file in [garbage.to_str().expect("UTF-8"), "/nonexistent/mask.png"] {
            element.set_property("mask-file", file);
            let warning = bus
                .pop_filtered(&[gst::MessageType::Warning])
                .expect("a warning");
            let gst::MessageView::Warning(warning) = warning.view() else {
                unreachable!("filtered");
            };
            let text = warning.error().to_string();
            assert!(text.contains(file) && text.contains("mask-file"), "{text}");
            assert!(
                file != garbage.to_str().expect("UTF-8") || text.contains("png, bmp"),
                "{text}"
            );
            assert_eq!(element.property::<Option<String>>("mask-file"), set);
            let (before, after) = next(&mut harness, noise(&info, 2));
            assert_only_changed_in(&before, &after, &info, other);
        }

        element.set_property("mask-file", None::<&str>);
        let (before, after) = next(&mut harness, noise(&info, 3));
        assert_same(&before, &after);
    });
}

#[test]
fn an_unreadable_mask_file_is_an_error_at_the_start() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property("mask-file", "/nonexistent/mask.png");
        let bus = bus_of(&element);
        assert!(element.set_state(gst::State::Paused).is_err());
        let message = bus
            .pop_filtered(&[gst::MessageType::Error])
            .expect("an error");
        let gst::MessageView::Error(error) = message.view() else {
            unreachable!("filtered");
        };
        let text = error.error().to_string();
        assert!(text.contains("/nonexistent/mask.png"), "{text}");
        element.set_state(gst::State::Null).expect("stopping");
    });
}

#[test]
fn a_mask_that_covers_nothing_lets_the_very_buffers_pass_and_says_so_once() {
    with_runtime(|| {
        let element = mean_fill("");
        let bus = bus_of(&element);
        let black = mask_file(96, Rect::new(0, 0, 0, 0));
        set_mask(&element, &black);
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        for number in 0..3 {
            let frame = noise(&info, number);
            let _held = frame.clone();
            let address = frame.as_ptr();
            let out = harness.push_and_pull(frame).expect("a frame");
            assert_eq!(out.as_ptr(), address);
        }
        assert_eq!(told_to_cover_nothing(&bus), ["mask-file"]);

        set_mask(&element, &mask_file(96, SPOT));
        let (before, after) = next(&mut harness, noise(&info, 3));
        assert_only_changed_in(&before, &after, &info, SPOT);
        assert_eq!(told_to_cover_nothing(&bus), [""; 0]);

        element.set_property("mask-file", None::<&str>);
        element.set_property("mask-from-alpha", true);
        for number in 4..6 {
            let (before, after) = next(&mut harness, noise(&info, number));
            assert_same(&before, &after);
        }
        assert_eq!(told_to_cover_nothing(&bus), ["mask-from-alpha"]);
    });
}

#[test]
fn of_each_pixel_as_much_is_completed_as_its_alpha_is_short_of_opaque() {
    with_runtime(|| {
        // More transparent than not, so that the generator is not shown it; beside the spot, which
        // is so as a whole.
        let soft = Rect::new(SPOT.x1, SPOT.y0, SPOT.x1 + 4, SPOT.y1);
        for format in [
            VideoFormat::Rgba,
            VideoFormat::Argb,
            VideoFormat::Ayuv,
            VideoFormat::Vuya,
            VideoFormat::A420,
        ] {
            let element = mean_fill("");
            element.set_property("mask-from-alpha", true);
            for property in ["grain", "border-match"] {
                element.set_property(property, 0f32);
            }
            let info = info(format, 96, 96);
            let mut harness = harness(&element, &info);
            let all = Rect::new(0, 0, 96, 96);
            let sound = marked(&info, all, &[(3, 255)]);
            let (before, after) = next(&mut harness, sound);
            assert_same(&before, &after);

            let mut damaged = VideoFrame::from_buffer_writable(before, &info).expect("a frame");
            let (stride, step) = (
                damaged.comp_stride(3) as usize,
                damaged.comp_pstride(3) as usize,
            );
            let alpha = damaged.comp_data_mut(3).expect("alpha");
            for (rect, value) in [(SPOT, 0), (soft, 100)] {
                for y in rect.y0..rect.y1 {
                    for x in rect.x0..rect.x1 {
                        alpha[y * stride + x * step] = value;
                    }
                }
            }
            let (before, after) = next(&mut harness, damaged.into_buffer());
            let alpha = samples(&after, &info, 3);
            assert!(alpha.iter().all(|alpha| *alpha == 255), "{format}");
            for component in 0..3 {
                let [before, after] =
                    [&before, &after].map(|buffer| samples(buffer, &info, component));
                if before.len() < alpha.len() {
                    continue; // Chroma of fewer samples.
                }
                let filled = f32::from(after[50 * 96 + 30]);
                for (at, (before, after)) in before.iter().zip(&after).enumerate() {
                    let share = match (at % 96, at / 96) {
                        (x, y) if SPOT.contains(x, y) => 1.0,
                        (x, y) if soft.contains(x, y) => 155.0 / 255.0,
                        _ => 0.0,
                    };
                    let before = f32::from(*before);
                    let wanted = before + share * (filled - before);
                    let off = (f32::from(*after) - wanted).abs();
                    assert!(
                        off <= 1.0,
                        "{format} {component} {at}: {after}, not {wanted}"
                    );
                }
            }
        }
    });
}

#[test]
fn pixels_of_the_damage_color_are_completed() {
    with_runtime(|| {
        let magenta: &[(u32, u8)] = &[(0, 250), (1, 4), (2, 251)];
        // Magenta in BT.601, limited range.
        let in_yuv: &[(u32, u8)] = &[(0, 106), (1, 202), (2, 222)];
        for (format, values) in [
            (VideoFormat::Rgb, magenta),
            (VideoFormat::Bgrx, magenta),
            (VideoFormat::I420, in_yuv),
            (VideoFormat::Nv12, in_yuv),
            (VideoFormat::Yuy2, in_yuv),
        ] {
            let element = mean_fill("");
            element.set_property("damage-color", 0xff00ff);
            element.set_property("damage-tolerance", 5u32);
            element.set_property("mask-feather", 3f32);
            let info = info(format, 96, 96);
            let mut harness = harness(&element, &info);
            let frame = marked(&info, SPOT, values);
            let (before, after) = next(&mut harness, frame.clone());
            // Lost pixels are replaced whole, whatever the feather.
            assert_only_changed_in(&before, &after, &info, SPOT);

            element.set_property("damage-tolerance", 3u32);
            let (before, after) = next(&mut harness, frame.clone());
            if !info.is_yuv() {
                assert_same(&before, &after);
            }
            element.set_property("damage-color", -1);
            let (before, after) = next(&mut harness, frame);
            assert_same(&before, &after);
        }
    });
}

#[test]
fn sources_unite_with_the_occlusion() {
    with_runtime(|| {
        let element = mean_fill("mouth");
        set_mask(&element, &mask_file(96, Rect::new(10, 8, 40, 20)));
        element.set_property("damage-color", 0x0a141e);
        element.set_property("damage-tolerance", 0u32);
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let line = Rect::new(0, 34, 96, 37);
        let (before, after) = next(
            &mut harness,
            marked(&info, line, &[(0, 10), (1, 20), (2, 30)]),
        );
        let holes = [Occlusion::Mouth.rect(), Rect::new(10, 8, 40, 20), line];
        let (before, after) = (samples(&before, &info, 1), samples(&after, &info, 1));
        let mut changed = 0;
        for (at, (before, after)) in before.iter().zip(&after).enumerate() {
            let is_hole = holes.iter().any(|hole| hole.contains(at % 96, at / 96));
            assert!(is_hole || before == after, "({}, {})", at % 96, at / 96);
            changed += usize::from(before != after);
        }
        let area: usize = holes.iter().map(Rect::area).sum();
        assert!(changed * 10 > area * 9, "{changed} of {area}");
    });
}
