//! Faces that were seen more than once: those of `face-crops`, folders of pictures in the order of
//! their frames, and aligned CelebA pictures, of which many show the same person.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rand::RngExt;
use rand_pcg::Pcg64;

use crate::data::{CropRule, Dataset, DatasetOptions, Labels, Split};

/// Side of the pictures in pixels; the crop is [`CROP`] of them, in the middle but for those of CelebA.
pub const PICTURE: usize = 144;
/// Side of the part that is the generator's crop.
pub const CROP: f64 = 134.0;
/// Frames between a picture and its view, at the least and at the most.
const APART: [f64; 2] = [2.0, 100.0];

/// How often each kind of view is drawn.
const FROM_CLIPS: f64 = 0.5;
/// Of those from CelebA, how many are another picture of the same person.
const ANOTHER_PICTURE: f64 = 0.45;

/// Where a view comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Another frame of the clip.
    Clip,
    /// The picture itself, to be bent and relit.
    Bent,
    /// Another picture of the person.
    Person,
}

/// Two looks at a face, `[144, 144, 3]` bytes each.
pub struct Pair<'a> {
    /// What is to be completed.
    pub picture: &'a [u8],
    /// What else is known of the face.
    pub view: &'a [u8],
    /// How both go together.
    pub origin: Origin,
}

/// The faces of a split.
pub struct ViewFaces {
    stills: Dataset,
    /// Of each still, those of the same person.
    persons: Vec<Vec<usize>>,
    person_of: Vec<usize>,
    clips: Option<Clips>,
}

/// Faces of clips.
pub struct Clips {
    pictures: Dataset,
    /// Pictures of one face each, in order, with the numbers of their frames.
    tracks: Vec<Vec<(usize, u32)>>,
}

/// Where faces lie.
#[derive(clap::Args, Debug)]
pub struct FaceData {
    /// A folder with sub-folders train and val of aligned CelebA pictures, as published or their
    /// 144x144 part, or tar shards of such, and the list of identities.
    #[arg(long)]
    pub data: PathBuf,
    /// A folder with sub-folders train and val of what `face-crops` cuts out of videos.
    #[arg(long)]
    pub clips: Option<PathBuf>,
    /// Folder of the picture cache.
    #[arg(long)]
    pub cache: Option<PathBuf>,
}

impl FaceData {
    /// The faces of `split`.
    ///
    /// # Errors
    /// Where pictures or the list of identities cannot be had.
    pub fn open(&self, split: Split) -> Result<ViewFaces> {
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
        let identities = Labels::identities(&self.data)?;
        let mut numbers = HashMap::new();
        let mut persons: Vec<Vec<usize>> = Vec::new();
        let mut person_of = Vec::with_capacity(stills.len());
        for (picture, row) in identities.of(&stills)?.into_iter().enumerate() {
            let person = *numbers.entry(row[0] as u64).or_insert_with(|| {
                persons.push(Vec::new());
                persons.len() - 1
            });
            persons[person].push(picture);
            person_of.push(person);
        }
        let clips = match &self.clips {
            Some(root) => Some(Clips::new(open(root, CropRule::Square)?)?),
            None => None,
        };
        Ok(ViewFaces {
            stills,
            persons,
            person_of,
            clips,
        })
    }
}

impl Clips {
    /// The pictures, which lie in a folder a face and are named by their frames.
    ///
    /// # Errors
    /// Where one is not, or is alone.
    pub fn new(pictures: Dataset) -> Result<Self> {
        let mut tracks: Vec<(PathBuf, Vec<(usize, u32)>)> = Vec::new();
        for i in 0..pictures.len() {
            let path = Path::new(pictures.name(i));
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            let frame = path.file_stem().and_then(|s| s.to_str()?.parse().ok());
            let frame = frame.with_context(|| {
                format!(
                    "'{}' is not named by the number of a frame: expected what `face-crops` writes",
                    path.display()
                )
            })?;
            match tracks.last_mut() {
                Some((of, track)) if *of == folder => track.push((i, frame)),
                _ => tracks.push((folder, vec![(i, frame)])),
            }
        }
        let tracks: Vec<_> = tracks.into_iter().map(|(_, track)| track).collect();
        ensure!(
            tracks.iter().all(|track| track.len() > 1),
            "a folder of --clips holds a single picture, which has no view"
        );
        Ok(Self { pictures, tracks })
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// A picture, and one of the same face some frames before or after it.
    pub fn draw(&self, rng: &mut Pcg64) -> Pair<'_> {
        let track = &self.tracks[rng.random_range(0..self.tracks.len())];
        let at = rng.random_range(0..track.len());
        let [least, most] = APART.map(f64::ln);
        let apart = (least + rng.random::<f64>() * (most - least)).exp() as i64;
        let before = rng.random();
        let wanted = i64::from(track[at].1) + if before { -apart } else { apart };
        let far = |&i: &usize| (i64::from(track[i].1) - wanted).abs();
        let others = (0..track.len()).filter(|&i| i != at);
        let view = others.min_by_key(far).expect("a track has two pictures");
        Pair {
            picture: self.pictures.picture(track[at].0),
            view: self.pictures.picture(track[view].0),
            origin: Origin::Clip,
        }
    }
}

impl ViewFaces {
    /// Stills and pictures of clips.
    pub fn len(&self) -> (usize, usize) {
        let of_clips = self.clips.as_ref().map_or(0, Clips::len);
        (self.stills.len(), of_clips)
    }

    /// Draws two looks at a face.
    pub fn draw(&self, rng: &mut Pcg64) -> Pair<'_> {
        match &self.clips {
            Some(clips) if rng.random::<f64>() < FROM_CLIPS => clips.draw(rng),
            _ => self.draw_still(rng),
        }
    }

    fn draw_still(&self, rng: &mut Pcg64) -> Pair<'_> {
        let at = rng.random_range(0..self.stills.len());
        let others = &self.persons[self.person_of[at]];
        let another = others[rng.random_range(0..others.len())];
        let wants_another = rng.random::<f64>() < ANOTHER_PICTURE;
        let (view, origin) = match wants_another && another != at {
            true => (another, Origin::Person),
            false => (at, Origin::Bent),
        };
        Pair {
            picture: self.stills.picture(at),
            view: self.stills.picture(view),
            origin,
        }
    }
}
