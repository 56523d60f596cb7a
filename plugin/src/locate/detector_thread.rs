//! The detector on a thread of its own, so that the stream need not wait for it.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};

use gst_video::VideoFrameRef;

use super::centerface::Face;
use super::detector::{Detector, DetectorError, Picture};
use super::{DisplaySpace, Hidden, Turn};

/// A picture that was searched, to be used again, and the faces in it.
type Answer = (Picture, Result<Vec<Face>, DetectorError>);

/// What a search found.
#[derive(Debug)]
pub struct Found {
    /// The turn in which the picture was searched.
    pub turn: Turn,
    /// In display pixels, best first.
    pub faces: Vec<Face>,
}

/// The detector, and the one picture it may be working on.
#[derive(Debug)]
pub struct DetectorThread {
    /// Nothing once the thread is to end.
    pictures: Option<Sender<Picture>>,
    answers: Receiver<Answer>,
    thread: Option<JoinHandle<()>>,
    spare: Picture,
    /// Of what it is working on.
    turn: Turn,
    is_busy: bool,
    /// Whether what it is working on does not matter any more.
    is_void: bool,
}

impl DetectorThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`DetectorError::Thread`].
    pub fn start(mut detector: Detector) -> Result<Self, DetectorError> {
        let (pictures, to_search) = channel::<Picture>();
        let (done, answers) = channel();
        let work = move || {
            for picture in to_search {
                let faces = detector.detect(&picture).map(<[Face]>::to_vec);
                if done.send((picture, faces)).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("mdecomplete-detector".to_owned())
            .spawn(work)
            .map_err(|e| DetectorError::Thread(e.to_string()))?;
        Ok(Self {
            pictures: Some(pictures),
            answers,
            thread: Some(thread),
            spare: Picture::default(),
            turn: Turn::None,
            is_busy: false,
            is_void: false,
        })
    }

    /// Whether a frame is being searched.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Begins to search `frame`, displayed as `display` tells and turned by `turn`, for faces in
    /// what is not `hidden`; it is not needed any more when this returns.
    ///
    /// # Errors
    /// [`DetectorError::Gone`].
    pub fn begin<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        display: &DisplaySpace,
        turn: Turn,
        min_face_size: f64,
        hidden: Option<&Hidden<'_>>,
    ) -> Result<(), DetectorError> {
        let mut picture = std::mem::take(&mut self.spare);
        picture.read(frame, display, turn, min_face_size, hidden);
        self.turn = turn;
        let pictures = self.pictures.as_ref().ok_or(DetectorError::Gone)?;
        pictures.send(picture).map_err(|_| DetectorError::Gone)?;
        (self.is_busy, self.is_void) = (true, false);
        Ok(())
    }

    /// The faces found, as soon as they are; nothing before, and nothing if they do not matter.
    ///
    /// # Errors
    /// [`DetectorError::Run`] and [`DetectorError::Gone`].
    pub fn poll(&mut self) -> Result<Option<Found>, DetectorError> {
        match self.answers.try_recv() {
            Ok(answer) => self.take(answer),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(DetectorError::Gone),
        }
    }

    /// As [`Self::poll`], waiting for what was begun.
    ///
    /// # Errors
    /// As [`Self::poll`].
    pub fn wait(&mut self) -> Result<Option<Found>, DetectorError> {
        if !self.is_busy {
            return Ok(None);
        }
        let answer = self.answers.recv().map_err(|_| DetectorError::Gone)?;
        self.take(answer)
    }

    /// What is being searched is of another scene than the frames to come.
    pub fn forget(&mut self) {
        self.is_void = self.is_busy;
    }

    fn take(&mut self, (picture, faces): Answer) -> Result<Option<Found>, DetectorError> {
        self.spare = picture;
        self.is_busy = false;
        match self.is_void {
            true => Ok(None),
            false => faces.map(|faces| {
                Some(Found {
                    turn: self.turn,
                    faces,
                })
            }),
        }
    }
}

impl Drop for DetectorThread {
    fn drop(&mut self) {
        self.pictures = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the detector has been printed; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}
