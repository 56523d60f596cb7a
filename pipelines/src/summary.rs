//! What was done, in words.

use std::collections::BTreeMap;
use std::fmt;

use gst::prelude::*;
use serde::{Deserialize, Serialize};

use crate::progress::{Counts, Stretch, extend};

/// What the element did to a recording or a picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Frames that came through; 1 for a picture.
    pub frames: u64,
    /// Frames in which anything was changed: a face completed, a channel restored, damage mended.
    #[serde(default)]
    pub changed: u64,
    /// Frames in which a face was completed.
    pub completed: u64,
    /// Different faces that were completed.
    pub faces: usize,
    /// Regions that were looked at, one a face and frame.
    pub regions: u64,
    /// Of those, left as they were because they cannot be completed, or because there were more than
    /// `max-faces`.
    pub skipped: u64,
    /// Whether something beside the faces was filled from what is around it.
    pub is_filled: bool,
    /// Frames of which a lost channel was restored as a whole.
    #[serde(default)]
    pub restored: u64,
    /// Spots of dirt that were mended, counted frame by frame.
    #[serde(default)]
    pub dirt: u64,
    /// Scratches, counted alike.
    #[serde(default)]
    pub scratches: u64,
    /// Drop-outs that were filled, counted alike.
    #[serde(default)]
    pub drop_outs: u64,
    /// Where in the recording something was changed.
    pub stretches: Vec<Stretch>,
    /// Mean shares of what was missing by where it came from, 0 to 1, such as `painted`; none where
    /// the model does not tell.
    pub shares: BTreeMap<String, f64>,
}

/// The shares that the element may tell of.
const SHARES: [&str; 5] = [
    "from-memory",
    "from-later",
    "from-reference",
    "from-mirror",
    "painted",
];

impl Summary {
    /// Of what `element`, which still plays, has done; `is_filled` is whether it said
    /// [`is_plain`].
    pub fn of(element: &gst::Element, counts: &Counts, is_filled: bool) -> Self {
        let stats = element.property::<Option<gst::Structure>>("stats");
        let number = |name: &str| {
            let stats = stats.as_ref();
            stats.and_then(|stats| stats.get(name).ok()).unwrap_or(0)
        };
        Self {
            frames: counts.frames(),
            changed: counts.changed(),
            completed: counts.completed(),
            faces: counts.faces(),
            regions: number("faces"),
            skipped: number("skipped-invalid") + number("skipped-surplus"),
            is_filled,
            restored: number("restored"),
            dirt: number("dirt"),
            scratches: number("scratches"),
            drop_outs: number("drop-outs"),
            stretches: counts.stretches(),
            shares: stats.as_ref().map_or_else(BTreeMap::new, |stats| {
                let share = |name: &str| Some((name.to_owned(), stats.get(name).ok()?));
                SHARES.into_iter().filter_map(share).collect()
            }),
        }
    }
}

impl Summary {
    /// Of all `parts` of a recording, with how many seconds after its start each begins. The same face has
    /// other numbers in each: there are as many as in the part that has most, at least.
    pub fn joined(parts: Vec<(f64, Self)>) -> Self {
        let mut all = Self::default();
        for (offset, part) in parts {
            let shares = part.shares.iter();
            for (name, share) in shares {
                let (before, now) = (all.completed as f64, part.completed as f64);
                let mean = all.shares.entry(name.clone()).or_default();
                *mean = (*mean * before + share * now) / (before + now).max(1.0);
            }
            all.frames += part.frames;
            all.changed += part.changed;
            all.completed += part.completed;
            all.restored += part.restored;
            all.dirt += part.dirt;
            all.scratches += part.scratches;
            all.drop_outs += part.drop_outs;
            all.faces = all.faces.max(part.faces);
            all.regions += part.regions;
            all.skipped += part.skipped;
            all.is_filled |= part.is_filled;
            for stretch in part.stretches {
                extend(&mut all.stretches, stretch.map(|time| time + offset));
            }
        }
        all
    }
}

impl Summary {
    /// What was done, each in words of its own.
    fn deeds(&self) -> Vec<String> {
        let of_frames = |count: u64| match self.frames {
            1 => String::new(),
            frames => format!(" in {count} of {}", counted(frames, "frame")),
        };
        let mut deeds = Vec::new();
        if self.completed > 0 {
            let faces = counted(self.faces as u64, "face");
            deeds.push(format!("completed {faces}{}", of_frames(self.completed)));
        }
        if self.restored > 0 {
            deeds.push(format!(
                "restored a lost channel{}",
                of_frames(self.restored)
            ));
        }
        let film = [(self.dirt, "spot"), (self.scratches, "scratch")];
        let film = film.into_iter().filter(|(count, _)| *count > 0);
        let film: Vec<String> = film
            .map(|(count, what)| match (count, what) {
                (1, "scratch") => "1 scratch".to_owned(),
                (_, "scratch") => format!("{count} scratches"),
                _ => format!("{} of dirt", counted(count, what)),
            })
            .collect();
        if !film.is_empty() {
            deeds.push(format!("mended {}, frame by frame", film.join(" and ")));
        }
        if self.drop_outs > 0 {
            deeds.push(format!(
                "filled {}, frame by frame",
                counted(self.drop_outs, "drop-out")
            ));
        } else if self.is_filled {
            let rest = "filled from what is around it";
            deeds.push(match self.completed {
                0 => format!("no face completed; what is missing was {rest}"),
                _ => format!("the rest was {rest}"),
            });
        }
        if deeds.is_empty() && self.changed > 0 {
            deeds.push(format!(
                "put displaced channels back{}",
                of_frames(self.changed)
            ));
        }
        deeds
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deeds = self.deeds();
        match (self.regions, deeds.is_empty()) {
            (_, false) => write!(f, "{}", deeds.join("; "))?,
            (0, true) => write!(
                f,
                "nothing found: there is no face in {}, which is as it was",
                of_frames(self.frames)
            )?,
            _ => write!(
                f,
                "nothing completed: faces were found, but nothing of them is missing; {} as before",
                match self.frames {
                    1 => "the picture is",
                    _ => "all frames are",
                }
            )?,
        }
        if self.skipped > 0 {
            let times = counted(self.skipped, "time");
            write!(f, "; a face was left as it was {times}")?;
        }
        Ok(())
    }
}

fn of_frames(frames: u64) -> String {
    match frames {
        1 => "the picture".to_owned(),
        _ => format!("any of the {frames} frames"),
    }
}

/// Such as "1 face" and "2 faces".
pub(crate) fn counted(count: u64, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

/// What the element says of a mask that covers nothing.
const COVERS_NOTHING: &str = "mdecomplete/covers-nothing";

/// A message of the element, if a user wants to know it.
pub fn told(message: &gst::StructureRef) -> Option<String> {
    let text = |field: &str| message.get::<String>(field).unwrap_or_default();
    match message.name().as_str() {
        COVERS_NOTHING => Some(format!(
            "{} covers nothing: {}",
            text("property"),
            text("reason")
        )),
        "mdecomplete/reference-fits-no-face" => Some(text("reason")),
        _ if is_plain(message) => Some(text("reason")),
        _ => None,
    }
}

/// Whether a message tells that the picture of a mask is nowhere white.
pub fn is_empty_mask(message: &gst::StructureRef) -> bool {
    message.name() == COVERS_NOTHING && message.get("property") == Ok("mask-file")
}

/// Whether a message tells that something beside the faces is filled from what is around it.
pub fn is_plain(message: &gst::StructureRef) -> bool {
    message.name() == "mdecomplete/fills-plainly"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_added_up() {
        let part = |completed, faces, share, stretch| Summary {
            frames: 10,
            completed,
            faces,
            shares: [("painted".to_owned(), share)].into(),
            stretches: vec![stretch],
            ..Summary::default()
        };
        let all = Summary::joined(vec![
            (0.0, part(2, 1, 1.0, [3.0, 5.0])),
            (5.0, part(6, 2, 0.0, [0.2, 1.0])),
        ]);
        assert_eq!((all.frames, all.completed, all.faces), (20, 8, 2));
        assert_eq!(all.shares["painted"], 0.25);
        assert_eq!(all.stretches, [[3.0, 6.0]]);
    }

    #[test]
    fn what_was_done_is_said_in_words() {
        let mut summary = Summary {
            frames: 30,
            ..Summary::default()
        };
        assert!(summary.to_string().starts_with("nothing found"));
        summary.regions = 30;
        assert!(summary.to_string().starts_with("nothing completed"));
        summary.completed = 28;
        summary.faces = 1;
        assert_eq!(summary.to_string(), "completed 1 face in 28 of 30 frames");
        let film = Summary {
            frames: 48,
            changed: 40,
            restored: 24,
            dirt: 96,
            scratches: 1,
            drop_outs: 3,
            ..Summary::default()
        };
        assert_eq!(
            film.to_string(),
            "restored a lost channel in 24 of 48 frames; mended 96 spots of dirt and 1 scratch, \
             frame by frame; filled 3 drop-outs, frame by frame"
        );
        let filled = Summary {
            frames: 2,
            is_filled: true,
            ..Summary::default()
        };
        assert_eq!(
            filled.to_string(),
            "no face completed; what is missing was filled from what is around it"
        );
    }
}
