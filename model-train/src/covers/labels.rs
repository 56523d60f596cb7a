//! Outlines that people drew around what is before real faces.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use mde_core::alignment::{Affine, Point};
use mde_core::covers::Kind;
use serde::Deserialize;

use super::faces::PICTURE;
use super::layer::AREA;
use super::parsed::{CLEAR, UNSURE as UNKNOWN};
use super::pixels;
use super::sample::KINDS;

/// A picture and what is before the face on it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    /// The picture's name.
    pub name: String,
    /// What it shows, in words.
    pub what: String,
    /// What is before the face; nothing on a clean one.
    pub covers: Vec<Outline>,
}

/// A polygon around a cover.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    kind: String,
    /// In pixels of the picture `[144, 144]`; 0 is the edge of the first one.
    outline: Vec<Point>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    pictures: Vec<Labelled>,
}

/// The name of what counts neither way.
const UNSURE: &str = "unsure";

/// The labelled pictures of a file.
///
/// # Errors
/// Where it cannot be read or is no such file, and where an outline is none or of no known kind; names
/// the picture.
pub fn read(file: &Path) -> Result<Vec<Labelled>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read '{}'", file.display()))?;
    let labels: Labels = serde_json::from_str(&text)
        .with_context(|| format!("'{}' is no file of labels", file.display()))?;
    for picture in &labels.pictures {
        picture
            .check()
            .with_context(|| format!("'{}', {}", file.display(), picture.name))?;
    }
    Ok(labels.pictures)
}

impl Outline {
    /// What it is; none where nobody knows.
    fn kind(&self) -> Option<Kind> {
        self.kind.parse().ok()
    }

    /// Whether a place is inside, by how often a line from it to the right crosses the outline.
    fn contains(&self, [x, y]: Point) -> bool {
        let next = self.outline.iter().cycle().skip(1);
        let crossings = self.outline.iter().zip(next).filter(|&(a, b)| {
            (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
        });
        crossings.count() % 2 == 1
    }
}

impl Labelled {
    fn check(&self) -> Result<()> {
        for Outline { kind, outline } in &self.covers {
            if kind != UNSURE {
                kind.parse::<Kind>()
                    .with_context(|| format!("expected that or '{UNSURE}'"))?;
            }
            ensure!(
                outline.len() >= 3,
                "an outline has {} corners: expected 3 or more",
                outline.len()
            );
            let within = 0.0..=PICTURE as f64;
            for [x, y] in outline {
                ensure!(
                    within.contains(x) && within.contains(y),
                    "the corner ({x}, {y}) is beside the picture of {PICTURE}x{PICTURE} pixels"
                );
            }
        }
        Ok(())
    }

    /// Whether something of `kind` is before the face.
    pub fn shows(&self, kind: Kind) -> bool {
        self.covers.iter().any(|c| c.kind() == Some(kind))
    }

    /// Whether there is nothing to be found.
    pub fn is_clean(&self) -> bool {
        self.covers.iter().all(|cover| cover.kind().is_none())
    }

    /// What is before each pixel of the picture, `[144, 144]`: the channel of a [`Kind`], or
    /// [`CLEAR`], or [`UNSURE`](UNKNOWN) as in faces whose pixels are named; of outlines that lie
    /// over each other the last one counts.
    pub fn before(&self) -> Vec<u8> {
        let middles =
            (0..PICTURE * PICTURE).map(|i| [i % PICTURE, i / PICTURE].map(|v| v as f64 + 0.5));
        let before = middles.map(|at| {
            let over = self.covers.iter().rev().find(|cover| cover.contains(at));
            match over.map(Outline::kind) {
                None => CLEAR,
                Some(None) => UNKNOWN,
                Some(Some(kind)) => kind as u8,
            }
        });
        before.collect()
    }

    /// What is covered by each kind, and what of that is known, `[5, S, S]`, on the crop that
    /// `to_picture` maps to the picture. Clear glasses and hair are known where they are labelled.
    pub fn on_crop(&self, to_picture: &Affine) -> [Vec<f32>; 2] {
        let mut covers = vec![0.0; KINDS * AREA];
        let mut known = vec![0.0; KINDS * AREA];
        for (i, at) in pixels().enumerate() {
            // Affine maps have whole numbers at the pixels' middles.
            let at = to_picture.apply(at).map(|v| v + 0.5);
            let over: Vec<Option<Kind>> = (self.covers.iter())
                .filter(|cover| cover.contains(at))
                .map(Outline::kind)
                .collect();
            for kind in Kind::ALL {
                let at = kind.channel() * AREA + i;
                let told = !matches!(kind, Kind::Glasses | Kind::Hair) || self.shows(kind);
                let is_there = over.contains(&Some(kind));
                covers[at] = f32::from(u8::from(is_there));
                known[at] = f32::from(u8::from(is_there || told && !over.contains(&None)));
            }
        }
        [covers, known]
    }
}

#[cfg(test)]
mod tests {
    use mde_core::covers::SIDE;

    use super::*;

    fn written(text: &str) -> Result<Vec<Labelled>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    const TRIANGLE: &str = r#"{"pictures": [{"name": "a.jpg", "what": "a hand", "covers": [
        {"kind": "objects", "outline": [[20, 20], [60, 20], [20, 60]]},
        {"kind": "unsure", "outline": [[20, 20], [100, 20], [100, 30], [20, 30]]}
    ]}]}"#;

    #[test]
    fn an_outline_covers_what_is_inside() {
        let pictures = written(TRIANGLE).unwrap();
        let [covers, known] = pictures[0].on_crop(&Affine::IDENTITY);
        let at = |kind: Kind, x: usize, y: usize| kind.channel() * AREA + y * SIDE + x;
        let area: f32 = covers.iter().sum();
        assert!((area - 800.0).abs() < 25.0, "{area}");
        assert_eq!(covers[at(Kind::Objects, 25, 40)], 1.0);
        assert_eq!(covers[at(Kind::Objects, 55, 40)], 0.0);
        // What is surely there counts though it is unsure what else is.
        assert_eq!(known[at(Kind::Objects, 25, 25)], 1.0);
        assert_eq!(known[at(Kind::Objects, 80, 25)], 0.0);
        assert_eq!(known[at(Kind::Masks, 25, 25)], 0.0);
        assert_eq!(known[at(Kind::Masks, 25, 40)], 1.0);
        assert_eq!(known[at(Kind::Hair, 25, 40)], 0.0);
    }

    #[test]
    fn what_is_no_label_is_named() {
        let told = |from: &str, to: &str| {
            let error = written(&TRIANGLE.replace(from, to)).unwrap_err();
            format!("{error:#}")
        };
        let error = told("objects", "hands");
        assert!(
            error.contains("a.jpg") && error.contains("'hands'"),
            "{error}"
        );
        let error = told("[20, 60]", "[20, 600]");
        assert!(error.contains("(20, 600) is beside"), "{error}");
        let error = told(", [20, 60]]", "]");
        assert!(error.contains("2 corners"), "{error}");
        let error = told("\"what\"", "\"why\"");
        assert!(error.contains("no file of labels"), "{error}");
    }

    #[test]
    fn the_labels_of_the_project_are_read() {
        let labels = Path::new(env!("CARGO_MANIFEST_DIR")).join("labels");
        for (file, covered) in [("covers.json", 30), ("covers-train.json", 800)] {
            let pictures = read(&labels.join(file)).unwrap();
            let clean = pictures.iter().filter(|p| p.is_clean()).count();
            assert!(pictures.len() - clean >= covered && clean >= 10, "{file}");
        }
    }
}
