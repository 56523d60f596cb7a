//! Which covers are looked for.

use std::fmt;

use mde_core::covers::Kind;

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds([bool; Kind::ALL.len()]);

impl Kinds {
    /// Whether `kind` is among them.
    pub fn contains(self, kind: Kind) -> bool {
        self.0[kind.channel()]
    }

    /// Those that are among them, in the order of [`Kind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL
            .into_iter()
            .filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        let mut all = Self::default();
        kinds
            .into_iter()
            .for_each(|kind| all.0[kind.channel()] = true);
        all
    }
}

/// The names, joined by `+` as flags are.
impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, kind) in self.iter().enumerate() {
            let before = if index > 0 { "+" } else { "" };
            write!(f, "{before}{kind}")?;
        }
        Ok(())
    }
}

/// What is taken for a cover.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// Of which kind it is.
    pub kinds: Kinds,
    /// From which probability on, in `[0, 1]`.
    pub threshold: f32,
}
