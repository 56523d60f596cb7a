//! Masks: the shares of missing pixels that equation 6 and Fig. 3 of the paper give each task.

use mde_core::mask::{CHANNELS, Mask, Strokes, Task, centred_rect, sample_rect};
use mde_core::occlusion::{Occlusion, Rect};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

const SIZE: usize = 96;

fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

fn channel(mask: &Mask, c: usize) -> &[f32] {
    let pixels = mask.width() * mask.height();
    &mask.as_slice()[c * pixels..(c + 1) * pixels]
}

fn is_same_in_all_channels(mask: &Mask) -> bool {
    (1..CHANNELS).all(|c| channel(mask, c) == channel(mask, 0))
}

/// How far the mean area ratio of `draws` rectangles on whole pixels may be from `S`.
///
/// Whole pixels make a side of `w` on average `f (1 - f) / (W - w)` shorter, with `f` the fraction
/// of `w`, so by at most `min(1, 1/4 / (W - w))`; over `W - w ~ U(0, (1 - S) W)` that is
/// `(1 + ln(4 (1 - S) W)) / (4 (1 - S) W)`. One area scatters by at most half a pixel a side.
fn tolerance(ratio: f64, width: usize, height: usize, draws: usize) -> f64 {
    let side = |side: usize| {
        let play = 4.0 * (1.0 - ratio) * side as f64;
        let bias = (1.0 + play.ln()) / play;
        (bias + 5.0 * 0.5 / (draws as f64).sqrt()) / side as f64
    };
    side(width) + side(height)
}

/// Probability that a rectangle of equation 6 covers each pixel, `[H, W]`, by quadrature over `h`.
fn coverage(ratio: f64, width: usize, height: usize) -> Vec<f64> {
    const STEPS: usize = 500;
    let along = |side: usize, length: f64| -> Vec<f64> {
        let play = side as f64 - length;
        let covered = |i: usize| {
            let end = (i + 1) as f64;
            (end.min(play) - (end - length).max(0.0)) / play
        };
        (0..side).map(covered).collect()
    };
    let mut share = vec![0.0; width * height];
    for step in 0..STEPS {
        let h = height as f64 * (ratio + (1.0 - ratio) * (step as f64 + 0.5) / STEPS as f64);
        let w = ratio * (width * height) as f64 / h;
        let (columns, rows) = (along(width, w), along(height, h));
        for (i, share) in share.iter_mut().enumerate() {
            *share += columns[i % width] * rows[i / width] / STEPS as f64;
        }
    }
    share
}

/// Mean dropped and corrupted shares of `draws` masks of `task`.
fn mean_shares(task: Task, draws: usize) -> (f64, f64) {
    let mut rng = rng(5);
    let (mut dropped, mut corrupted) = (0.0, 0.0);
    for _ in 0..draws {
        let mask = task.sample(SIZE, SIZE, &mut rng);
        dropped += mask.dropped() / draws as f64;
        corrupted += mask.corrupted() / draws as f64;
    }
    (dropped, corrupted)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn rectangles_have_the_area_ratio_on_average(
        ratio in 0.05..0.9, (width, height) in (48_usize..160, 48_usize..160), seed: u64,
    ) {
        const DRAWS: usize = 4000;
        let mut rng = rng(seed);
        let area = |_| sample_rect(ratio, width, height, &mut rng).area();
        let total: usize = (0..DRAWS).map(area).sum();
        let mean = total as f64 / (DRAWS * width * height) as f64;
        prop_assert!((mean - ratio).abs() < tolerance(ratio, width, height, DRAWS), "{mean}");
    }

    #[test]
    fn each_rectangle_is_inside_and_within_a_pixel_of_its_area(
        ratio in 0.001..0.999, (width, height) in (16_usize..160, 16_usize..160), seed: u64,
    ) {
        let mut rng = rng(seed);
        for _ in 0..100 {
            let Rect { x0, y0, x1, y1 } = sample_rect(ratio, width, height, &mut rng);
            prop_assert!(x0 <= x1 && x1 <= width && y0 <= y1 && y1 <= height);
            // Each side is the real one rounded up or down, so the real area lies between.
            let (w, h) = ((x1 - x0) as f64, (y1 - y0) as f64);
            let area = ratio * (width * height) as f64;
            prop_assert!((w - 1.0).max(0.0) * (h - 1.0).max(0.0) <= area + 1e-6);
            prop_assert!(area <= (w + 1.0) * (h + 1.0) + 1e-6);
        }
    }

    #[test]
    fn the_centred_rectangle_is_central_and_of_its_area(
        ratio in prop_oneof![1e-300..1e-6, 0.001..0.999], (width, height) in (16_usize..160, 16_usize..160),
    ) {
        let rect = centred_rect(ratio, width, height);
        prop_assert_eq!(rect.x0, width - rect.x1);
        prop_assert_eq!(rect.y0, height - rect.y1);
        let exact = |side: usize| ratio.sqrt() * side as f64;
        prop_assert!((rect.width() as f64 - exact(width)).abs() <= 1.0 + 1e-9);
        prop_assert!((rect.height() as f64 - exact(height)).abs() <= 1.0 + 1e-9);
    }

    #[test]
    fn reverse_inpainting_is_the_complement_of_inpainting(
        ratio in 0.001..0.999, (width, height) in (16_usize..160, 16_usize..160), seed: u64,
    ) {
        let mut rng = rng(seed);
        let inpainting = Task::Inpainting(ratio).sample(width, height, &mut rng);
        let reverse = Task::ReverseInpainting(ratio).sample(width, height, &mut rng);
        prop_assert_eq!(&reverse, &inpainting.complement());
        prop_assert!(is_same_in_all_channels(&reverse));
        // Half a pixel of rounding at each edge.
        let rounding = (width + height + 1) as f64 / (width * height) as f64;
        prop_assert!((reverse.dropped() - (1.0 - ratio)).abs() <= rounding);
        prop_assert!((inpainting.dropped() - ratio).abs() <= rounding);
    }

    #[test]
    fn colorization_misses_whole_channels(n in 1_usize..=2, seed: u64) {
        let mask = Task::Colorization(n).sample(40, 30, &mut rng(seed));
        let missing = |c: &usize| channel(&mask, *c).iter().all(|&v| v == 0.0);
        let known = |c: &usize| channel(&mask, *c).iter().all(|&v| v == 1.0);
        prop_assert_eq!((0..CHANNELS).filter(missing).count(), n);
        prop_assert_eq!((0..CHANNELS).filter(known).count(), CHANNELS - n);
    }

    #[test]
    fn strokes_reach_no_farther_than_their_length_and_brush(
        (length, brush) in (0.05..0.8, 0.01..0.4),
        (width, height) in (16_usize..160, 16_usize..160),
        seed: u64,
    ) {
        let strokes = Strokes { count: 1, segments: 1, length, brush };
        let mask = strokes.sample(width, height, &mut rng(seed));
        prop_assert!(!mask.is_complete());
        prop_assert!(is_same_in_all_channels(&mask));
        let side = width.min(height) as f64;
        let longest = length * side + (brush * side).max(2.0);
        let hit = |at: &(usize, usize)| !mask.is_known(0, at.0, at.1);
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let (xs, ys): (Vec<_>, Vec<_>) = pixels.filter(hit).unzip();
        for at in [xs, ys] {
            let span = at.iter().max().unwrap() - at.iter().min().unwrap();
            prop_assert!(span as f64 <= longest);
        }
    }

    #[test]
    fn free_form_holes_are_never_empty(seed: u64, (width, height) in (1_usize..160, 1_usize..160)) {
        let mask = Task::FreeForm(Strokes::default()).sample(width, height, &mut rng(seed));
        prop_assert!(!mask.is_complete());
        prop_assert!(is_same_in_all_channels(&mask));
    }

    #[test]
    fn random_blocks_are_of_2_to_50_percent(seed: u64) {
        let mask = Task::RandomBlock.sample(SIZE, SIZE, &mut rng(seed));
        // The sides are rounded to pixels: at most one more or less of each.
        let side = SIZE as f64;
        let pixel = (2.0 * side + 1.0) / (side * side);
        prop_assert!((0.02 - pixel..=0.5 + pixel).contains(&mask.dropped()));
        prop_assert_eq!(mask.dropped(), mask.corrupted());
    }

    #[test]
    fn jitter_moves_a_named_occlusion_no_farther_than_asked(
        which in 0..Occlusion::ALL.len(), jitter in 0_usize..8, seed: u64,
    ) {
        let occlusion = Occlusion::ALL[which];
        let mask = Task::Occlusion { occlusion, jitter }.sample(SIZE, SIZE, &mut rng(seed));
        let reach = jitter as isize;
        let mut places = (-reach..=reach).flat_map(|dx| (-reach..=reach).map(move |dy| (dx, dy)));
        let is_moved = |(dx, dy)| {
            let mut moved = Mask::known(SIZE, SIZE);
            moved.drop_rect(occlusion.rect().moved_within(dx, dy, SIZE, SIZE));
            moved == mask
        };
        prop_assert!(places.any(is_moved));
    }

    #[test]
    fn a_jitter_beyond_all_pictures_is_no_panic(jitter in (1_usize << 40)..) {
        let task = Task::Occlusion { occlusion: Occlusion::Eyes, jitter };
        task.sample(SIZE, SIZE, &mut rng(1));
    }

    #[test]
    fn masks_are_zeros_and_ones_and_follow_from_the_seed(task in task(), seed: u64) {
        let mask = task.sample(50, 40, &mut rng(seed));
        prop_assert_eq!((mask.width(), mask.height()), (50, 40));
        prop_assert!(mask.as_slice().iter().all(|&v| v == 0.0 || v == 1.0));
        prop_assert!(mask.dropped() <= mask.corrupted());
        prop_assert_eq!(mask, task.sample(50, 40, &mut rng(seed)));
    }

    #[test]
    fn a_task_is_read_from_its_own_name(task in task()) {
        prop_assert_eq!(task.to_string().parse(), Ok(task));
    }

    #[test]
    fn any_text_is_a_task_or_an_error(name in "\\PC*") {
        if let Ok(task) = name.parse::<Task>() {
            prop_assert_eq!(task.to_string().parse(), Ok(task));
        }
    }
}

fn task() -> impl Strategy<Value = Task> {
    prop_oneof![
        (0.001..0.999).prop_map(Task::Inpainting),
        (0.001..0.999).prop_map(Task::ReverseInpainting),
        (1_usize..=2).prop_map(Task::Colorization),
        (0.001..0.999).prop_map(Task::RandomExtrapolation),
        (0.001..0.999).prop_map(Task::Rec),
        Just(Task::RandomBlock),
        Just(Task::FreeForm(Strokes::default())),
        (0..Occlusion::ALL.len(), 0_usize..50).prop_map(|(which, jitter)| Task::Occlusion {
            occlusion: Occlusion::ALL[which],
            jitter,
        }),
    ]
}

#[test]
fn rec_drops_and_corrupts_what_the_paper_says() {
    // Section 2.3 gives (1 - S)^3 = 72.9 % dropped and 1 - S^3 = 99.9 % corrupted pixels for
    // S = 0.1, taking every pixel to be known with probability S. Rectangles that stay inside the
    // picture know its centre more often than its border, which shifts the averages of equation 6
    // itself to 73.8 % and 99.8 %.
    const RATIO: f64 = 0.1;
    const DRAWS: usize = 3000;
    let (dropped, corrupted) = mean_shares(Task::Rec(RATIO), DRAWS);
    assert!((dropped - 0.729).abs() < 0.012, "{dropped}");
    assert!((corrupted - 0.999).abs() < 0.002, "{corrupted}");

    let known = coverage(RATIO, SIZE, SIZE);
    let mean =
        |of: &dyn Fn(f64) -> f64| known.iter().map(|&p| of(p)).sum::<f64>() / known.len() as f64;
    assert!((mean(&|p| p) - RATIO).abs() < 1e-3);
    // One mask's shares have standard deviations of 0.030 and 0.0066: five of the mean's.
    assert!((dropped - mean(&|p| (1.0 - p).powi(3))).abs() < 5.0 * 0.030 / (DRAWS as f64).sqrt());
    assert!((corrupted - mean(&|p| 1.0 - p.powi(3))).abs() < 5.0 * 0.0066 / (DRAWS as f64).sqrt());
}

#[test]
fn random_extrapolation_drops_what_it_does_not_show() {
    const DRAWS: usize = 3000;
    for ratio in [0.1, 0.25, 0.5] {
        let (dropped, corrupted) = mean_shares(Task::RandomExtrapolation(ratio), DRAWS);
        assert!((dropped - (1.0 - ratio)).abs() < tolerance(ratio, SIZE, SIZE, DRAWS));
        assert_eq!(dropped, corrupted);
    }
}

#[test]
fn a_bad_task_is_told_with_the_good_ones() {
    for name in [
        "", "REC", "REC:0", "REC:1", "REC:nan", "I:-1", "Col-3", "nose", "eyes~x", "eyes~-1",
    ] {
        let error = name.parse::<Task>().unwrap_err().to_string();
        assert!(
            error.contains(&format!("'{name}'")) && error.contains("REC:S"),
            "{error}"
        );
    }
}

#[test]
fn masks_intersect_and_turn_round() {
    let left = Mask::from_occlusions(SIZE, SIZE, [Occlusion::LeftHalf]);
    let right = Mask::from_occlusions(SIZE, SIZE, [Occlusion::RightHalf]);
    assert_eq!(left.complement(), right);
    let mut both = left.clone();
    both.intersect(&right);
    assert_eq!(both, Mask::missing(SIZE, SIZE));
    assert_eq!((left.dropped(), left.corrupted()), (0.5, 0.5));

    let mut red = Mask::known(SIZE, SIZE);
    red.drop_channel(0);
    assert_eq!((red.dropped(), red.corrupted()), (0.0, 1.0));
    red.drop_pixel(3, 4);
    assert!(!red.is_known(2, 3, 4) && red.is_known(2, 4, 3));
}

#[test]
fn boxes_are_the_known_rectangles_of_re_and_rec() {
    for seed in 0..50 {
        for task in [Task::RandomExtrapolation(0.2), Task::Rec(0.2)] {
            let mask = task.sample(40, 30, &mut rng(seed));
            let boxes = task.boxes(&mask).unwrap();
            for (channel, rect) in boxes.into_iter().enumerate() {
                for (x, y) in (0..40).flat_map(|x| (0..30).map(move |y| (x, y))) {
                    assert_eq!(mask.is_known(channel, x, y), rect.contains(x, y));
                }
            }
        }
        for task in [
            Task::Inpainting(0.2),
            Task::Colorization(1),
            Task::RandomBlock,
        ] {
            assert_eq!(task.boxes(&task.sample(40, 30, &mut rng(seed))), None);
        }
    }
    assert_eq!(Task::Rec(0.2).boxes(&Mask::missing(40, 30)), None);
}
