//! Prototypes: what faces look like in the mean, for a face of which nothing else is known.
//!
//! A file of prototypes is a picture (PNG, 8 bits, RGB, sRGB) of squares of [`SIDE`] pixels one
//! below the other, each of a face on the [template](crate::alignment::TEMPLATE).

/// Side of a prototype in pixels.
pub const SIDE: usize = 256;

/// Frequencies of a picture that are taken for detail, and not for the light: what is finer than a
/// blur of this standard deviation, in pixels of [`SIDE`].
pub const COARSEST: f64 = 6.0;

/// How many prototypes a picture of `size` = (width, height) holds.
///
/// # Errors
/// [`NoPrototypes`] where it is no column of squares.
pub fn count_in((width, height): (usize, usize)) -> Result<usize, NoPrototypes> {
    match width == SIDE && height > 0 && height.is_multiple_of(SIDE) {
        true => Ok(height / SIDE),
        false => Err(NoPrototypes { width, height }),
    }
}

/// A picture holds no prototypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a picture of {width}x{height} pixels holds no prototypes: expected squares of {SIDE}x{SIDE} pixels, \
     one below the other, as `mde-train prototypes` writes them"
)]
pub struct NoPrototypes {
    width: usize,
    height: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_are_counted() {
        assert_eq!(count_in((256, 512)), Ok(2));
        for size in [(256, 0), (256, 300), (128, 256), (512, 256)] {
            let error = count_in(size)
                .expect_err("no column of squares")
                .to_string();
            assert!(error.contains(&format!("{}x{}", size.0, size.1)), "{error}");
        }
    }
}
