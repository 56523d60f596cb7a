//! Vertical scratches of a film, found and mended by the element in a real picture that moves.

use gstmdecomplete::locate::FILM_TYPE;

use super::film::mender;
use super::*;
use crate::picture::portrait;
use crate::support::{bytes, count, messages_named, timed};

const SIZE: (usize, usize) = (300, 240);
const FRAMES: usize = 24;
/// Frames after which what moves has told.
const TOLD: usize = 10;
/// Pixels by which the picture moves from frame to frame.
const SPEED: usize = 4;

/// What becomes of a value, by the number of the frame, the place in it, and the value.
type Paint<'a> = &'a dyn Fn(usize, (usize, usize), u8) -> u8;

/// A clip of grey frames: a window that moves over the portrait, with what `paint` makes of it.
fn clip(paint: Paint<'_>) -> Option<(VideoInfo, Vec<gst::Buffer>)> {
    let (picture, pixels) = portrait()?;
    let info = info(VideoFormat::Gray8, SIZE.0 as u32, SIZE.1 as u32);
    let stride = info.stride()[0] as usize;
    let frames = (0..FRAMES).map(|number| {
        let mut data = vec![0; info.size()];
        for y in 0..SIZE.1 {
            for x in 0..SIZE.0 {
                let place = (y + 100) * picture.width() as usize + x + 60 + SPEED * number;
                data[y * stride + x] = paint(number, (x, y), pixels[3 * place + 1]);
            }
        }
        timed(gst::Buffer::from_mut_slice(data), number as u64)
    });
    let frames = frames.collect();
    Some((info, frames))
}

/// The frames that `element` makes of a clip. It runs as long as the harness is there.
fn through(
    element: &gst::Element,
    info: &VideoInfo,
    clip: &[gst::Buffer],
) -> (Vec<gst::Buffer>, Harness) {
    let mut harness = harness(element, info);
    let mut done = Vec::new();
    for buffer in clip {
        harness.push(buffer.clone()).expect("a frame taken");
        done.extend(std::iter::from_fn(|| harness.try_pull()));
    }
    harness.push_event(gst::event::Eos::new());
    done.extend(std::iter::from_fn(|| harness.try_pull()));
    assert_eq!(done.len(), clip.len());
    (done, harness)
}

/// A bright scratch from border to border, and a dark one of two thirds that wanders.
fn scratched(number: usize, (x, y): (usize, usize), value: u8) -> u8 {
    let laid = |tone: f32, share: f32| {
        let value = f32::from(value);
        (value + share * (tone - value)).round() as u8
    };
    let wanders = 200 + number / 6;
    if (90..92).contains(&x) {
        laid(250.0, 0.6)
    } else if (wanders..wanders + 4).contains(&x) && (60..220).contains(&y) {
        laid(10.0, 0.8)
    } else {
        value
    }
}

#[test]
fn scratches_go_and_little_else_changes() {
    with_runtime(|| {
        let (Some((info, sound)), Some((_, damaged))) = (clip(&|_, _, v| v), clip(&scratched))
        else {
            return;
        };
        let element = mender("scratches");
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        let (done, _running) = through(&element, &info, &damaged);
        let stride = info.stride()[0] as usize;
        let (mut all, mut found, mut called, mut rightly) = (0, 0, 0, 0);
        let (mut was, mut is) = (0.0, 0.0);
        for number in TOLD..FRAMES - 1 {
            let [sound, damaged, done] = [&sound, &damaged, &done].map(|clip| bytes(&clip[number]));
            let differs = |at: usize| sound[at].abs_diff(damaged[at]) > 8;
            for y in 0..SIZE.1 {
                for x in 0..SIZE.0 {
                    let at = y * stride + x;
                    let is_called = done[at] != damaged[at];
                    called += usize::from(is_called);
                    let near = x.saturating_sub(2)..(x + 3).min(SIZE.0);
                    rightly +=
                        usize::from(is_called && near.into_iter().any(|x| differs(y * stride + x)));
                    if differs(at) {
                        all += 1;
                        found += usize::from(is_called);
                        let square = |a: u8, b: u8| (f64::from(a) - f64::from(b)).powi(2);
                        was += square(damaged[at], sound[at]);
                        is += square(done[at], sound[at]);
                    }
                }
            }
        }
        let share = |part: usize, all: usize| part as f64 / all as f64;
        let (recall, precision) = (share(found, all), share(rightly, called));
        let gain = 10.0 * f64::log10(was / is);
        println!("recall {recall:.3}, precision {precision:.3}, {gain:.1} dB gained");
        assert!(recall > 0.8, "{recall}");
        assert!(precision > 0.9, "{precision}");
        assert!(gain > 8.0, "{gain} dB");

        assert!(count(&element, "scratches") as usize >= 2 * (FRAMES - TOLD - 1));
        let metas = done[FRAMES - 3].iter_meta::<VideoRegionOfInterestMeta>();
        let marked: Vec<_> = metas.filter(|meta| meta.roi_type() == FILM_TYPE).collect();
        assert_eq!(marked.len(), 2);
        for meta in &marked {
            let told = meta.param("film-damage").expect("what it is");
            assert_eq!(told.get::<&str>("kind"), Ok("scratch"));
            assert!(told.get::<f64>("confidence").expect("a share") >= 0.5);
        }
        let news = messages_named(&bus, "mdecomplete/damage");
        assert!(news.iter().any(|told| {
            told.get::<gst::Array>("film")
                .is_ok_and(|film| film.len() == 2)
        }));
    });
}

#[test]
fn one_that_wanders_before_a_still_wall_goes_and_a_cord_that_sways_stays() {
    /// The column of a line in a row of a frame.
    type Column = fn(number: usize, y: usize) -> usize;
    with_runtime(|| {
        let scratch: Column = |number, _| 90 + number / 3;
        let cord: Column = |number, y| 90 + number * y / (3 * 180);
        for (column, is_scratch) in [(scratch, true), (cord, false)] {
            let wall = |number: usize, (x, y): (usize, usize), _: u8| {
                let column = column(number, y);
                match (column..column + 3).contains(&x) && (20..180).contains(&y) {
                    true => 190,
                    false => 118 + ((x * 7919 + y * 104_729) % 5) as u8,
                }
            };
            let Some((info, clip)) = clip(&wall) else {
                return;
            };
            let (done, _running) = through(&mender("scratches"), &info, &clip);
            let last = FRAMES - 2;
            let at = 100 * info.stride()[0] as usize + column(last, 100) + 1;
            let [before, after] = [&clip, &done].map(|clip| bytes(&clip[last])[at]);
            assert_eq!((before, after < 130), (190, is_scratch), "{after}");
        }
    });
}

#[test]
fn what_is_no_scratch_stays_as_it_is() {
    with_runtime(|| {
        // A pole and an edge that move with the picture, a title that stays, and the border of a
        // picture that does not fill the frame.
        let pole = |number: usize, (x, _): (usize, usize), value| {
            let x = x + SPEED * number;
            match x {
                150..153 => 20,
                230..300 => value / 2 + 100,
                _ => value,
            }
        };
        let title = |_: usize, (x, y): (usize, usize), value| {
            let is_stroke = (60..240).contains(&x) && x % 12 < 3 && (100..140).contains(&y);
            if is_stroke { 240 } else { value }
        };
        let border = |_: usize, (x, _): (usize, usize), value| {
            if (12..288).contains(&x) { value } else { 16 }
        };
        let plain = |_: usize, _: (usize, usize), value| value;
        let paints: [(&str, Paint<'_>); 4] = [
            ("plain", &plain),
            ("pole", &pole),
            ("title", &title),
            ("border", &border),
        ];
        for (name, paint) in paints {
            let Some((info, clip)) = clip(paint) else {
                return;
            };
            let element = mender("scratches");
            let (done, _running) = through(&element, &info, &clip);
            for (before, after) in clip.iter().zip(&done) {
                assert!(bytes(before) == bytes(after), "{name}: {:?}", before.pts());
            }
        }
    });
}

#[test]
fn scratches_are_left_to_their_size_and_to_other_kinds() {
    with_runtime(|| {
        for (damage, size) in [("scratches", "0.0005"), ("lines", "0.25")] {
            let Some((info, clip)) = clip(&scratched) else {
                return;
            };
            let element = mender(damage);
            element.set_property_from_str("damage-max-size", size);
            let (done, _running) = through(&element, &info, &clip);
            for (before, after) in clip.iter().zip(&done) {
                assert!(
                    bytes(before) == bytes(after),
                    "{damage}: {:?}",
                    before.pts()
                );
            }
        }
    });
}
