//! Names of numbered pictures, written as C's `printf` has them: `shots/%05d.png`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What numbered pictures end in that can be read.
const ENDINGS: [&str; 5] = ["png", "tif", "tiff", "dpx", "exr"];

/// The names of the pictures of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// Where they lie.
    folder: PathBuf,
    before: String,
    /// Digits of a number, filled up with zeros; 1 where nothing is filled up.
    digits: usize,
    after: String,
}

impl Pattern {
    /// That which `path` is, unless it is the name of a file: `%d` or `%05d` stands for the number.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (before, rest) = name.split_once('%')?;
        let (digits, after) = rest.split_once('d')?;
        let digits = match digits {
            "" => 1,
            _ => digits.strip_prefix('0')?.parse().ok()?,
        };
        let is_sound = (1..=18).contains(&digits) && !after.contains('%');
        (is_sound && !path.exists()).then(|| Self {
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            before: before.to_owned(),
            digits,
            after: after.to_owned(),
        })
    }

    /// Those that at least `least` of the pictures `names` in `folder` have in common, in order.
    pub fn among<'a>(
        folder: &Path,
        names: impl Iterator<Item = &'a str>,
        least: usize,
    ) -> Vec<Self> {
        let mut found: BTreeMap<Self, Vec<u64>> = BTreeMap::new();
        for name in names {
            let Some((pattern, number)) = Self::fitting(folder, name) else {
                continue;
            };
            found.entry(pattern).or_default().push(number);
        }
        // Numbers that have outgrown the zeros before them go on with a sequence.
        let is_filled = |other: &Self, pattern: &Self| {
            let is_beside = (&other.before, &other.after) == (&pattern.before, &pattern.after);
            is_beside && other.digits > 1
        };
        let is_end = |pattern: &Self| {
            pattern.digits == 1 && found.keys().any(|other| is_filled(other, pattern))
        };
        let several = found
            .iter()
            .filter(|(pattern, numbers)| numbers.len() >= least && !is_end(pattern));
        several.map(|(pattern, _)| pattern.clone()).collect()
    }

    /// That of the picture `name`, and its number.
    fn fitting(folder: &Path, name: &str) -> Option<(Self, u64)> {
        let (stem, ending) = name.rsplit_once('.')?;
        let is_picture = ENDINGS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(ending));
        let before = stem.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let digits = &stem[before.len()..];
        let number = digits.parse().ok().filter(|_| is_picture)?;
        let pattern = Self {
            folder: folder.to_owned(),
            before: before.to_owned(),
            // Only a first zero tells that numbers are filled up.
            digits: if digits.starts_with('0') {
                digits.len()
            } else {
                1
            },
            after: format!(".{ending}"),
        };
        Some((pattern, number))
    }

    /// The names `folder/00001.png` and so on.
    pub fn within(folder: PathBuf) -> Self {
        Self {
            folder,
            before: String::new(),
            digits: 5,
            after: ".png".to_owned(),
        }
    }

    /// The same names, of PNG files in `folder`.
    pub fn moved(&self, folder: PathBuf) -> Self {
        let (stem, _) = self.after.rsplit_once('.').unwrap_or_default();
        Self {
            folder,
            after: format!("{stem}.png"),
            ..self.clone()
        }
    }

    /// As it is written.
    pub fn path(&self) -> PathBuf {
        let number = match self.digits {
            1 => "%d".to_owned(),
            digits => format!("%0{digits}d"),
        };
        self.folder
            .join(format!("{}{number}{}", self.before, self.after))
    }

    /// Where the pictures lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the sequence is called beside its folder: what stands before the numbers.
    pub fn title(&self) -> &str {
        self.before.trim_end_matches(['.', '_', '-', ' '])
    }

    /// The name of the picture `number`.
    pub fn name(&self, number: u64) -> String {
        format!(
            "{}{number:0width$}{}",
            self.before,
            self.after,
            width = self.digits
        )
    }

    /// The file of the picture `number`.
    pub fn file(&self, number: u64) -> PathBuf {
        self.folder.join(self.name(number))
    }

    /// The number in the name `name`.
    fn number(&self, name: &str) -> Option<u64> {
        let digits = name.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| is_number)?;
        (self.name(number) == name).then_some(number)
    }

    /// The numbers of the pictures that are there, in order.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn numbers(&self) -> std::io::Result<Vec<u64>> {
        let folder = match self.folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => &self.folder,
        };
        let mut numbers = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            numbers.extend(name.to_str().and_then(|name| self.number(name)));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

/// What is written and moved as a whole where `output` is written: that file, or the folder of the
/// pictures whose pattern it is.
pub fn whole(output: &Path) -> &Path {
    match (Pattern::of(output), output.parent()) {
        (Some(_), Some(folder)) => folder,
        _ => output,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_numbers_and_read_them() {
        for (pattern, number, name) in [
            ("shots/%05d.png", 7, "00007.png"),
            ("shots/%05d.png", 1_234_567, "1234567.png"),
            ("a_%d.tif", 12, "a_12.tif"),
            ("b.%04d.v2.dpx", 12, "b.0012.v2.dpx"),
        ] {
            let parsed = Pattern::of(Path::new(pattern)).expect(pattern);
            assert_eq!(parsed.path(), Path::new(pattern));
            assert_eq!(parsed.name(number), name);
            assert_eq!(parsed.number(name), Some(number));
        }
        let parsed = Pattern::of(Path::new("%03d.png")).expect("one");
        for name in [
            "07.png", "0007.png", "+07.png", "a007.png", "007.tif", ".png",
        ] {
            assert_eq!(parsed.number(name), None, "{name}");
        }
        for name in [
            "a.png",
            "%s.png",
            "%5d.png",
            "%d_%d.png",
            "100%.png",
            "%0d.png",
        ] {
            assert_eq!(Pattern::of(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn sequences_are_found_among_names() {
        let names = [
            "00001.png",
            "00002.png",
            "99998.png",
            "99999.png",
            "a_9.tif",
            "a_10.tif",
            "b01.dpx",
            "notes.txt",
            "single.png",
            "c1.png",
            "d1.jpg",
            "d2.jpg",
        ];
        let found = Pattern::among(Path::new("f"), names.into_iter(), 2);
        let found: Vec<_> = found.iter().map(Pattern::path).collect();
        assert_eq!(found, [Path::new("f/%05d.png"), Path::new("f/a_%d.tif")]);
    }
}
