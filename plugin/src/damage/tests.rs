//! Which channels of made-up frames are called damaged.

use super::edges::PATCH;
use super::judge::{Fault, Judge, Space};
use super::look::Look;
use super::planes::Planes;

const WIDTH: usize = 192;
const HEIGHT: usize = 144;
/// Pixels of a block of the small picture, to the right and down.
const BLOCK: usize = 3;
const PLACES: [(usize, usize); 4] = [(12, 12), (120, 10), (14, 80), (118, 78)];

type Channels = [Vec<f32>; 3];

/// Numbers in `[0, 1]`, the same for the same seed.
struct Random(u32);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) as f32 / (1 << 24) as f32
    }
}

/// Coloured bars and boxes on a slope of light, which move by a pixel every third frame.
fn scene(number: usize) -> Channels {
    let mut random = Random(77);
    let mut channels = [0, 1, 2].map(|c: usize| {
        let light = |i: usize| 0.25 + 0.3 * ((i % WIDTH) + c * (i / WIDTH)) as f32 / 400.0;
        (0..WIDTH * HEIGHT).map(light).collect::<Vec<f32>>()
    });
    for _ in 0..90 {
        let [x, y] = [WIDTH, HEIGHT].map(|side| (random.next() * side as f32) as usize);
        let [width, height] = [(); 2].map(|()| 4 + (random.next() * 22.0) as usize);
        let light = 0.1 + 0.8 * random.next();
        let colour = [(); 3].map(|()| (light + 0.4 * (random.next() - 0.5)).clamp(0.0, 1.0));
        for y in y..(y + height).min(HEIGHT) {
            for x in x..x + width {
                for (plane, value) in channels.iter_mut().zip(colour) {
                    plane[y * WIDTH + (x + number / 3) % WIDTH] = value;
                }
            }
        }
    }
    let mut grain = Random(900 + number as u32);
    for value in channels.iter_mut().flatten() {
        *value += 0.01 * (grain.next() - 0.5);
    }
    channels
}

/// The scene of frame `number`, each value made anew by `change` of its channel and itself.
fn changed(number: usize, change: impl Fn(usize, f32) -> f32) -> Channels {
    let mut channels = scene(number);
    for (channel, plane) in channels.iter_mut().enumerate() {
        plane
            .iter_mut()
            .for_each(|value| *value = change(channel, *value));
    }
    channels
}

fn look(channels: &Channels) -> Look {
    let (columns, rows) = (WIDTH / BLOCK, HEIGHT / BLOCK);
    let block = |plane: &Vec<f32>, i: usize| {
        let first = i / columns * BLOCK * WIDTH + i % columns * BLOCK;
        let rows = (0..BLOCK).flat_map(|y| &plane[first + y * WIDTH..][..BLOCK]);
        rows.sum::<f32>() / (BLOCK * BLOCK) as f32
    };
    let thumb = Planes {
        size: (columns, rows),
        values: channels
            .each_ref()
            .map(|plane| (0..columns * rows).map(|i| block(plane, i)).collect()),
    };
    let patches = PLACES.map(|(x, y)| Planes {
        size: (PATCH, PATCH),
        values: channels.each_ref().map(|plane| {
            let rows = (y..y + PATCH).flat_map(|y| &plane[y * WIDTH + x..][..PATCH]);
            rows.copied().collect()
        }),
    });
    let mut look = Look::default();
    look.fill(&thumb, 4, &patches);
    look
}

/// What is wrong with each of `frames`, one after the other.
fn judged(frames: impl IntoIterator<Item = Channels>) -> Vec<[Option<Fault>; 3]> {
    let mut judge = Judge::new(Space::Rgb);
    let mut before: Option<Look> = None;
    let faults = frames.into_iter().map(|channels| {
        let now = look(&channels);
        let faults = judge.judge(&now, before.as_ref());
        before = Some(now);
        faults
    });
    faults.collect()
}

/// The scene with one channel as `fault` leaves it.
fn faulty(number: usize, channel: usize, fault: Fault) -> Channels {
    let mut channels = scene(number);
    let mut random = Random(5 + number as u32);
    let old = channels[channel].clone();
    for (i, value) in channels[channel].iter_mut().enumerate() {
        *value = match fault {
            Fault::Dead => 0.0,
            Fault::Stuck => 0.7,
            Fault::Flat => 0.4 + 0.06 * (random.next() - 0.5),
            Fault::Noise => random.next(),
            Fault::Shifted([x, y]) => {
                let moved = |at: usize, shift: i32, side: usize| {
                    at.saturating_add_signed(-shift as isize).min(side - 1)
                };
                old[moved(i / WIDTH, y, HEIGHT) * WIDTH + moved(i % WIDTH, x, WIDTH)]
            }
        };
    }
    channels
}

#[test]
fn a_fault_is_told_in_its_first_frame_and_gone_with_its_last() {
    let faults = [
        Fault::Dead,
        Fault::Stuck,
        Fault::Flat,
        Fault::Noise,
        Fault::Shifted([2, 0]),
        Fault::Shifted([-3, 5]),
        Fault::Shifted([8, -8]),
    ];
    for fault in faults {
        for channel in 0..3 {
            let is_faulty = |number: usize| (4..9).contains(&number);
            let frames = (0..14).map(|number| match is_faulty(number) {
                true => faulty(number, channel, fault),
                false => scene(number),
            });
            for (number, found) in judged(frames).into_iter().enumerate() {
                let mut wanted = [None; 3];
                wanted[channel] = is_faulty(number).then_some(fault);
                assert_eq!(found, wanted, "frame {number}, channel {channel}");
            }
            let first = judged([faulty(0, channel, fault)])[0][channel];
            assert_eq!(first, Some(fault), "at the start of a stream");
        }
    }
}

#[test]
fn what_a_camera_or_an_artist_makes_is_no_damage() {
    let lit = |gains: [f32; 3]| move |channel: usize, value: f32| gains[channel] * value;
    let turned = |mut channels: Channels| {
        channels.iter_mut().for_each(|plane| plane.reverse());
        channels
    };
    let whole: Vec<Channels> = (0..4).map(|number| turned(scene(number))).collect();
    let films: Vec<(&str, Vec<Channels>)> = vec![
        (
            "red light",
            (0..6).map(|n| changed(n, lit([1.0, 0.05, 0.02]))).collect(),
        ),
        (
            "amber light",
            (0..6).map(|n| changed(n, lit([1.0, 0.6, 0.04]))).collect(),
        ),
        (
            "only red",
            (0..6).map(|n| changed(n, lit([1.0, 0.0, 0.0]))).collect(),
        ),
        (
            "night",
            (0..6).map(|n| changed(n, lit([0.1, 0.08, 0.0]))).collect(),
        ),
        (
            "black and white",
            (0..6)
                .map(|n| {
                    let [luma, ..] = scene(n);
                    [luma.clone(), luma.clone(), luma]
                })
                .collect(),
        ),
        (
            "blank",
            (0..6)
                .map(|n| changed(n, |channel, _| [0.0, 0.1, 0.8][channel]))
                .collect(),
        ),
        (
            "fade",
            (0..12)
                .map(|n| {
                    let light = (n as f32 - 6.0).abs() / 6.0;
                    changed(n, |_, value| light * value)
                })
                .collect(),
        ),
        (
            "fade to blue",
            (0..12)
                .map(|n| {
                    let share = n as f32 / 11.0;
                    changed(n, |channel, v| v + share * ([0.0, 0.0, 0.9][channel] - v))
                })
                .collect(),
        ),
        (
            "title",
            (0..6)
                .map(|n| {
                    changed(n, |channel, value| {
                        f32::from(u8::from(value > 0.8 && channel < 2))
                    })
                })
                .collect(),
        ),
    ];
    for (name, film) in films {
        // By itself, and after another scene.
        for before in [&[][..], &whole] {
            let frames = before.iter().cloned().chain(film.iter().cloned());
            for (number, found) in judged(frames).into_iter().enumerate() {
                assert_eq!(
                    found,
                    [None; 3],
                    "{name}, frame {number} after {}",
                    before.len()
                );
            }
        }
    }
}

#[test]
fn two_channels_that_die_are_told_by_the_third_that_goes_on() {
    let frames = (0..8).map(|number| match number {
        0..3 => scene(number),
        _ => changed(number, |channel, value| [value, 0.0, 0.0][channel]),
    });
    let found = judged(frames);
    assert_eq!(found[2], [None; 3]);
    for found in &found[3..] {
        assert_eq!(*found, [None, Some(Fault::Dead), Some(Fault::Dead)]);
    }
}

#[test]
fn a_fault_outlasts_frames_that_show_nothing() {
    let dead_blue = [None, None, Some(Fault::Dead)];
    let frames = (0..16).map(|number| match number {
        4..12 => changed(number, |_, _| 0.0),
        _ => faulty(number, 2, Fault::Dead),
    });
    assert!(judged(frames).iter().all(|found| *found == dead_blue));
    let black = (0..60).map(|number| match number {
        0..4 => faulty(number, 2, Fault::Dead),
        _ => changed(number, |_, _| 0.0),
    });
    assert_eq!(judged(black)[59], [None; 3], "but not for ever");
}
