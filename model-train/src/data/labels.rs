//! What is known of pictures beside their pixels: CelebA's lists, as published or as they lie
//! beside its tar crops.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::crop::in_published_crop;
use super::source::failed;
use super::{DataError, Dataset};

/// Points of a face: the eyes, the nose, the mouth's corners.
pub const POINTS: usize = 5;

/// Rows of numbers by picture.
#[derive(Debug)]
pub struct Labels {
    path: PathBuf,
    /// What the columns hold, empty where the list does not say.
    pub columns: Vec<String>,
    rows: Vec<(String, Vec<f32>)>,
    index: HashMap<String, usize>,
}

impl Labels {
    /// The 40 attributes, each 0 or 1.
    ///
    /// # Errors
    /// Where the list is not in `root` or cannot be read.
    pub fn attributes(root: &Path) -> Result<Self, DataError> {
        let mut labels = Self::find(root, "attributes", &["list_attr_celeba.txt"])?;
        labels.map(|v| v.iter().map(|&v| f32::from(u8::from(v > 0.0))).collect());
        Ok(labels)
    }

    /// The number of the person, one column.
    ///
    /// # Errors
    /// Where the list is not in `root` or cannot be read.
    pub fn identities(root: &Path) -> Result<Self, DataError> {
        let lists = ["identity_CelebA.txt", "identity_and_partition.txt"];
        let mut labels = Self::find(root, "identities", &lists)?;
        labels.map(|v| v[..1].to_vec());
        Ok(labels)
    }

    /// x and y of the [`POINTS`], as shares of the side of the face crop.
    ///
    /// # Errors
    /// Where the list is not in `root`, cannot be read, or has too few columns.
    pub fn landmarks(root: &Path) -> Result<Self, DataError> {
        let lists = ["list_landmarks_align_celeba.txt", "landmarks_estimated.txt"];
        let mut labels = Self::find(root, "landmarks", &lists)?;
        if labels
            .rows
            .first()
            .is_some_and(|(_, v)| v.len() < 2 * POINTS)
        {
            return Err(DataError::Malformed {
                path: labels.path,
                reason: format!("expected x and y of {POINTS} points a picture"),
            });
        }
        labels.columns.truncate(2 * POINTS);
        labels.map(|v| {
            let points = v[..2 * POINTS].chunks_exact(2);
            points.flat_map(|p| in_published_crop(p[0], p[1])).collect()
        });
        Ok(labels)
    }

    fn find(root: &Path, what: &'static str, lists: &[&str]) -> Result<Self, DataError> {
        let names = lists
            .iter()
            .flat_map(|l| [l.to_string(), format!("{l}.gz")]);
        let paths = names.map(|name| root.join(name));
        let path = paths.into_iter().find(|p| p.is_file());
        let path = path.ok_or_else(|| DataError::NoLabels {
            what,
            root: root.to_owned(),
            expected: lists.join("' or '"),
        })?;
        Self::read(&path)
    }

    /// Reads a list: perhaps a line with the number of pictures, perhaps one with the names of the
    /// columns, then a line a picture of its name and numbers. Packed with gzip it ends in `.gz`.
    ///
    /// # Errors
    /// Where it cannot be read, and where a line has not as many numbers as the first; names it.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let mut bytes = fs::read(path).map_err(failed(path))?;
        if path.extension().is_some_and(|e| e == "gz") {
            let mut plain = Vec::new();
            (GzDecoder::new(&bytes[..]).read_to_end(&mut plain)).map_err(failed(path))?;
            bytes = plain;
        }
        let text = String::from_utf8_lossy(&bytes);
        let malformed = |line: usize, expected: &str| DataError::Malformed {
            path: path.to_owned(),
            reason: format!("line {line}: expected {expected}"),
        };
        let mut labels = Self {
            path: path.to_owned(),
            columns: Vec::new(),
            rows: Vec::new(),
            index: HashMap::new(),
        };
        let mut announced = None;
        for (n, line) in text
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.trim().is_empty())
        {
            let mut fields = line.split_whitespace();
            let name = fields.next().unwrap_or_default();
            let values: Option<Vec<f32>> = fields.map(|f| f.parse().ok()).collect();
            match values {
                Some(v) if !v.is_empty() && labels.fits(&v) => {
                    labels.index.insert(name.to_owned(), labels.rows.len());
                    labels.rows.push((name.to_owned(), v));
                }
                Some(v) if v.is_empty() && n == 0 && name.parse::<usize>().is_ok() => {
                    announced = name.parse::<usize>().ok();
                }
                _ if labels.rows.is_empty() && labels.columns.is_empty() => {
                    labels.columns = line.split_whitespace().map(str::to_owned).collect();
                }
                _ => {
                    let expected = "a picture's name and as many numbers as before";
                    return Err(malformed(n + 1, expected));
                }
            }
        }
        match announced {
            Some(count) if count != labels.rows.len() => Err(DataError::Malformed {
                path: path.to_owned(),
                reason: format!(
                    "its first line tells of {count} pictures, but {} follow: download it again",
                    labels.rows.len()
                ),
            }),
            _ if labels.rows.is_empty() => Err(malformed(1, "a line a picture")),
            _ => Ok(labels),
        }
    }

    fn fits(&self, values: &[f32]) -> bool {
        self.rows
            .first()
            .is_none_or(|(_, v)| v.len() == values.len())
    }

    fn map(&mut self, to: impl Fn(&[f32]) -> Vec<f32>) {
        for (_, values) in &mut self.rows {
            *values = to(values);
        }
    }

    /// Names and values in the order of the list.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &[f32])> {
        self.rows
            .iter()
            .map(|(name, v)| (name.as_str(), v.as_slice()))
    }

    /// The values of every picture of `dataset`, in its order.
    ///
    /// # Errors
    /// Names the first picture that the list does not have.
    pub fn of(&self, dataset: &Dataset) -> Result<Vec<&[f32]>, DataError> {
        let row = |i: usize| {
            let name = Path::new(dataset.name(i)).file_name().unwrap_or_default();
            let found = self.index.get(&*name.to_string_lossy());
            found
                .map(|&at| self.rows[at].1.as_slice())
                .ok_or_else(|| DataError::NotListed {
                    path: self.path.clone(),
                    name: dataset.name(i).to_owned(),
                })
        };
        (0..dataset.len()).map(row).collect()
    }
}
