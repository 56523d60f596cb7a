//! What is passed from the generator to those that better its work.

/// A crop with its completion.
#[derive(Debug)]
pub struct CompletedCrop<'a> {
    /// Width and height of the crop in pixels.
    pub size: (usize, usize),
    /// The crop as it was read, `[3, H, W]` in `[0, 1]`; missing values are not looked at.
    pub image: &'a [f32],
    /// 1 where a value is known, 0 where it is missing, `[3, H, W]`.
    pub mask: &'a [f32],
    /// As the mask, the hole that is covered up to all of its border, if one is: the cover runs into
    /// the values beside it, which are not compared.
    pub covered: Option<&'a [f32]>,
    /// How much of each pixel is painted and not copied from what was really seen, in `[0, 1]`,
    /// `[H/2, W/2]`; where this is not told, all of it.
    pub painted: Option<&'a [f32]>,
    /// What the generator made of it, known values too, `[3, H, W]`.
    pub completed: &'a mut [f32],
}
