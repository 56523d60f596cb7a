//! The views of one face: which are kept, and which serves a frame best.

use std::sync::Arc;
use std::time::Duration;

use super::sight::Sight;
use super::view::{Origin, View};

/// Views that are kept of a face.
const MOST_VIEWS: usize = 8;
/// Bytes that they take.
const MOST_BYTES: usize = 8 << 20;

/// A view that shows so much of a face shows it without a cover.
const ALL_KNOWN: f32 = 0.97;
/// A face of which less is known is not worth keeping.
const LEAST_KNOWN: f32 = 0.5;
/// A view less sharp than this, as a share of the sharpest one, is out of focus or blurred by
/// motion.
const LEAST_SHARP: f32 = 0.6;
/// So much less may a view know than one that it takes the place of.
const LESS_KNOWN: f32 = 0.02;

/// What looks as far as this from the frame is another face.
pub const FARTHEST: f32 = 0.12;
/// The same for references, which were taken in another light, at another place.
const FARTHEST_REFERENCE: f32 = 0.2;
/// The same for the view in use: the face is the same, and a cover that has come moves its points.
const FARTHEST_IN_USE: f32 = 0.2;
/// The distance of views of which too little is known to tell.
const UNCLEAR: f32 = 0.06;
/// What a view that fills no part of the hole would be farther off by, in the unit of
/// [residuals](mde_core::registration::Registration), and how much of the hole it must fill at least.
const EMPTY: f32 = 0.05;
const LEAST_FILLED: f32 = 0.15;
/// By how much a view is farther off for each doubling of its age in seconds.
const PER_DOUBLING: f32 = 0.0003;
/// By how much a view is farther off for each unit that it looks, in the hole, from what the others
/// show there: what is seen for a moment alone, such as a blink, is not what a face looks like.
const PER_ODDITY: f32 = 0.2;

/// A look like one that is kept takes its place once that is so old.
const REFRESH: Duration = Duration::from_secs(5);

/// A view that may serve a frame.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The view.
    pub view: Arc<View>,
    /// How far it looks from what is seen of the face, in `[0, 1]`.
    pub difference: f32,
    /// By how much it is farther off than its residual on the face tells.
    pub cost: f32,
}

/// The views of one face that the stream has shown.
#[derive(Debug, Default)]
pub struct Bank {
    newest: Option<Arc<View>>,
    /// Older ones, each unlike the others.
    views: Vec<Arc<View>>,
}

impl Bank {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.all().map(|view| view.bytes()).sum()
    }

    /// Drops what was shown before `oldest`.
    pub fn expire(&mut self, oldest: Duration) {
        self.newest.take_if(|view| view.is_older_than(oldest));
        self.views.retain(|view| !view.is_older_than(oldest));
    }

    /// Keeps `view`, which the stream has just shown, unless too little of it is known or it is
    /// blurred. The one that was the newest until now stays if it shows something else than the
    /// older ones do.
    pub fn offer(&mut self, view: View) {
        let sharpest = self.all().map(|view| view.sharpness()).fold(0.0, f32::max);
        if view.sight().known() < LEAST_KNOWN || view.sharpness() < LEAST_SHARP * sharpest {
            return;
        }
        if let Some(before) = self.newest.replace(Arc::new(view)) {
            self.keep(before);
        }
    }

    /// Keeps `view` among the older ones: in the place of an aged one like it, as one more, or,
    /// where there is room for no more, in the place of the older of the two most alike.
    fn keep(&mut self, view: Arc<View>) {
        let Some((nearest, distance)) = self.nearest(view.sight()) else {
            self.views.push(view);
            return;
        };
        if distance <= SAME {
            let old = &mut self.views[nearest];
            let is_aged = view.taken_at().saturating_sub(old.taken_at()) >= REFRESH;
            let more = view.sight().known() - old.sight().known();
            if more > LESS_KNOWN || (is_aged && more >= -LESS_KNOWN) {
                *old = view;
            }
            return;
        }
        let is_full =
            self.views.len() + 1 >= MOST_VIEWS || self.bytes() + view.bytes() > MOST_BYTES;
        match self.most_alike().filter(|_| is_full) {
            None if is_full => (),
            None => self.views.push(view),
            Some((older, between)) if between < distance => self.views[older] = view,
            Some(_) => (),
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<View>> {
        self.newest.iter().chain(&self.views)
    }

    /// The views, of these, `references` and the one in use, that may serve the frame at `now` with
    /// the face `seen`.
    pub fn candidates<'a>(
        &'a self,
        references: impl Iterator<Item = &'a Arc<View>>,
        seen: &Sight,
        now: Duration,
        current: Option<&'a Arc<View>>,
    ) -> Vec<Candidate> {
        let hole: Vec<usize> = seen.unknown().collect();
        // One that was replaced by a newer look goes on until another one is clearly better.
        let is_kept = |view: &Arc<View>| self.all().any(|kept| Arc::ptr_eq(kept, view));
        let gone = current.filter(|view| view.origin() == Origin::Memory && !is_kept(view));
        let all = self.all().chain(references).chain(gone);
        let served = all.filter_map(|view| {
            let is_current = current.is_some_and(|current| Arc::ptr_eq(current, view));
            let farthest = if is_current {
                FARTHEST_IN_USE
            } else {
                farthest(view)
            };
            let mut candidate = rate(view, seen, now, farthest)?;
            candidate.cost += PER_ODDITY * self.oddity(view, &hole);
            Some(candidate)
        });
        served.collect()
    }

    /// How far `view` looks at the cells `hole` from what the stream's views show there, in the
    /// median; 0 where there are too few to tell which is the odd one.
    fn oddity(&self, view: &Arc<View>, hole: &[usize]) -> f32 {
        let others = self.all().filter(|other| !Arc::ptr_eq(other, view));
        let far = others.filter_map(|other| view.sight().difference_at(other.sight(), hole));
        let mut far: Vec<f32> = far.collect();
        if far.len() < 2 {
            return 0.0;
        }
        let middle = far.len() / 2;
        *far.select_nth_unstable_by(middle, f32::total_cmp).1
    }

    /// The older view that looks most like `sight`, and how far it is from that.
    fn nearest(&self, sight: &Sight) -> Option<(usize, f32)> {
        let far = self.views.iter().map(|view| distance(view.sight(), sight));
        far.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// The older one of the two older views that are most alike, and how far they are from each other.
    fn most_alike(&self) -> Option<(usize, f32)> {
        let indices = || 0..self.views.len();
        let pairs = indices().flat_map(|a| (a + 1..indices().end).map(move |b| (a, b)));
        let far = pairs.map(|(a, b)| {
            let [first, second] = [&self.views[a], &self.views[b]];
            let is_first = first.taken_at() <= second.taken_at();
            let far = distance(first.sight(), second.sight());
            (if is_first { a } else { b }, far)
        });
        far.min_by(|(_, a), (_, b)| a.total_cmp(b))
    }
}

/// Views nearer to each other than this show the same.
const SAME: f32 = 0.02;

/// How far two sights of a face are from each other, by looks and pose.
fn distance(a: &Sight, b: &Sight) -> f32 {
    a.difference(b).unwrap_or(UNCLEAR) + a.turn(b)
}

/// How far `view` is from what is `seen` of a face; nothing where it is another face's.
pub fn fits(view: &View, seen: &Sight) -> Option<f32> {
    within(farthest(view), view, seen)
}

/// How far `view` may look from a face that is its own.
fn farthest(view: &View) -> f32 {
    match view.origin() {
        Origin::Memory => FARTHEST,
        Origin::Reference => FARTHEST_REFERENCE,
    }
}

fn within(farthest: f32, view: &View, seen: &Sight) -> Option<f32> {
    let difference = view.sight().difference(seen).unwrap_or(UNCLEAR);
    (difference <= farthest).then_some(difference)
}

/// The one of `views`, which are of the same face whatever it looks like, that shows all of it and
/// agrees most with what is `seen` of it `now`.
pub fn nearest<'a>(
    views: impl Iterator<Item = &'a Arc<View>>,
    seen: &Sight,
    now: Duration,
) -> Option<&'a Arc<View>> {
    let cost = |view: &View| distance(view.sight(), seen) + aging(view, now);
    views
        .filter(|view| view.sight().known() >= ALL_KNOWN)
        .map(|view| (cost(view), view))
        .min_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, view)| view)
}

/// How well `view` serves for what is missing of `seen`; nothing where it looks farther from that than
/// `farthest`, or does not serve at all.
fn rate(view: &Arc<View>, seen: &Sight, now: Duration, farthest: f32) -> Option<Candidate> {
    let filled = view.sight().fills(seen);
    let difference = within(farthest, view, seen)?;
    (filled >= LEAST_FILLED).then(|| Candidate {
        view: view.clone(),
        difference,
        cost: EMPTY * (1.0 - filled) + aging(view, now),
    })
}

/// How much farther off `view` is for its age.
fn aging(view: &View, now: Duration) -> f32 {
    let age = match view.origin() {
        Origin::Memory => now.abs_diff(view.taken_at()).as_secs_f32(),
        Origin::Reference => 0.0,
    };
    PER_DOUBLING * (1.0 + age).log2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::look::Look;
    use crate::views::trials::Trials;
    use mde_core::alignment::TEMPLATE;
    use mde_core::registration::{Displacement, Registration};

    const CROP: (usize, usize) = (64, 64);
    const PIXELS: usize = 64 * 64;

    /// A face that looks different with each `phase`, known in the rows from `top` on.
    fn look(phase: f32, top: usize, millis: u64) -> View {
        let value = |i: usize| {
            let (x, y) = ((i % 64) as f32, (i / 64 % 64) as f32);
            0.5 + 0.35 * (x / 5.0 + phase).sin() * (y / 7.0 - phase).cos()
        };
        let rgb: Vec<f32> = (0..3 * PIXELS).map(value).collect();
        let known: Vec<f32> = (0..PIXELS)
            .map(|i| f32::from(u8::from(i / 64 >= top)))
            .collect();
        let look = Look {
            crop: CROP,
            factor: 1,
            rgb: &rgb,
            known: &known,
            points: TEMPLATE.map(|point| point.map(|v| v * 64.0 / 96.0)),
        };
        View::new(&look, Origin::Memory, Duration::from_millis(millis))
    }

    fn seen(phase: f32, top: usize) -> Sight {
        look(phase, top, 0).sight().clone()
    }

    /// When the views were taken, the newest first.
    fn times(bank: &Bank) -> Vec<u64> {
        let times = bank.all().map(|view| view.taken_at().as_millis() as u64);
        times.collect()
    }

    fn chosen(bank: &Bank, seen: &Sight, millis: u64, current: Option<&Arc<View>>) -> Option<u64> {
        let now = Duration::from_millis(millis);
        let candidates = bank.candidates([].iter(), seen, now, current);
        let register = |view: &View, from: &Displacement| Registration {
            displacement: *from,
            residual: view.sight().difference(seen).unwrap_or(1.0),
        };
        let (chosen, _) = Trials::default().choose(candidates, current, register)?;
        Some(chosen.view.taken_at().as_millis() as u64)
    }

    #[test]
    fn the_same_look_is_kept_the_newest_and_an_older_one() {
        let mut bank = Bank::default();
        for millis in [100, 200, 300, 400] {
            bank.offer(look(0.0, 0, millis));
        }
        assert_eq!(times(&bank), [400, 100]);
        // Which does not grow old.
        for millis in [5200, 5300] {
            bank.offer(look(0.0, 0, millis));
        }
        assert_eq!(times(&bank), [5300, 5200]);
    }

    #[test]
    fn looks_are_spread_over_what_was_shown() {
        let mut bank = Bank::default();
        for i in 0..40u64 {
            bank.offer(look(i as f32 * 0.15, 0, 40 * i));
        }
        let times = times(&bank);
        assert_eq!(times.len(), MOST_VIEWS);
        assert!(times.contains(&(39 * 40)), "the newest: {times:?}");
        // Phases of 0 to 6, of which the older half is still there.
        assert!(
            times.iter().filter(|&&t| t < 20 * 40).count() >= 2,
            "{times:?}"
        );
        assert!(bank.bytes() < MOST_BYTES);
    }

    #[test]
    fn memory_is_bounded_by_bytes() {
        let mut bank = Bank::default();
        let known = vec![1.0; 128 * 128];
        for i in 0..9u64 {
            let value = |k: usize| 0.5 + 0.2 * ((k % 512) as f32 / 20.0 + 0.7 * i as f32).sin();
            let rgb: Vec<f32> = (0..3 * 512 * 512).map(value).collect();
            let look = Look {
                crop: (128, 128),
                factor: 4,
                rgb: &rgb,
                known: &known,
                points: TEMPLATE.map(|point| point.map(|v| v * 128.0 / 96.0)),
            };
            bank.offer(View::new(&look, Origin::Memory, Duration::from_millis(i)));
        }
        assert!(bank.bytes() <= MOST_BYTES, "{}", bank.bytes());
        assert!(
            (4..=MOST_VIEWS).contains(&times(&bank).len()),
            "{}",
            times(&bank).len()
        );
    }

    #[test]
    fn what_is_mostly_covered_or_blurred_is_not_kept() {
        let mut bank = Bank::default();
        bank.offer(look(0.0, 40, 0));
        assert!(bank.is_empty());
        bank.offer(look(0.0, 0, 10));
        // A cover that comes does not push out the look without it.
        bank.offer(look(0.0, 20, 20));
        bank.offer(look(0.0, 20, 30));
        assert_eq!(times(&bank), [30, 10]);
        let flat = Look {
            crop: CROP,
            factor: 1,
            rgb: &vec![0.5; 3 * PIXELS],
            known: &vec![1.0; PIXELS],
            points: TEMPLATE,
        };
        bank.offer(View::new(&flat, Origin::Memory, Duration::from_millis(40)));
        assert_eq!(times(&bank), [30, 10]);
    }

    #[test]
    fn the_look_nearest_to_what_is_seen_is_chosen() {
        let mut bank = Bank::default();
        for (phase, millis) in [(0.0, 100), (0.4, 200), (0.8, 300)] {
            bank.offer(look(phase, 0, millis));
        }
        assert_eq!(times(&bank).len(), 3);
        for (phase, wanted) in [(0.0, 100), (0.42, 200), (0.8, 300)] {
            assert_eq!(chosen(&bank, &seen(phase, 32), 400, None), Some(wanted));
        }
        // Another face.
        assert_eq!(chosen(&bank, &seen(1.6, 32), 400, None), None);
    }

    #[test]
    fn what_was_seen_for_a_moment_alone_is_not_chosen() {
        /// A look whose upper half alone, which is covered later, differs with `phase`.
        fn blinking(phase: f32, millis: u64) -> View {
            let value = |i: usize| {
                let (x, y) = ((i % 64) as f32, (i / 64 % 64) as f32);
                let phase = if y < 32.0 { phase } else { 0.0 };
                0.5 + 0.35 * (x / 5.0 + phase).sin() * (y / 7.0 - phase).cos()
            };
            let rgb: Vec<f32> = (0..3 * PIXELS).map(value).collect();
            let look = Look {
                crop: CROP,
                factor: 1,
                rgb: &rgb,
                known: &[1.0; PIXELS],
                points: TEMPLATE.map(|point| point.map(|v| v * 64.0 / 96.0)),
            };
            View::new(&look, Origin::Memory, Duration::from_millis(millis))
        }
        let mut bank = Bank::default();
        for (phase, millis) in [(0.0, 0), (0.4, 400), (0.2, 800), (1.5, 1200)] {
            bank.offer(blinking(phase, millis));
        }
        assert_eq!(times(&bank).len(), 4);
        // The newest is the blink, and all look the same below it.
        let chosen = chosen(&bank, &seen(0.0, 32), 1240, None).expect("a view");
        assert_ne!(chosen, 1200);
    }

    #[test]
    fn a_view_that_does_not_show_what_is_missing_is_of_no_use() {
        let mut bank = Bank::default();
        bank.offer(look(0.0, 28, 100));
        assert_eq!(chosen(&bank, &seen(0.0, 28), 200, None), None);
        bank.offer(look(0.5, 0, 150));
        assert_eq!(chosen(&bank, &seen(0.0, 28), 200, None), Some(150));
    }

    #[test]
    fn old_views_expire() {
        let mut bank = Bank::default();
        bank.offer(look(0.0, 0, 100));
        bank.offer(look(0.4, 0, 900));
        bank.expire(Duration::from_millis(500));
        assert_eq!(times(&bank), [900]);
    }
}
