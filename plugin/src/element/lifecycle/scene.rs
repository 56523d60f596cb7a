//! Channels that are lost in a whole frame, restored in all of it before anybody looks for faces.

use gst::subclass::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo, VideoOrientationMethod};

use super::opening::{OpenError, open_restorer};
use crate::completer::CompleterError;
use crate::element::imp::{MdeComplete, State};
use crate::element::properties::{DamagedChannels, FrameSettings};
use crate::scene::{Restorer, SceneError};

impl MdeComplete {
    /// Restores the channels that `frame` says are lost in all of `buffer`, if whole frames are to be
    /// restored. What follows then finds them as if they had never been lost, if it is known what they
    /// were. Tells whether channels are lost in all of it, also where they are not to be painted.
    pub(super) fn restore_channels(
        &self,
        buffer: &mut gst::Buffer,
        frame: &mut FrameSettings,
    ) -> Result<bool, gst::FlowError> {
        if !frame.may_restore_frames() || buffer.flags().contains(gst::BufferFlags::GAP) {
            return Ok(false);
        }
        // Nobody is to wait for the state meanwhile.
        let Some((mut restorer, info, orientation)) = self.state().as_mut().and_then(|state| {
            let info = state.info.clone()?;
            Some((state.restorer.take()?, info, state.orientation.method()))
        }) else {
            return Ok(false);
        };
        let loses_channels = frame.damaged_channels.missing().next().is_some();
        let made = restore(&mut restorer, buffer, &info, frame, orientation);
        if let Some(state) = self.state().as_mut() {
            state.restorer = Some(restorer);
            state.stats.restored += u64::from(matches!(made, Ok(Some(_))));
        }
        match made {
            // What is only guessed is completed in the faces as well, whose generator knows more.
            Ok(Some(true)) => frame.damaged_channels &= DamagedChannels::AUTO,
            Ok(_) => (),
            Err(SceneError::Completer(error @ CompleterError::Died { .. })) => {
                gst::element_imp_error!(self, gst::LibraryError::Failed, ("{}", error));
                return Err(gst::FlowError::Error);
            }
            Err(error) => {
                self.warn_of(&error.to_string());
                return Ok(false);
            }
        }
        Ok(loses_channels)
    }

    /// Opens what restores whole frames, if the element runs without it.
    pub(super) fn provide_restorer(&self) -> Result<(), OpenError> {
        let needs_one = |state: &&mut State| !state.has_restorer;
        let model = (self.state().as_mut().filter(needs_one)).map(|state| state.model.clone());
        let Some(model) = model else {
            return Ok(());
        };
        let file = self.settings().scene_model.clone();
        let mut restorer = Some(open_restorer(&model, file.as_deref())?);
        if let Some(state) = self.state().as_mut().filter(needs_one) {
            state.restorer = restorer.take();
            state.has_restorer = true;
        }
        Ok(())
    }
}

/// Restores what `settings` say is lost in `buffer`, or remembers what it looks like where nothing
/// is. Tells whether it was restored by what is known of the scene, and nothing where it was not
/// restored.
fn restore(
    restorer: &mut Restorer,
    buffer: &mut gst::Buffer,
    info: &VideoInfo,
    settings: &FrameSettings,
    orientation: VideoOrientationMethod,
) -> Result<Option<bool>, SceneError> {
    let loses = settings.damaged_channels.missing().next().is_some();
    // Where there is no frame in the buffer, whoever looks for faces tells of it.
    if !loses && let Ok(frame) = VideoFrameRef::from_buffer_ref_readable(buffer, info) {
        restorer.remember(&frame, orientation)?;
    } else if settings.paints()
        && let Ok(mut frame) = VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), info)
    {
        let asked = settings.lost_in_frame(orientation);
        return restorer.restore(&mut frame, &asked).map(Some);
    }
    Ok(None)
}
