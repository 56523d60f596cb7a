//! What becomes of the streams beside the picture.

use super::Job;
use crate::container::Container;
use crate::movie::{EditList, Movie, Track};
use crate::probe::{Kind, Media, Stream};
use crate::{Error, Result};

/// What becomes of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes into the output as it is.
    Keep(Keep),
    /// It is decoded and coded anew.
    Transcode,
    /// It is left out.
    Drop,
}

/// How a stream that is kept keeps its times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// The list to put into the output.
    pub edits: Option<EditList>,
    /// How much later it plays than its packets say, in nanoseconds.
    pub shift: i64,
}

/// What becomes of all streams.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    fates: Vec<(String, Kind, Fate)>,
    /// Tracks whose edit lists the demuxer must not see.
    pub hidden: Vec<Track>,
    /// What the user is to know.
    pub notes: Vec<String>,
    /// How much later everything plays, in nanoseconds, because no time may be below zero.
    pub delay: i64,
}

impl Plan {
    /// Of the streams of `media` for a file of the kind `container`.
    ///
    /// # Errors
    /// [`Error::Output`] if the file cannot hold a stream and the user has not said what to do then.
    pub fn make(media: &Media, movie: &Movie, container: Container, job: &Job) -> Result<Self> {
        let mut plan = Self::default();
        let mut unfit = Vec::new();
        for stream in &media.others {
            let fate = if container.holds(&stream.caps)? {
                Fate::Keep(plan.keep(stream, movie, container))
            } else if stream.kind == Kind::Sound && job.transcode_audio {
                let (_, coded) = container.sound_encoder();
                let was = stream.describe();
                plan.notes.push(format!("{was} is coded anew as {coded}"));
                Fate::Transcode
            } else {
                let is_lost = stream.kind == Kind::Subtitles && job.drop_subtitles
                    || stream.kind != Kind::Sound && !Container::Matroska.holds(&stream.caps)?;
                if is_lost {
                    let was = stream.describe();
                    plan.notes.push(format!(
                        "{was} is left out: {} does not hold it",
                        container.name()
                    ));
                } else {
                    unfit.push(stream);
                }
                Fate::Drop
            };
            plan.fates.push((stream.id.clone(), stream.kind, fate));
        }
        if !unfit.is_empty() {
            return Err(Error::output(&job.output, advice(&unfit, container)?));
        }
        let earliest = plan.fates.iter().filter_map(|(_, _, fate)| match fate {
            Fate::Keep(Keep { shift, .. }) => Some(*shift),
            _ => None,
        });
        plan.delay = -earliest.min().unwrap_or(0).min(0);
        Ok(plan)
    }

    /// For where only the picture of `media` can go.
    pub fn of_picture_alone(media: &Media) -> Self {
        let left =
            |stream: &Stream| format!("{} is left out: pictures hold none", stream.describe());
        Self {
            notes: media.others.iter().map(left).collect(),
            ..Self::default()
        }
    }

    fn keep(&mut self, stream: &Stream, movie: &Movie, container: Container) -> Keep {
        let track = movie.track(&stream.id);
        let Some((track, edits)) = track
            .filter(|_| stream.kind == Kind::Sound)
            .and_then(|track| Some((track, track.edits()?)))
        else {
            return Keep::default();
        };
        let keep = if container.is_isobmff() {
            Keep {
                edits: Some(edits.clone()),
                shift: 0,
            }
        } else if let Some(shift) = edits.shift() {
            Keep { edits: None, shift }
        } else {
            // Played in pieces, which the demuxer cuts out.
            return Keep::default();
        };
        self.hidden.push(track.clone());
        keep
    }

    /// What becomes of the stream `id`; nothing is known of streams that turn up later.
    pub fn fate(&self, id: &str) -> Option<&Fate> {
        let mut fates = self.fates.iter();
        fates.find(|(of, ..)| of == id).map(|(.., fate)| fate)
    }

    /// The streams in the file's order: what GStreamer calls them, what they are, and what becomes
    /// of them.
    pub fn fates(&self) -> &[(String, Kind, Fate)] {
        &self.fates
    }

    /// The edit lists of the sound tracks that are written, in their order.
    pub fn edits(&self) -> Vec<Option<EditList>> {
        let sounds = self
            .fates
            .iter()
            .filter(|(_, kind, _)| *kind == Kind::Sound);
        sounds
            .filter_map(|(.., fate)| match fate {
                Fate::Keep(Keep { edits, .. }) => Some(edits.clone()),
                Fate::Transcode => Some(None),
                Fate::Drop => None,
            })
            .collect()
    }
}

/// What to do about streams that `container` cannot hold.
fn advice(unfit: &[&Stream], container: Container) -> Result<String> {
    let names: Vec<_> = unfit.iter().map(|stream| stream.describe()).collect();
    let mut ways = Vec::new();
    let mut in_matroska = true;
    for stream in unfit {
        in_matroska &= Container::Matroska.holds(&stream.caps)?;
    }
    if in_matroska {
        ways.push("name a file that ends in .mkv".to_owned());
    }
    if unfit.iter().any(|stream| stream.kind == Kind::Sound) {
        let (_, coded) = container.sound_encoder();
        ways.push(format!("say --transcode-audio, for sound as {coded}"));
    }
    if unfit.iter().any(|stream| stream.kind == Kind::Subtitles) {
        ways.push("say --drop-subtitles".to_owned());
    }
    Ok(format!(
        "{} cannot hold {}: {}",
        container.name(),
        names.join(", "),
        ways.join(", or ")
    ))
}
