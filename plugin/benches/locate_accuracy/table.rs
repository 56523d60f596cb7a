//! Counting and printing.

use std::fmt;

use mde_core::alignment::FacePoints;

use super::cover::Cover;

/// Found faces under one kind of cover.
#[derive(Default)]
struct Count {
    tried: usize,
    /// Of those found: the mean error of the points, in % of the distance of the eyes.
    errors: Vec<f64>,
}

impl Count {
    fn add(&mut self, wanted: &FacePoints, found: Option<FacePoints>) {
        self.tried += 1;
        self.errors.extend(found.map(|found| {
            let off = (found.iter().zip(wanted)).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
            let [left, right, ..] = wanted;
            let eyes = (right[0] - left[0]).hypot(right[1] - left[1]);
            100.0 * off.sum::<f64>() / 5.0 / eyes
        }));
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.errors.clone();
        errors.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (share * errors.len() as f64) as usize;
            errors.get(place).copied().unwrap_or(f64::NAN)
        };
        let found = 100.0 * errors.len() as f64 / self.tried.max(1) as f64;
        write!(f, "{found:5.1} | {:5.1} | {:5.1}", at(0.5), at(0.9))
    }
}

/// Found faces under all covers, before and after.
pub struct Table {
    title: String,
    rows: Vec<(&'static str, [Count; 2])>,
}

impl Table {
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            rows: Vec::new(),
        }
    }

    /// What the detector alone found.
    pub fn before(&mut self, cover: &Cover, wanted: &FacePoints, found: Option<FacePoints>) {
        self.row(cover)[0].add(wanted, found);
    }

    /// What the locator found.
    pub fn after(&mut self, cover: &Cover, wanted: &FacePoints, found: Option<FacePoints>) {
        self.row(cover)[1].add(wanted, found);
    }

    fn row(&mut self, cover: &Cover) -> &mut [Count; 2] {
        let name = cover.name();
        let place = self.rows.iter().position(|(n, _)| *n == name);
        let place = place.unwrap_or_else(|| {
            self.rows.push((name, Default::default()));
            self.rows.len() - 1
        });
        &mut self.rows[place].1
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: found in %, median and 90th percentile of the error in %",
            self.title
        )?;
        writeln!(
            f,
            "| covered        | detector alone: found | median | p90 | locator: found | median | p90 |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- |")?;
        for (name, [before, after]) in &self.rows {
            writeln!(f, "| {name:14} | {before} | {after} |")?;
        }
        Ok(())
    }
}
