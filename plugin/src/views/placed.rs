//! A view as it lies on the face in a frame.

use mde_core::registration::{Displacement, Registrar};

use super::view::View;
use crate::completer::CopiedMut;
use crate::frame::{BLOCK, Level};

/// The generator's flow is not followed where the view as it lies differs from the frame by no more
/// than this share of what it differs by with the flow, and followed wholly from the other share on.
const STAYS: f32 = 0.9;
const FOLLOWS: f32 = 1.5;
/// Differences that noise makes, in the range from black to white.
const NOISE: f32 = 0.002;
/// How much of the last frame's share is kept, so that the copy does not jump.
const KEPT: f32 = 0.7;
/// Where less than this is known of a source it is not looked at.
const LEAST_KNOWN: f32 = 0.5;

/// Where a view lies on the face, better than five points tell, and what it shows there at the crop's
/// size: what the generator is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    displacement: Displacement,
    shown: Level,
}

impl Placed {
    /// The view where `displacement` says that it lies.
    pub fn new(view: &View, displacement: Displacement) -> Self {
        Self {
            shown: view.pyramid().base().displaced(&displacement),
            displacement,
        }
    }

    /// Where each pixel of the crop lies in the view.
    pub fn displacement(&self) -> &Displacement {
        &self.displacement
    }

    /// What the generator is shown, at the crop's size.
    pub fn shown(&self) -> &Level {
        &self.shown
    }

    /// How much the generator's flow is to be followed, in `[0, 1]`. It tells how a face has moved
    /// under the cover, which around the cover can be seen: where the view as it lies explains the
    /// frame as well as the flow does, what the flow says is noise. `registrar` is the one that
    /// registered `view`, `before` the share in the last frame.
    pub fn followed(
        &self,
        view: &View,
        registrar: &Registrar,
        copied: &CopiedMut<'_>,
        before: Option<f32>,
    ) -> f32 {
        let lies = registrar.residual(view.detail(), |at| self.displacement.at(at));
        let flows = registrar.residual(view.detail(), |[x, y]| {
            let [right, down, _] = copied.at([x, y]);
            let [further_right, further_down] = self.displacement.at([x + right, y + down]);
            [right + further_right, down + further_down]
        });
        let share = (lies / (flows + NOISE) - STAYS) / (FOLLOWS - STAYS);
        let share = share.clamp(0.0, 1.0);
        before.map_or(share, |before| share + KEPT * (before - share))
    }

    /// Takes back all but `share` of the flow by which `copied` was made: what is copied comes from
    /// elsewhere in the view then, and its light stays.
    pub fn follow(&self, copied: &mut CopiedMut<'_>, share: f32) {
        if share >= 1.0 {
            return;
        }
        let (width, height) = copied.size;
        let (pixels, part) = (width * height, copied.part);
        for y in part.y0..part.y1 {
            for start in (part.x0..part.x1).step_by(BLOCK) {
                let count = BLOCK.min(part.x1 - start);
                let flows: [[f32; 3]; BLOCK] = std::array::from_fn(|i| {
                    copied.at([(start + i).min(width - 1) as f32, y as f32])
                });
                if flows.iter().all(|[_, _, weight]| *weight <= 0.0) {
                    continue;
                }
                let fetched = |share: f32| {
                    let xs = std::array::from_fn(|i| (start + i) as f32 + share * flows[i][0]);
                    let ys = std::array::from_fn(|i| y as f32 + share * flows[i][1]);
                    self.shown.look_up([xs, ys], count)
                };
                let (was, is) = (fetched(1.0), fetched(share));
                for i in 0..count {
                    let (was_known, is_known) = (was[i][3], is[i][3]);
                    if was_known < LEAST_KNOWN || is_known < LEAST_KNOWN {
                        continue;
                    }
                    for channel in 0..3 {
                        let change = is[i][channel] / is_known - was[i][channel] / was_known;
                        let value = &mut copied.completed[channel * pixels + y * width + start + i];
                        *value += flows[i][2] * change;
                    }
                }
            }
        }
        copied.flow.iter_mut().for_each(|flow| *flow *= share);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mde_core::alignment::TEMPLATE;
    use mde_core::occlusion::Rect;

    use super::*;
    use crate::views::{Look, Origin};

    const SIDE: usize = 64;
    const PIXELS: usize = SIDE * SIDE;
    const CELLS: usize = PIXELS / 4;

    fn picture(shift: f32) -> Vec<f32> {
        let value = |i: usize| {
            let (x, y) = ((i % SIDE) as f32 + shift, (i / SIDE % SIDE) as f32);
            0.5 + 0.2 * (x / 3.0).sin() * (y / 4.0).cos() + 0.1 * (x / 7.0 + y / 5.0).sin()
        };
        (0..3 * PIXELS).map(value).collect()
    }

    fn view() -> View {
        let look = Look {
            crop: (SIDE, SIDE),
            factor: 1,
            rgb: &picture(0.0),
            known: &[1.0; PIXELS],
            points: TEMPLATE,
        };
        View::new(&look, Origin::Memory, Duration::ZERO)
    }

    fn known() -> Vec<f32> {
        let is_known =
            |i: usize| !((16..48).contains(&(i % SIDE)) && (20..34).contains(&(i / SIDE)));
        (0..PIXELS)
            .map(|i| f32::from(u8::from(is_known(i))))
            .collect()
    }

    /// The view on a face that lies `shift` pixels beside it, and who laid it there.
    fn placed(view: &View, shift: f32) -> (Placed, Registrar) {
        let mut registrar = Registrar::default();
        let (size, from) = ((SIDE, SIDE), Displacement::NONE);
        registrar.look(size, &picture(shift), &known());
        let found = registrar.register(view.detail(), &from);
        (Placed::new(view, found.displacement), registrar)
    }

    /// From 2 pixels to the right, everywhere.
    fn flow() -> Vec<f32> {
        [[2.0; CELLS], [0.0; CELLS]].concat()
    }

    /// All of a crop copied by `flow`.
    fn copied<'a>(completed: &'a mut [f32], flow: &'a mut [f32]) -> CopiedMut<'a> {
        CopiedMut {
            size: (SIDE, SIDE),
            part: Rect::new(0, 0, SIDE, SIDE),
            completed,
            flow,
            weights: &[1.0; CELLS],
        }
    }

    #[test]
    fn a_view_is_shown_where_it_lies() {
        let view = view();
        let (placed, _) = placed(&view, 1.5);
        let (mut rgb, mut mask) = (vec![0.0; 3 * PIXELS], vec![0.0; PIXELS]);
        placed.shown().show(&mut rgb, &mut mask);
        let truth = picture(1.5);
        for i in (0..PIXELS).filter(|i| (16..48).contains(&(i % SIDE)) && i / SIDE == 27) {
            assert!(
                (rgb[i] - truth[i]).abs() < 0.02,
                "{i}: {} {}",
                rgb[i],
                truth[i]
            );
            assert_eq!(mask[i], 1.0);
        }
    }

    #[test]
    fn a_flow_that_explains_nothing_is_taken_back() {
        let view = view();
        let (placed, registrar) = placed(&view, 1.5);
        let (mut shown, mut mask) = (vec![0.0; 3 * PIXELS], vec![0.0; PIXELS]);
        placed.shown().show(&mut shown, &mut mask);
        // As a generator would copy that fetches everything from 2 pixels to the right, and
        // makes it a little brighter.
        let there = |i: usize| i / SIDE * SIDE + (i % SIDE + 2).min(SIDE - 1);
        let mut completed: Vec<f32> = (0..3 * PIXELS).map(|i| shown[there(i)] + 0.05).collect();
        let mut flow = flow();
        let mut copied = copied(&mut completed, &mut flow);
        let share = placed.followed(&view, &registrar, &copied, None);
        assert_eq!(share, 0.0);
        assert!((placed.followed(&view, &registrar, &copied, Some(1.0)) - KEPT).abs() < 1e-6);
        placed.follow(&mut copied, share);
        for i in (0..PIXELS).filter(|i| (8..56).contains(&(i % SIDE))) {
            assert!((completed[i] - shown[i] - 0.05).abs() < 0.01, "{i}");
        }
        assert!(flow.iter().all(|flow| *flow == 0.0));
    }

    #[test]
    fn a_flow_that_explains_what_is_seen_is_followed() {
        let view = view();
        // Registered where the face was, which now lies 2 pixels further.
        let (_, registrar) = placed(&view, 2.0);
        let placed = Placed::new(&view, Displacement::NONE);
        let mut completed = picture(2.0);
        let before = completed.clone();
        let mut flow = flow();
        let mut copied = copied(&mut completed, &mut flow);
        let share = placed.followed(&view, &registrar, &copied, None);
        assert_eq!(share, 1.0);
        placed.follow(&mut copied, share);
        assert_eq!(flow[0], 2.0);
        assert!(
            completed
                .iter()
                .zip(&before)
                .all(|(a, b)| (a - b).abs() < 1e-6)
        );
    }
}
