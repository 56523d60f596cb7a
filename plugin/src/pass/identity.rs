//! Whether a face is the same as before: the one answer for all who keep something of a face from
//! frame to frame.

use std::num::NonZero;
use std::time::Duration;

use super::face::Face;
use crate::locate::Bounds;

/// The least overlap (intersection over union) of the boxes in two frames of a region without a
/// number.
const LEAST_OVERLAP: f64 = 0.3;

/// A region without a number that comes back after this time is a new one.
const LONGEST_AWAY: Duration = Duration::from_secs(2);

/// Whose face a region shows: equal in all frames that show the same one, and in each frame
/// different for each region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// By the number that the tracker, or upstream, gives to the face.
    Numbered(NonZero<i32>),
    /// By where the region was in the frames before; for regions without a number. The number here
    /// is not used again.
    Placed(u64),
}

/// Gives faces their identities. A number says all: one with another number is another face,
/// wherever it is. A region without a number is the one whose box it overlaps most, of those seen in
/// the last frame, or less than two seconds ago, and not in this frame.
#[derive(Debug, Default)]
pub struct Identities {
    seen: Vec<Seen>,
    /// Of the last frame.
    last: Duration,
    placed: u64,
    pairs: Vec<Pair>,
}

/// A face where it was seen last.
#[derive(Debug)]
struct Seen {
    identity: Identity,
    bounds: Bounds,
    at: Duration,
}

/// A face that may be one seen before.
#[derive(Debug)]
struct Pair {
    overlap: f64,
    face: usize,
    seen: usize,
}

impl Identities {
    /// Takes regions without a number for new ones in the next frame, for it shows another scene.
    pub fn forget_places(&mut self) {
        self.seen.clear();
    }

    /// Gives each of `faces`, all that there are in the frame at the time `now`, its identity.
    pub fn recognise(&mut self, faces: &mut [Face], now: Duration) {
        let last = std::mem::replace(&mut self.last, now);
        self.seen
            .retain(|seen| seen.at == last || now.saturating_sub(seen.at) <= LONGEST_AWAY);
        for index in 0..faces.len() {
            let (before, rest) = faces.split_at_mut(index);
            let face = &mut rest[0];
            let number = NonZero::new(face.region.id).map(Identity::Numbered);
            // Who gives two regions the same number does not tell them apart by it.
            face.identity = number.filter(|n| before.iter().all(|b| b.identity != Some(*n)));
        }
        self.place(faces);
        for face in faces {
            let identity = *face.identity.get_or_insert_with(|| {
                self.placed += 1;
                Identity::Placed(self.placed)
            });
            let new = Seen {
                identity,
                bounds: face.region.bounds,
                at: now,
            };
            match self.seen.iter_mut().find(|seen| seen.identity == identity) {
                Some(seen) => *seen = new,
                None => self.seen.push(new),
            }
        }
    }

    /// Gives faces without a number the identities of those that were where they are.
    fn place(&mut self, faces: &mut [Face]) {
        self.pairs.clear();
        for (index, face) in faces.iter().enumerate() {
            if face.identity.is_some() {
                continue;
            }
            for (at, seen) in self.seen.iter().enumerate() {
                let overlap = seen.bounds.overlap(&face.region.bounds);
                if overlap >= LEAST_OVERLAP {
                    self.pairs.push(Pair {
                        overlap,
                        face: index,
                        seen: at,
                    });
                }
            }
        }
        self.pairs
            .sort_unstable_by(|a, b| b.overlap.total_cmp(&a.overlap));
        for pair in &self.pairs {
            let identity = Some(self.seen[pair.seen].identity);
            let is_free = faces.iter().all(|face| face.identity != identity);
            if faces[pair.face].identity.is_none() && is_free {
                faces[pair.face].identity = identity;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::Region;

    const FRAME: Duration = Duration::from_millis(40);

    fn region(id: i32, x: f64) -> Region {
        let bounds = Bounds {
            x0: x,
            y0: 10.0,
            x1: x + 50.0,
            y1: 60.0,
        };
        let region = Region::of_box(bounds, (96, 96)).expect("a region");
        Region { id, ..region }
    }

    /// A stream's identities.
    #[derive(Default)]
    struct Stream {
        identities: Identities,
        now: Duration,
    }

    impl Stream {
        /// Those in the next frame, of regions with these numbers and places.
        fn next(&mut self, regions: &[(i32, f64)]) -> Vec<Identity> {
            self.now += FRAME;
            let faces = regions.iter().map(|(id, x)| Face::new(region(*id, *x)));
            let mut faces: Vec<Face> = faces.collect();
            self.identities.recognise(&mut faces, self.now);
            let identities = faces.iter().map(|face| face.identity);
            identities.map(|own| own.expect("an identity")).collect()
        }
    }

    #[test]
    fn another_number_is_another_face_wherever_it_is() {
        let mut stream = Stream::default();
        let old = stream.next(&[(7, 0.0)]);
        assert_ne!(stream.next(&[(8, 0.0)]), old);
        assert_eq!(stream.next(&[(8, 0.0), (7, 400.0)])[1], old[0]);
        stream.now += Duration::from_secs(60);
        assert_eq!(stream.next(&[(7, 200.0)]), old);
    }

    #[test]
    fn regions_without_a_number_are_followed_as_they_move_and_change_places() {
        let mut stream = Stream::default();
        let first = stream.next(&[(0, 0.0), (0, 200.0)]);
        assert_ne!(first[0], first[1]);
        let turned = stream.next(&[(0, 200.0), (0, 0.0)]);
        assert_eq!(turned, [first[1], first[0]]);
        for step in 1..10 {
            let moved = stream.next(&[(0, 10.0 * f64::from(step))]);
            assert_eq!(moved, [first[0]], "{step}");
        }
        let back = stream.next(&[(0, 0.0)]);
        assert!(!first.contains(&back[0]), "it is where nobody was");
    }

    #[test]
    fn the_nearest_takes_the_place() {
        let mut stream = Stream::default();
        let first = stream.next(&[(0, 0.0)]);
        let twice = stream.next(&[(0, 10.0), (0, 1.0)]);
        assert_eq!(twice[1], first[0]);
        assert_ne!(twice[0], first[0]);
    }

    #[test]
    fn a_region_that_loses_its_number_keeps_its_face() {
        let mut stream = Stream::default();
        let first = stream.next(&[(7, 0.0)]);
        assert_eq!(stream.next(&[(0, 1.0)]), first);
        // Unless that is in the frame itself.
        let both = stream.next(&[(0, 1.0), (7, 2.0)]);
        assert_eq!(both[1], first[0]);
        assert_ne!(both[0], first[0]);
    }

    #[test]
    fn a_number_given_twice_tells_no_faces_apart() {
        let mut stream = Stream::default();
        let twice = stream.next(&[(1, 0.0), (1, 200.0)]);
        assert_ne!(twice[0], twice[1]);
        assert_eq!(stream.next(&[(1, 0.0), (1, 201.0)]), twice);
    }

    #[test]
    fn who_was_away_or_in_another_scene_is_new() {
        let mut stream = Stream::default();
        let first = stream.next(&[(0, 0.0)]);
        stream.now += LONGEST_AWAY;
        assert_eq!(stream.next(&[(0, 0.0)]), first, "frames are far apart");
        stream.next(&[]);
        assert_eq!(stream.next(&[(0, 0.0)]), first, "it was away for a frame");
        stream.next(&[]);
        stream.now += LONGEST_AWAY;
        let back = stream.next(&[(0, 0.0)]);
        assert_ne!(back, first);
        stream.identities.forget_places();
        let other = stream.next(&[(0, 0.0)]);
        assert!(other != back && other != first);
    }
}
