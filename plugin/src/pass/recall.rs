//! Which of the last inference's completions belongs to which region of a later frame.

use crate::locate::{Bounds, Region};

/// The least overlap (intersection over union) of a face's boxes in two frames.
const LEAST_OVERLAP: f64 = 0.3;

/// The completions of the last inference, each with the place where its face was seen last.
#[derive(Debug, Default)]
pub struct Recall {
    faces: Vec<Face>,
    frames: u32,
}

#[derive(Debug)]
struct Face {
    id: i32,
    bounds: Bounds,
    crop: usize,
    is_taken: bool,
}

impl Recall {
    /// The next frame needs an inference.
    pub fn forget(&mut self) {
        self.faces.clear();
    }

    /// Takes over an inference whose crop `i` is that of `regions[i]`; `crops` holds the numbers of
    /// the crops with a completion.
    pub fn learn(&mut self, regions: &[Region], crops: &[Option<usize>]) {
        self.frames = 0;
        self.faces.clear();
        let faces = regions.iter().zip(crops).filter_map(|(region, crop)| {
            Some(Face {
                id: region.id,
                bounds: region.bounds,
                crop: (*crop)?,
                is_taken: false,
            })
        });
        self.faces.extend(faces);
    }

    /// Frames since the last inference, the present one counted by this call.
    pub fn count_frame(&mut self) -> u32 {
        self.frames = self.frames.saturating_add(1);
        self.frames
    }

    /// Puts into `crops` for each of `regions` the crop with its completion, if there is one: that
    /// of the face with the same identifier, or, where one of both has none, of the face whose box it
    /// overlaps most.
    pub fn assign(&mut self, regions: &[Region], crops: &mut Vec<Option<usize>>) {
        for face in &mut self.faces {
            face.is_taken = false;
        }
        crops.clear();
        crops.extend(regions.iter().map(|region| self.take(region)));
    }

    fn take(&mut self, region: &Region) -> Option<usize> {
        let likeness = |face: &Face| match (face.id, region.id) {
            (own, other) if own == other && own != 0 => f64::INFINITY,
            (0, _) | (_, 0) => face.bounds.overlap(&region.bounds),
            // Another number is another face, wherever it is.
            _ => 0.0,
        };
        let (likeness, face) = self
            .faces
            .iter_mut()
            .filter(|face| !face.is_taken)
            .map(|face| (likeness(face), face))
            .max_by(|(a, _), (b, _)| a.total_cmp(b))?;
        (likeness >= LEAST_OVERLAP).then(|| {
            face.is_taken = true;
            face.bounds = region.bounds;
            face.crop
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(id: i32, x: f64, side: f64) -> Region {
        let bounds = Bounds {
            x0: x,
            y0: 10.0,
            x1: x + side,
            y1: 10.0 + side,
        };
        let region = Region::of_box(bounds, (96, 96)).expect("a region");
        Region { id, ..region }
    }

    fn assigned(recall: &mut Recall, regions: &[Region]) -> Vec<Option<usize>> {
        let mut crops = Vec::new();
        recall.assign(regions, &mut crops);
        crops
    }

    #[test]
    fn faces_are_followed_as_they_move_and_change_places() {
        let mut recall = Recall::default();
        let (left, right) = (region(0, 0.0, 50.0), region(0, 200.0, 50.0));
        recall.learn(&[left, right], &[Some(0), Some(1)]);
        assert_eq!(assigned(&mut recall, &[right, left]), [Some(1), Some(0)]);
        for step in 1..10 {
            let moved = region(0, 10.0 * f64::from(step), 50.0);
            assert_eq!(assigned(&mut recall, &[moved]), [Some(0)], "{step}");
        }
        assert_eq!(assigned(&mut recall, &[left]), [None]);
    }

    #[test]
    fn an_identifier_says_more_than_a_place() {
        let mut recall = Recall::default();
        recall.learn(&[region(7, 0.0, 50.0)], &[Some(0)]);
        assert_eq!(assigned(&mut recall, &[region(7, 400.0, 90.0)]), [Some(0)]);
    }

    #[test]
    fn another_identifier_is_another_face_wherever_it_is() {
        let mut recall = Recall::default();
        recall.learn(&[region(7, 0.0, 50.0)], &[Some(0)]);
        assert_eq!(assigned(&mut recall, &[region(8, 0.0, 50.0)]), [None]);
        assert_eq!(assigned(&mut recall, &[region(0, 0.0, 50.0)]), [Some(0)]);
    }

    #[test]
    fn a_completion_is_laid_on_one_face_only() {
        let mut recall = Recall::default();
        recall.learn(&[region(0, 0.0, 50.0)], &[Some(0)]);
        let twice = [region(0, 0.0, 50.0), region(0, 1.0, 50.0)];
        assert_eq!(assigned(&mut recall, &twice), [Some(0), None]);
    }

    #[test]
    fn faces_without_a_completion_are_not_remembered() {
        let mut recall = Recall::default();
        let (left, right) = (region(0, 0.0, 50.0), region(0, 200.0, 50.0));
        recall.learn(&[left, right], &[None, Some(1)]);
        assert_eq!(assigned(&mut recall, &[left, right]), [None, Some(1)]);
        recall.forget();
        assert_eq!(assigned(&mut recall, &[left, right]), [None, None]);
    }
}
