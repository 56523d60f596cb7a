//! Where the edges of a channel lie against those of another.

use super::planes::Planes;

/// How far a channel is looked for, in pixels.
pub const REACH: usize = 9;
/// Side of the part of a patch that is looked for in another.
pub const CORE: usize = 32;
/// Side of a patch: the part, what it may be shifted by, and around it what is needed to soften it
/// and for the edges.
pub const PATCH: usize = CORE + 2 * REACH + 2 * SOFTENED + 2;
/// How far pixels are mixed with others.
const SOFTENED: usize = 2;
/// By which weights. A coder keeps the finest detail of luma alone, which all channels then have in
/// common wherever they lie.
const WEIGHTS: [f32; 2 * SOFTENED + 1] = [0.0625, 0.25, 0.375, 0.25, 0.0625];

/// Pixels in a row that is softened.
const SOFT: usize = PATCH - 2 * SOFTENED;
/// Pixels in a row of edges.
const WIDTH: usize = SOFT - 2;
/// Products that are added up side by side.
const LANES: usize = 8;

/// How steep the channels of a patch are.
#[derive(Clone, Debug, Default)]
pub struct Edges {
    /// Of each channel, `[WIDTH, WIDTH]`.
    pub steepness: [Vec<f32>; 3],
    /// Of each channel, the sum of the two others.
    pub others: [Vec<f32>; 3],
    /// `[SOFT, SOFT]`, of a channel.
    soft: Vec<f32>,
}

impl Edges {
    /// Those of `patch`, which is [`PATCH`] pixels wide and high.
    pub fn fill(&mut self, patch: &Planes) {
        for (edges, values) in self.steepness.iter_mut().zip(&patch.values) {
            soften(values, &mut self.soft);
            edges.clear();
            for y in 1..=WIDTH {
                let [above, row, below] = [y - 1, y, y + 1].map(|y| &self.soft[y * SOFT..][..SOFT]);
                edges.extend(
                    (1..=WIDTH)
                        .map(|x| (row[x + 1] - row[x - 1]).abs() + (below[x] - above[x]).abs()),
                );
            }
        }
        for (channel, sums) in self.others.iter_mut().enumerate() {
            let [a, b] = super::look::others(channel).map(|other| &self.steepness[other]);
            sums.clear();
            sums.extend(a.iter().zip(b).map(|(a, b)| a + b));
        }
    }
}

/// Mixes the pixels of a channel with those around into `soft`.
fn soften(values: &[f32], soft: &mut Vec<f32>) {
    soft.clear();
    let mut lines = [0.0; PATCH];
    for y in 0..SOFT {
        lines.fill(0.0);
        for (row, weight) in values[y * PATCH..].chunks_exact(PATCH).zip(WEIGHTS) {
            for (sum, value) in lines.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        let around = lines.windows(WEIGHTS.len());
        soft.extend(
            around.map(|values| values.iter().zip(WEIGHTS).map(|(v, w)| v * w).sum::<f32>()),
        );
    }
}

/// Two channels of a patch, `[WIDTH, WIDTH]`.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The one whose middle part is looked for,
    pub own: &'a [f32],
    /// in this one.
    pub other: &'a [f32],
}

/// Sums for a correlation.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    both: f64,
    own: f64,
    other: f64,
}

/// How well the own channel, displaced by `shift`, agrees with the other: their correlation in all
/// patches, in `[-1, 1]`. What is displaced is at a place what the other is at that place less
/// `shift`.
pub fn agreement<'a>(pairs: impl Iterator<Item = Pair<'a>>, shift: [i32; 2]) -> f32 {
    let mut sums = Sums::default();
    for pair in pairs {
        add(&mut sums, pair, shift);
    }
    match sums.own * sums.other > 0.0 {
        true => (sums.both / (sums.own * sums.other).sqrt()) as f32,
        false => 0.0,
    }
}

fn add(sums: &mut Sums, Pair { own, other }: Pair<'_>, [dx, dy]: [i32; 2]) {
    let mut totals = [[0.0f32; LANES]; 5];
    let start = |d: i32| (REACH as i32 - d) as usize;
    for y in 0..CORE {
        let own = &own[(REACH + y) * WIDTH + REACH..][..CORE];
        let other = &other[(start(dy) + y) * WIDTH + start(dx)..][..CORE];
        let ((own, _), (other, _)) = (own.as_chunks::<LANES>(), other.as_chunks::<LANES>());
        for (own, other) in own.iter().zip(other) {
            for i in 0..LANES {
                let (a, b) = (own[i], other[i]);
                totals[0][i] += a;
                totals[1][i] += b;
                totals[2][i] += a * b;
                totals[3][i] += a * a;
                totals[4][i] += b * b;
            }
        }
    }
    let [a, b, ab, aa, bb] = totals.map(|lanes| f64::from(lanes.iter().sum::<f32>()));
    let count = (CORE * CORE) as f64;
    sums.both += ab - a * b / count;
    sums.own += aa - a * a / count;
    sums.other += bb - b * b / count;
}

/// Places of the coarse search that are looked around: sharp edges agree with others than their own
/// there.
const REFINED: usize = 4;

/// A displacement, and the agreement there.
pub type Place = ([i32; 2], f32);

/// Where `agreement` is greatest, if one goes up from `start`.
pub fn climb(start: [i32; 2], agreement: impl Fn([i32; 2]) -> f32) -> Place {
    let reach = -(REACH as i32)..=REACH as i32;
    let mut best = (start, agreement(start));
    loop {
        let [x, y] = best.0;
        let around = [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]].into_iter();
        let around = around.filter(|place| place.iter().all(|v| reach.contains(v)));
        let found = best_of(around, &agreement);
        if found.1 <= best.1 {
            return best;
        }
        best = found;
    }
}

/// The top of `agreement` near `place`, where it is greatest among whole pixels: that of parabolas
/// through its neighbours.
pub fn top(place: [i32; 2], agreement: impl Fn([i32; 2]) -> f32) -> [f32; 2] {
    let middle = agreement(place);
    [0, 1].map(|axis| {
        let [before, after] = [-1, 1].map(|step| {
            let mut beside = place;
            beside[axis] += step;
            match beside[axis].unsigned_abs() as usize <= REACH {
                true => agreement(beside),
                false => middle,
            }
        });
        let bend = 2.0 * middle - before - after;
        let off = match bend > 0.0 {
            true => 0.5 * (after - before) / bend,
            false => 0.0,
        };
        place[axis] as f32 + off
    })
}

/// Where `agreement` is greatest: a coarse search, then a fine one around the best of its places.
pub fn best_shift(agreement: impl Fn([i32; 2]) -> f32) -> Place {
    let reach = REACH as i32;
    let coarse = (1 - reach..reach).step_by(2);
    let places = coarse
        .clone()
        .flat_map(|dy| coarse.clone().map(move |dx| [dx, dy]));
    let mut places: Vec<Place> = places.map(|place| (place, agreement(place))).collect();
    places.sort_by(|a, b| b.1.total_cmp(&a.1));
    let around = places.iter().take(REFINED).flat_map(|([x, y], _)| {
        (-1..=1).flat_map(move |dy| (-1..=1).map(move |dx| [x + dx, y + dy]))
    });
    best_of(around, &agreement)
}

/// The one of `places` where `agreement` is greatest.
pub fn best_of(
    places: impl Iterator<Item = [i32; 2]>,
    agreement: impl Fn([i32; 2]) -> f32,
) -> Place {
    let found = places.map(|place| (place, agreement(place)));
    found.fold(([0, 0], f32::NEG_INFINITY), |best, found| {
        match found.1 > best.1 {
            true => found,
            false => best,
        }
    })
}
