//! How deep in a hole a pixel lies: the distance to the nearest pixel outside it.

/// The distance within a column where it has no pixel outside the hole. Its square, and that of a
/// picture's longest side beside it, fit an `i32`.
const FAR: i32 = 1 << 14;

/// Makes distances, reusing its memory.
#[derive(Clone, Debug, Default)]
pub struct Distances {
    /// Per pixel first the distance within its column, then the square of the distance.
    values: Vec<i32>,
    envelope: Envelope,
}

impl Distances {
    /// The squared distance of each pixel of the `width` wide picture `is_hole`, row by row, to the
    /// nearest pixel outside the hole: 0 outside it, from 2^28 on not exact where none is that near.
    /// There is nothing beyond the picture's edges.
    ///
    /// Exact, in a time that grows with the number of pixels alone (Meijster, Roerdink and
    /// Hesselink 2000): columns first, then along each row.
    pub fn squared(&mut self, width: usize, is_hole: impl Iterator<Item = bool>) -> &[i32] {
        self.values.clear();
        for is_hole in is_hole {
            let above = self.values.len().checked_sub(width);
            let above = above.map_or(FAR, |at| self.values[at]);
            self.values.push(match is_hole {
                true => (above + 1).min(FAR),
                false => 0,
            });
        }
        for at in (width..self.values.len()).rev() {
            let above = &mut self.values[at - width..=at];
            above[0] = above[0].min(above[width] + 1);
        }
        for row in self.values.chunks_mut(width.max(1)) {
            self.envelope.follow(row);
        }
        &self.values
    }
}

/// The lower envelope of a row's parabolas `(x - i)^2 + g(i)^2`.
#[derive(Clone, Debug, Default)]
struct Envelope {
    /// The row's distances within the columns.
    columns: Vec<i32>,
    /// The parabolas that are lowest somewhere, each as its `i` and the first `x` where it is.
    lowest: Vec<(i32, i32)>,
}

impl Envelope {
    /// Turns the distances within the columns into the squares of the distances.
    fn follow(&mut self, row: &mut [i32]) {
        self.columns.clear();
        self.columns.extend_from_slice(row);
        let columns = &self.columns;
        let square = |i: i32| columns[i as usize].pow(2);
        let height = |x: i32, i: i32| (x - i).pow(2) + square(i);
        let end = row.len() as i32;

        self.lowest.clear();
        for next in 0..end {
            while let Some(&(i, from)) = self.lowest.last()
                && height(from, i) > height(from, next)
            {
                self.lowest.pop();
            }
            let from = self.lowest.last().map_or(0, |&(i, _)| {
                // Where both are equally high, and one further.
                let crossing = next.pow(2) - i.pow(2) + square(next) - square(i);
                1 + crossing.div_euclid(2 * (next - i))
            });
            if from < end {
                self.lowest.push((next, from));
            }
        }
        let mut lowest = self.lowest.iter().rev().peekable();
        for x in (0..end).rev() {
            while lowest.next_if(|&&(_, from)| from > x).is_some() {}
            if let Some(&&(i, _)) = lowest.peek() {
                row[x as usize] = height(x, i);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_definition(width: usize, is_hole: &[bool]) -> Vec<i32> {
        let place = |i: usize| ((i % width) as i32, (i / width) as i32);
        let outside = || (0..is_hole.len()).filter(|&i| !is_hole[i]).map(place);
        let distances = (0..is_hole.len()).map(place).map(|(x, y)| {
            let squares = outside().map(|(u, v)| (x - u).pow(2) + (y - v).pow(2));
            squares.min().unwrap_or(i32::MAX)
        });
        distances.collect()
    }

    proptest! {
        #[test]
        fn distances_are_exact(
            width in 1..20usize,
            height in 1..20usize,
            outside in proptest::collection::vec(0..400usize, 0..12),
        ) {
            let is_hole: Vec<bool> = (0..width * height).map(|i| !outside.contains(&i)).collect();
            let mut distances = Distances::default();
            // What an earlier picture left does not matter.
            distances.squared(3, [true; 9].into_iter());
            let found = distances.squared(width, is_hole.iter().copied());
            for (found, wanted) in found.iter().zip(by_definition(width, &is_hole)) {
                prop_assert!(*found == wanted || (wanted == i32::MAX && *found >= 1 << 28));
            }
        }
    }

    #[test]
    fn the_longest_sides_do_not_overflow() {
        let side = (1 << 15) - 1;
        let mut distances = Distances::default();
        for (width, height) in [(side, 1), (1, side)] {
            for outside in [Some(0), Some(side - 1), None] {
                let is_hole = (0..width * height).map(|at| Some(at) != outside);
                let found = distances.squared(width, is_hole);
                for (at, found) in found.iter().enumerate() {
                    let wanted = outside.map_or(i32::MAX, |o| (at as i32 - o as i32).pow(2));
                    assert_eq!((*found).min(1 << 28), wanted.min(1 << 28), "{at}");
                }
            }
        }
    }

    #[test]
    fn nothing_has_no_distances() {
        assert!(
            Distances::default()
                .squared(0, std::iter::empty())
                .is_empty()
        );
    }
}
