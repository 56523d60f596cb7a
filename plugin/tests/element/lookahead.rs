//! Frames that are held back: what is covered now is copied from later frames.

use gst::prelude::*;
use gst_check::Harness;

use crate::models::with_runtime;
use crate::support::{bytes, harness, mean_fill, noise};
use crate::views::{Clip, element, psnr};

/// Frames that are covered, from the first one on, and all frames.
const COVERED: u64 = 8;
const FRAMES: u64 = 20;

/// All frames that are to be had by now.
fn pulled(harness: &mut Harness) -> Vec<gst::Buffer> {
    std::iter::from_fn(|| harness.try_pull()).collect()
}

#[test]
fn a_cover_that_goes_is_filled_with_what_comes_after_it() {
    let Some(clip) = Clip::new() else { return };
    with_runtime(|| {
        for (lookahead, is_copied) in [("0", false), ("600", true), ("60000", true)] {
            let element = element(&[("lookahead", lookahead)]);
            let mut harness = harness(&element, &clip.info);
            let shots: Vec<_> = (0..FRAMES)
                .map(|number| clip.shot(number, false, number < COVERED))
                .collect();
            for shot in &shots {
                harness.push(shot.buffer.clone()).expect("a frame taken");
            }
            harness.push_event(gst::event::Eos::new());
            let frames = pulled(&mut harness);
            assert_eq!(frames.len(), shots.len(), "{lookahead} ms");
            for (number, (frame, shot)) in frames.iter().zip(&shots).enumerate() {
                assert_eq!(frame.pts(), shot.buffer.pts());
                let found = bytes(frame);
                if number as u64 >= COVERED {
                    assert!(found == shot.taken, "frame {number} at {lookahead} ms");
                    continue;
                }
                let found = psnr(&found, shot);
                let is_near = found > 30.0;
                assert_eq!(
                    is_near, is_copied,
                    "frame {number} at {lookahead} ms: {found} dB"
                );
            }
            let stats = element.property::<gst::Structure>("stats");
            let [later, memory] =
                ["from-later", "from-memory"].map(|name| stats.get::<f64>(name).expect("a share"));
            assert!(memory < 0.01 && (later > 0.9) == is_copied, "{stats}");
        }
    });
}

#[test]
fn frames_are_held_back_as_long_as_is_said_and_no_longer() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property("lookahead", 200u32);
        let info = crate::support::info(gst_video::VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let mut count = 0;
        for number in 0..10u64 {
            harness.push(noise(&info, number)).expect("a frame taken");
            count += pulled(&mut harness).len() as u64;
            // At 25 frames a second the sixth frame is 200 ms after the first.
            assert_eq!(count, (number + 1).saturating_sub(5), "after {number}");
        }
        let mut query = gst::query::Latency::new();
        assert!(element.static_pad("src").expect("a pad").query(&mut query));
        assert!(
            query.result().1 >= gst::ClockTime::from_mseconds(200),
            "{query:?}"
        );
        // Less is held back from now on.
        element.set_property("lookahead", 80u32);
        harness.push(noise(&info, 10)).expect("a frame taken");
        assert_eq!(pulled(&mut harness).len() as u64, 11 - count - 2);
    });
}

#[test]
fn what_follows_frames_comes_after_them_and_a_flush_drops_them() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property("lookahead", 1000u32);
        let info = crate::support::info(gst_video::VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        for number in 0..3 {
            harness.push(noise(&info, number)).expect("a frame taken");
        }
        assert!(pulled(&mut harness).is_empty());
        // A tag goes behind them, and of a gap they need not be held back any more.
        let tags = gst::TagList::new();
        assert!(harness.push_event(gst::event::Tag::new(tags)));
        assert!(pulled(&mut harness).is_empty());
        let after = gst::ClockTime::from_mseconds(120);
        let gap = gst::event::Gap::new(after, gst::ClockTime::from_mseconds(40));
        assert!(harness.push_event(gap));
        assert_eq!(pulled(&mut harness).len(), 3);
        for number in 3..6 {
            harness.push(noise(&info, number)).expect("a frame taken");
        }
        harness.push_event(gst::event::FlushStart::new());
        harness.push_event(gst::event::FlushStop::new(false));
        harness.push_event(gst::event::Eos::new());
        assert!(
            pulled(&mut harness).is_empty(),
            "they are of before the flush"
        );
    });
}

#[test]
fn a_pool_of_few_buffers_is_not_drained() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property("lookahead", 1000u32);
        let info = crate::support::info(gst_video::VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let pool = gst::BufferPool::new();
        let mut config = pool.config();
        let caps = info.to_caps().expect("caps");
        config.set_params(Some(&caps), info.size() as u32, 1, 2);
        pool.set_config(config).expect("a configuration");
        pool.set_active(true).expect("a pool");
        let at_once =
            gst::BufferPoolAcquireParams::with_flags(gst::BufferPoolAcquireFlags::DONTWAIT);
        for number in 0..10 {
            let mut buffer = pool.acquire_buffer(Some(&at_once)).expect("a buffer");
            let shown = bytes(&noise(&info, number));
            let writable = buffer.make_mut();
            writable.copy_from_slice(0, &shown).expect("a frame");
            writable.set_pts(number * gst::ClockTime::from_mseconds(40));
            harness.push(buffer).expect("a frame taken");
        }
        harness.push_event(gst::event::Eos::new());
        assert_eq!(pulled(&mut harness).len(), 10);
        pool.set_active(false).expect("an end");
    });
}
