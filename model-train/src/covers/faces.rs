//! Faces to lay covers on: aligned CelebA pictures with their attributes, clips, and faces whose
//! pixels are named.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use mde_core::alignment::Affine;
use mde_core::covers::{Kind, SIDE};
use rand::RngExt;
use rand_pcg::Pcg64;

use super::cutouts::Cutout;
use super::labels;
use super::parsed::{self, Parsed};
use crate::data::{CropRule, Dataset, DatasetOptions, Labels, Split};
use crate::views::faces::{CROP, Clips};

pub use crate::views::faces::PICTURE;

/// How often a face is of a clip, how often its pixels are named, and how often what is before it
/// is outlined.
const FROM_CLIPS: f64 = 0.25;
const FROM_PARSED: f64 = 0.15;
const FROM_OUTLINED: f64 = 0.15;

/// Where on a picture the crop lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Framing {
    /// Its upper left corner, in pixels.
    corner: [f64; 2],
}

impl Framing {
    /// In the middle, as on what `face-crops` writes.
    pub const MIDDLE: Self = Self { corner: [5.0; 2] };

    /// On the 144x144 part of aligned CelebA pictures.
    pub fn celeba() -> Self {
        let (left, top, _) = CropRule::CelebA.square_of(PICTURE as u32, PICTURE as u32);
        Self {
            corner: [left, top].map(f64::from),
        }
    }

    /// From the crop's pixels to the picture's.
    pub fn to_picture(self) -> Affine {
        let side = CROP as usize;
        let enlarged = Affine::stretch((SIDE, SIDE), (side, side));
        let [x, y] = enlarged.translation;
        Affine {
            translation: [x + self.corner[0], y + self.corner[1]],
            ..enlarged
        }
    }
}

/// What a face may have before it that no label shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wears {
    /// Glasses of any kind.
    pub glasses: bool,
    /// A hat.
    pub hat: bool,
    /// A fringe.
    pub fringe: bool,
    /// Something that no attribute tells, as a hand or a microphone.
    pub other: bool,
}

/// A face and another look at it.
pub struct Look<'a> {
    /// Bytes, `[144, 144, 3]`.
    pub picture: &'a [u8],
    /// Another frame of the clip, or the picture again.
    pub view: &'a [u8],
    /// How the crop lies on both.
    pub framing: Framing,
    /// What is before the face, as [`Parsed::before`], where that is known.
    pub before: Option<&'a [u8]>,
    /// What it may wear else; nothing where [`Self::before`] tells of all kinds.
    pub wears: Option<Wears>,
}

/// A real cover, cut from the picture of a face.
pub struct Seen {
    /// What it is.
    pub kind: Kind,
    /// It on the 144x144 part of the aligned picture.
    pub cutout: Cutout,
}

/// The faces of a split.
pub struct CoverFaces {
    stills: Dataset,
    wears: Vec<Wears>,
    clips: Option<Clips>,
    /// What is before the stills whose covers are outlined, and their numbers.
    before: HashMap<usize, Vec<u8>>,
    outlined: Vec<usize>,
    /// What is cut out of these.
    pub seen: Vec<Seen>,
    /// Faces whose pixels are named.
    pub parsed: Vec<Parsed>,
}

/// Where faces lie.
#[derive(clap::Args, Debug)]
pub struct FaceData {
    /// A folder with sub-folders train and val of aligned CelebA pictures, as published or their
    /// 144x144 part, or tar shards of such, and the list of attributes.
    #[arg(long)]
    pub data: PathBuf,
    /// A folder with sub-folders train and val of what `face-crops` cuts out of videos.
    #[arg(long)]
    pub clips: Option<PathBuf>,
    /// A folder with sub-folders train and val, each with images and masks of CelebAMask-HQ.
    #[arg(long)]
    pub parsed: Option<PathBuf>,
    /// A list of those pictures of CelebA where a hand, a microphone or anything else that no
    /// attribute tells is before the face, a name a line: that such things are nothing is not
    /// learned from them, nor scored on them.
    #[arg(long)]
    pub covered: Option<PathBuf>,
    /// Outlines of what is before the faces on some of the pictures: model-train/labels tells of the
    /// format. They are learned from, and what they outline is laid on other faces as well.
    #[arg(long)]
    pub outlines: Option<PathBuf>,
    /// Folder of the picture cache.
    #[arg(long)]
    pub cache: Option<PathBuf>,
}

impl FaceData {
    /// The faces of `split`.
    ///
    /// # Errors
    /// Where pictures or the list of attributes cannot be had.
    pub fn open(&self, split: Split) -> Result<CoverFaces> {
        let open = |root: &Path, crop| {
            Dataset::open(&DatasetOptions {
                root: root.to_owned(),
                split,
                size: PICTURE,
                crop,
                cache: self.cache.clone(),
            })
        };
        let stills = open(&self.data, CropRule::CelebAWide)?;
        let attributes = Labels::attributes(&self.data)?;
        let column = |name: &str| {
            let found = attributes.columns.iter().position(|c| c == name);
            found.with_context(|| format!("the list of attributes has no column '{name}'"))
        };
        let (glasses, hat, fringe) = (
            column("Eyeglasses")?,
            column("Wearing_Hat")?,
            column("Bangs")?,
        );
        let covered = match &self.covered {
            Some(list) => names(list)?,
            None => HashSet::new(),
        };
        let rows = attributes.of(&stills)?.into_iter().enumerate();
        let wears = rows.map(|(i, row)| Wears {
            glasses: row[glasses] > 0.0,
            hat: row[hat] > 0.0,
            fringe: row[fringe] > 0.0,
            other: covered.contains(stills.name(i)),
        });
        let wears = wears.collect();
        let clips = match &self.clips {
            Some(root) => Some(Clips::new(open(root, CropRule::Square)?)?),
            None => None,
        };
        let parsed = match &self.parsed {
            Some(root) => parsed::read(root, split)?,
            None => Vec::new(),
        };
        let mut faces = CoverFaces {
            stills,
            wears,
            clips,
            before: HashMap::new(),
            outlined: Vec::new(),
            seen: Vec::new(),
            parsed,
        };
        if let Some(file) = &self.outlines {
            faces.take_outlines(file)?;
        }
        Ok(faces)
    }
}

/// The names in `list`, one a line; what follows a `#` is a remark.
fn names(list: &Path) -> Result<HashSet<String>> {
    let text = fs::read_to_string(list).with_context(|| {
        format!(
            "'{}' cannot be read: expected names of pictures",
            list.display()
        )
    })?;
    let names = text.lines().filter_map(|line| line.split('#').next());
    let names = names.map(str::trim).filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

impl CoverFaces {
    /// Stills, pictures of clips, faces whose pixels are named, and stills whose covers are outlined.
    pub fn len(&self) -> [usize; 4] {
        let of_clips = self.clips.as_ref().map_or(0, |c| c.len());
        [
            self.stills.len(),
            of_clips,
            self.parsed.len(),
            self.outlined.len(),
        ]
    }

    /// Takes in the outlines of `file`.
    ///
    /// # Errors
    /// Where it cannot be read, or outlines what is on a picture that is not there.
    pub(super) fn take_outlines(&mut self, file: &Path) -> Result<()> {
        for labelled in labels::read(file)? {
            let name = &labelled.name;
            let still = (self.number_of(name))
                .with_context(|| format!("the data has no picture '{name}' that is outlined"))?;
            let before = labelled.before();
            for kind in Kind::ALL.into_iter().filter(|&kind| labelled.shows(kind)) {
                let alpha: Vec<f32> = (before.iter())
                    .map(|&v| f32::from(u8::from(v == kind as u8)))
                    .collect();
                let cutout = Cutout::of_part(self.stills.picture(still), PICTURE, &alpha);
                self.seen.push(Seen { kind, cutout });
            }
            // All that is before it is known now.
            self.wears[still].other = false;
            self.before.insert(still, before);
            self.outlined.push(still);
        }
        Ok(())
    }

    /// The number of the still of this name.
    fn number_of(&self, name: &str) -> Option<usize> {
        (0..self.stills.len()).find(|&i| self.stills.name(i) == name)
    }

    /// Draws a face.
    pub fn draw(&self, rng: &mut Pcg64) -> Look<'_> {
        let from = rng.random::<f64>();
        if let Some(clips) = self.clips.as_ref().filter(|_| from < FROM_CLIPS) {
            let pair = clips.draw(rng);
            return Look {
                picture: pair.picture,
                view: pair.view,
                framing: Framing::MIDDLE,
                before: None,
                // Of clips no list tells who has a fringe.
                wears: Some(Wears {
                    fringe: true,
                    ..Wears::default()
                }),
            };
        }
        if from > 1.0 - FROM_PARSED && !self.parsed.is_empty() {
            let face = &self.parsed[rng.random_range(0..self.parsed.len())];
            return Look {
                picture: &face.picture,
                view: &face.picture,
                framing: parsed::CROP,
                before: Some(&face.before),
                wears: None,
            };
        }
        if from > 1.0 - FROM_PARSED - FROM_OUTLINED && !self.outlined.is_empty() {
            return self.still(self.outlined[rng.random_range(0..self.outlined.len())]);
        }
        self.still(rng.random_range(0..self.stills.len()))
    }

    /// Still `i`.
    pub fn still(&self, i: usize) -> Look<'_> {
        Look {
            picture: self.stills.picture(i),
            view: self.stills.picture(i),
            framing: Framing::celeba(),
            before: self.before.get(&i).map(Vec::as_slice),
            wears: Some(self.wears[i]),
        }
    }

    /// The still of this name.
    pub fn named(&self, name: &str) -> Option<Look<'_>> {
        self.number_of(name).map(|i| self.still(i))
    }

    /// The stills that wear neither glasses nor a hat nor a fringe nor anything else.
    pub fn bare(&self) -> Vec<usize> {
        (0..self.stills.len())
            .filter(|&i| self.wears[i] == Wears::default())
            .collect()
    }
}

/// Pictures of clips with nothing before the faces, below `root`.
///
/// # Errors
/// Where there are none.
pub fn clean(root: &Path, cache: Option<&Path>) -> Result<Dataset> {
    let pictures = Dataset::open(&DatasetOptions {
        root: root.to_owned(),
        split: Split::Val,
        size: PICTURE,
        crop: CropRule::Square,
        cache: cache.map(Path::to_owned),
    })?;
    ensure!(pictures.len() > 0, "'{}' holds no picture", root.display());
    Ok(pictures)
}
