//! Which way up upstream says that its pictures are.

use gst_video::VideoOrientationMethod;

/// The tag `image-orientation` of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Orientation {
    of_all: Option<VideoOrientationMethod>,
    of_stream: Option<VideoOrientationMethod>,
}

impl Orientation {
    /// Takes in `tags`, which need not be about it.
    pub fn observe(&mut self, tags: &gst::TagListRef) {
        let Some(method) = VideoOrientationMethod::from_tag(tags) else {
            return;
        };
        match tags.scope() {
            gst::TagScope::Global => self.of_all = Some(method),
            _ => self.of_stream = Some(method),
        }
    }

    /// What puts the pictures upright; a tag of the stream itself counts before one of the whole
    /// medium.
    pub fn method(&self) -> VideoOrientationMethod {
        let told = self.of_stream.or(self.of_all);
        told.unwrap_or(VideoOrientationMethod::Identity)
    }
}

/// Whether `tags` tell how pictures lie.
pub fn turns(tags: &gst::TagListRef) -> bool {
    VideoOrientationMethod::from_tag(tags).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(scope: gst::TagScope, orientation: Option<&str>) -> gst::TagList {
        gst::init().expect("GStreamer");
        let mut tags = gst::TagList::new();
        let list = tags.make_mut();
        list.set_scope(scope);
        list.add::<gst::tags::Title>(&"a title", gst::TagMergeMode::Replace);
        if let Some(orientation) = orientation {
            list.add::<gst::tags::ImageOrientation>(&orientation, gst::TagMergeMode::Replace);
        }
        tags
    }

    #[test]
    fn the_stream_s_own_tag_counts_first_and_other_tags_change_nothing() {
        use VideoOrientationMethod as Method;
        let mut orientation = Orientation::default();
        assert_eq!(orientation.method(), Method::Identity);
        for (scope, told, wanted) in [
            (gst::TagScope::Stream, None, Method::Identity),
            (gst::TagScope::Global, Some("rotate-90"), Method::_90r),
            (gst::TagScope::Stream, Some("flip-rotate-180"), Method::Vert),
            (gst::TagScope::Global, Some("rotate-180"), Method::Vert),
            (gst::TagScope::Stream, None, Method::Vert),
            (gst::TagScope::Stream, Some("rotate-0"), Method::Identity),
            (gst::TagScope::Stream, Some("nonsense"), Method::Identity),
        ] {
            orientation.observe(&tags(scope, told));
            assert_eq!(orientation.method(), wanted, "{scope:?} {told:?}");
        }
    }
}
