//! Where frames come from: a recording, or a sequence of pictures.

use std::path::PathBuf;

use gst_app::AppSrc;

use super::branch::{Branches, Picture};
use super::plan::Plan;
use super::{Job, coding};
use crate::container::Container;
use crate::movie::Movie;
use crate::probe::{self, Media, Video};
use crate::sequence::{Fault, Pattern, Pictures, Rate};
use crate::{Error, Result, aside, pipeline};

/// What is to be completed.
#[derive(Clone, Debug)]
pub enum Source {
    /// A recording.
    Recording {
        /// The file.
        input: PathBuf,
        /// What is in it.
        media: Media,
        /// What it says as an MP4 file, if it is one.
        movie: Movie,
    },
    /// A sequence of pictures.
    Sequence {
        /// All of them.
        pictures: Pictures,
        /// What they are together.
        media: Media,
        /// They are no MP4 file.
        movie: Movie,
    },
}

/// What is there, and was not looked into.
pub enum Unseen {
    /// A file.
    File(PathBuf),
    /// Names of pictures, of which a second has so many.
    Pictures(Pattern, Rate),
}

impl Source {
    /// That of `job`.
    ///
    /// # Errors
    /// [`Error::Input`] if no such file can be read.
    pub fn check(job: &Job) -> Result<Unseen> {
        if let Some(pattern) = Pattern::of(&job.input) {
            return Ok(Unseen::Pictures(
                pattern,
                job.frame_rate.unwrap_or_default(),
            ));
        }
        aside::want_file(&job.input)?;
        Ok(Unseen::File(job.input.clone()))
    }
}

impl Unseen {
    /// Looks into it.
    ///
    /// # Errors
    /// [`Error::Input`] if nothing can be completed in it.
    pub fn look(self) -> Result<Source> {
        match self {
            Self::File(input) => Ok(Source::Recording {
                media: probe::look(&input)?,
                movie: Movie::read(&input).map_err(|e| Error::input(&input, e))?,
                input,
            }),
            Self::Pictures(pattern, rate) => {
                let pictures = Pictures::open(pattern, rate)?;
                Ok(Source::Sequence {
                    media: Media {
                        duration: Some(pictures.duration().into()),
                        video: Video {
                            id: String::new(),
                            caps: gst::Caps::new_empty(),
                            size: pictures.size(),
                            is_interlaced: false,
                            is_turned: false,
                        },
                        others: Vec::new(),
                        container: String::new(),
                        chapters: None,
                        created: None,
                    },
                    movie: Movie::default(),
                    pictures,
                })
            }
        }
    }
}

impl Source {
    /// What is in it.
    pub fn media(&self) -> &Media {
        match self {
            Self::Recording { media, .. } | Self::Sequence { media, .. } => media,
        }
    }

    /// What it says as an MP4 file; nothing if it is none.
    pub fn movie(&self) -> &Movie {
        match self {
            Self::Recording { movie, .. } | Self::Sequence { movie, .. } => movie,
        }
    }

    /// The pictures, if it is a sequence.
    pub fn pictures(&self) -> Option<&Pictures> {
        match self {
            Self::Recording { .. } => None,
            Self::Sequence { pictures, .. } => Some(pictures),
        }
    }

    /// What the user is to know.
    pub fn notes(&self) -> Option<String> {
        self.pictures()?.gap()
    }

    /// The elements from the file to its coded streams, if it has such.
    pub fn streams(&self) -> &'static str {
        match self {
            // As many packets as it takes until each stream has one, a quarter of a gigabyte at most.
            Self::Recording { .. } => {
                "filesrc name=read ! parsebin name=streams \
                 multiqueue name=abreast max-size-time=0 max-size-bytes=268435456"
            }
            Self::Sequence { .. } => "",
        }
    }

    /// The elements from the file to raw video.
    pub fn elements(&self) -> String {
        match self {
            Self::Recording { .. } => {
                let streams = self.streams();
                format!("{streams} decodebin name=decoder force-sw-decoders=true")
            }
            Self::Sequence { .. } => "appsrc name=read format=time !".to_owned(),
        }
    }

    /// Brings it into `pipeline`, and its streams into a file of the kind `container`, as `plan` and
    /// `picture` have it.
    ///
    /// # Errors
    /// If an element is missing.
    pub fn connect(
        &self,
        pipeline: &gst::Pipeline,
        container: Option<Container>,
        plan: &Plan,
        picture: Picture,
        fault: &Fault,
    ) -> Result<()> {
        if let Some(container) = container {
            let own = self.movie().track(&self.media().video.id);
            let scale = match self {
                Self::Recording { media, .. } => {
                    coding::track_scale(media, own.map(|track| track.scale))
                }
                Self::Sequence { .. } => None,
            };
            Branches::connect_picture(pipeline, container, scale)?;
        }
        match self {
            Self::Recording {
                input,
                media,
                movie,
            } => {
                pipeline::set_location(pipeline, "read", input)?;
                movie.hide(&plan.hidden, &pipeline::element(pipeline, "read")?)?;
                Branches::connect(pipeline, media, container, plan, picture)
            }
            Self::Sequence { pictures, .. } => {
                let read = pipeline::application_element::<AppSrc>(pipeline, "read")?;
                pictures.feed(&read, fault);
                Ok(())
            }
        }
    }
}
