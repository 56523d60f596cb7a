//! What is done with a frame before it changes: the steps up to the completions.

use gst_video::VideoFrameRef;

use super::covers::KnownOfFaces;
use super::face::BatchCrop;
use super::report::Lap;
use super::{Ahead, FrameError, Pass, RegionSource, Report, Step};
use crate::frame::Channels;

impl Pass {
    /// All that is done before the frame changes: gives the faces their completions, new or recalled
    /// ones. In the frame this was `seen` ahead, if anything was.
    pub(super) fn look<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        is_late: bool,
        seen: Option<Ahead>,
        report: &mut Report,
    ) -> Result<(), FrameError> {
        let seen = match seen {
            Some(mut seen) => {
                self.drop_outs.show(std::mem::take(&mut seen.drop_outs));
                self.take_up(seen, report)
            }
            None => {
                self.drop_outs.look(frame, &self.settings);
                None
            }
        };
        let is_cut = match seen {
            Some(is_cut) => {
                self.find_damage(frame);
                self.mark_missing();
                is_cut
            }
            None => {
                self.covers.show(None);
                self.now = self.clock.tick(frame);
                self.see(frame, is_late, report)?
            }
        };
        if is_cut {
            self.recall.forget();
            self.finisher.forget();
        }
        report.covered = self
            .faces
            .iter()
            .filter(|face| face.cover.is_some())
            .count();
        report.has_cover_news = self.covers.is_news(&self.faces);
        report.drop_outs = self.drop_outs.found().len();
        report.has_drop_out_news = self.drop_outs.is_news();
        let is_young = self.recall.count_frame() < self.settings.inference_interval;
        let mut lap = Lap::start();
        if self.settings.only_marks() || !self.faces.iter().any(|face| face.is_holed) {
            return Ok(());
        }
        if is_late || is_young {
            let has_all = self.recall.assign(&mut self.faces);
            if is_late || has_all {
                return Ok(());
            }
        }
        let Self {
            faces,
            missing,
            covers,
            settings,
            batch,
            ..
        } = self;
        (self.reader).read(frame, faces, missing, covers, settings, batch);
        report.is_unplaced = !self.show_views(frame);
        report.set_time(Step::Preprocess, lap.next());
        self.infer(frame, report)?;
        report.set_time(Step::Inference, lap.next());
        Ok(())
    }

    /// Finds the faces and what is missing of them, and remembers what they look like. Tells whether
    /// the frame shows another scene than the one before.
    pub(super) fn see<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        is_late: bool,
        report: &mut Report,
    ) -> Result<bool, FrameError> {
        let mut lap = Lap::start();
        let mut is_cut = false;
        match (self.settings.source, is_late) {
            (RegionSource::Faces(_), true) => self.finder.stay(frame, &mut self.faces),
            _ => {
                is_cut = self.find(frame, report)?;
                report.set_time(Step::Locate, lap.next());
            }
        }
        report.faces = self.faces.len();
        self.find_damage(frame);
        if self.settings.covers.is_some() && !is_late {
            lap.next();
            self.find_covers(frame, report)?;
            report.set_time(Step::Covers, lap.next());
        }
        self.mark_missing();
        self.remember(frame, is_late);
        Ok(is_cut)
    }

    /// Fills the list of faces. Tells whether the frame shows another scene than the one before.
    fn find<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        report: &mut Report,
    ) -> Result<bool, FrameError> {
        let (size, faces) = (self.completer.size(), &mut self.faces);
        let damaged = self.drop_outs.found();
        let found = (self.finder).find(frame, &self.settings, damaged, size, self.now, faces)?;
        (report.invalid, report.surplus) = (found.invalid, found.surplus);
        if found.is_cut {
            self.covers.forget();
        }
        Ok(found.is_cut)
    }

    /// Looks at what is before the faces.
    fn find_covers<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        report: &mut Report,
    ) -> Result<(), FrameError> {
        let known = KnownOfFaces {
            frame,
            damage: &self.missing.damage,
            copying: &self.copying,
            now: self.now,
        };
        let (settings, size) = (&self.settings, self.completer.size());
        report.looked = self.covers.find(settings, &self.faces, size, &known)?;
        Ok(())
    }

    /// Finds what is missing of the frame, but for what is before the faces.
    fn find_damage<T>(&mut self, frame: &VideoFrameRef<T>) {
        let found = self.drop_outs.found();
        (self.missing).look(frame, &self.settings, found, &self.faces);
    }

    /// Takes note of what is missing of the faces, with what was found before them.
    fn mark_missing(&mut self) {
        (self.missing).mark(&self.settings, &mut self.faces, &self.covers);
    }

    /// Keeps looks at faces of which nothing is missing, if the generator is shown such.
    fn remember<T>(&mut self, frame: &VideoFrameRef<T>, is_late: bool) {
        if self.completer.takes_views() {
            self.copying.follow(self.settings.memory, self.now);
            if !is_late {
                (self.copying).remember(frame, &self.faces, &self.covers, self.now);
            }
        }
    }

    /// Shows the generator views of the faces, if it takes them. Tells whether every reference
    /// picture has a face that it fits, as far as there are any to fit.
    fn show_views<T>(&mut self, frame: &VideoFrameRef<T>) -> bool {
        if !self.completer.takes_views() {
            return true;
        }
        let faces = match self.missing.hole.channels() {
            Channels::Rgb => self.faces.as_mut_slice(),
            // Views have no place in a picture of luma.
            Channels::Luma => &mut [],
        };
        let are_placed = self.copying.show(faces, &mut self.batch, self.now);
        (self.copying).remember_known(frame, faces, &self.covers, &self.batch, self.now);
        are_placed
    }

    /// Runs the generator; a completion that is no picture is left out.
    fn infer<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        report: &mut Report,
    ) -> Result<(), FrameError> {
        // Until it has succeeded there is nothing to recall.
        self.recall.forget();
        self.completer.complete(&mut self.batch)?;
        for face in &mut self.faces {
            let is_picture = |crop: &BatchCrop| self.batch.completed(crop.index).is_some();
            if face.crop.take_if(|crop| !is_picture(crop)).is_some() {
                report.without_numbers += 1;
            }
        }
        report.invalid += report.without_numbers;
        if self.missing.hole.channels() == Channels::Rgb {
            (self.copying).settle(frame, &mut self.faces, &mut self.batch);
        }
        self.recall.learn(&self.faces);
        Ok(())
    }
}
