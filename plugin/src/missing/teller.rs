//! What tells that a pixel is missing.

/// A source of what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teller {
    /// A named part of the face.
    Occlusion,
    /// A channel that is missing as a whole.
    Channels,
    /// The mask picture.
    MaskFile,
    /// A pixel's own alpha.
    Alpha,
    /// A pixel's own colour.
    Colour,
    /// A cover that was found.
    Cover,
    /// A drop-out that was found.
    DropOut,
}

/// For each pixel of a frame what tells that it is missing, if that is asked for.
#[derive(Clone, Debug, Default)]
pub struct Tellers {
    width: usize,
    pixels: Vec<Option<Teller>>,
}

impl Tellers {
    /// Begins anew for frames of `size` = (width, height), or for none.
    pub fn clear(&mut self, size: Option<(usize, usize)>) {
        let (width, height) = size.unwrap_or_default();
        self.width = width;
        self.pixels.clear();
        self.pixels.resize(width * height, None);
    }

    /// Takes note of `teller` where nothing has told anything yet.
    pub fn note(&mut self, x: usize, y: usize, teller: Teller) {
        if let Some(pixel) = self.pixels.get_mut(y * self.width + x) {
            pixel.get_or_insert(teller);
        }
    }

    /// What told first that the pixel `(x, y)` is missing, if anything did.
    pub fn at(&self, x: usize, y: usize) -> Option<Teller> {
        self.pixels.get(y * self.width + x).copied().flatten()
    }
}
