//! What there was before what is there now.

use super::sheet::Sheet;

/// By how much a value changes that shows another thing than before.
const ANOTHER: u8 = 9;

/// Remembers of each value what it was before it last became another one: what may come back where a
/// thing goes, such as a title.
#[derive(Debug, Default)]
pub struct Past {
    sheet: Sheet,
}

impl Past {
    /// Knows nothing but `now`.
    pub fn begin(&mut self, now: &Sheet) {
        self.sheet.clone_from(now);
    }

    /// Takes note of what has become another one from `before` to `now`, which are as large as the
    /// sheet it began with.
    pub fn go_on(&mut self, before: &Sheet, now: &Sheet) {
        let values = self.sheet.values.iter_mut();
        for (past, (before, now)) in values.zip(before.values.iter().zip(&now.values)) {
            if before.abs_diff(*now) > ANOTHER {
                *past = *before;
            }
        }
    }

    /// What there was.
    pub fn sheet(&self) -> &Sheet {
        &self.sheet
    }
}
