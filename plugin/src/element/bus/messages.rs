//! The element messages that the element posts, as structures.

use std::time::Duration;

use crate::completer::{Completer, Step};
use crate::covers::Finding;
use crate::damage::{Confidences, DropOut, Faults, FilmFind};
use crate::findings;
use crate::locate::Region;

/// Where the generator runs, and what was considered before.
pub fn provider(completer: &Completer) -> gst::Structure {
    let active = completer.active();
    let attempts = completer.attempts();
    let reason = attempts.last().map_or("", |taken| taken.reason.as_str());
    gst::Structure::builder("mdecomplete/provider")
        .field("execution-provider", active.provider.to_string())
        .field("precision", active.precision.to_string())
        .field("reason", reason)
        .field(
            "attempts",
            gst::Array::new(attempts.iter().map(ToString::to_string)),
        )
        .build()
}

/// A step on the way to a generator that is ready, `elapsed` after the first one.
pub fn progress(step: Step, elapsed: Duration) -> gst::Structure {
    let structure = gst::Structure::builder("mdecomplete/progress");
    let structure = match step {
        Step::Measuring(provider) => structure
            .field("step", "measuring")
            .field("execution-provider", provider.to_string()),
        Step::Opening(provider) => structure
            .field("step", "opening")
            .field("execution-provider", provider.to_string()),
        Step::WarmingUp(active, crops) => structure
            .field("step", "warming-up")
            .field("execution-provider", active.provider.to_string())
            .field("crops", crops as u32),
    };
    (structure.field("elapsed-ms", milliseconds(elapsed))).build()
}

/// That the generator is ready, `elapsed` after the first step.
pub fn ready(completer: &Completer, elapsed: Duration) -> gst::Structure {
    gst::Structure::builder("mdecomplete/progress")
        .field("step", "ready")
        .field(
            "execution-provider",
            completer.active().provider.to_string(),
        )
        .field("elapsed-ms", milliseconds(elapsed))
        .build()
}

fn milliseconds(elapsed: Duration) -> u64 {
    elapsed.as_millis() as u64
}

/// That damage away from the completed regions is filled from what is around it, without a generator.
pub fn fills_plainly(properties: &[&str]) -> gst::Structure {
    gst::Structure::builder("mdecomplete/fills-plainly")
        .field("properties", gst::Array::new(properties))
        .field(
            "reason",
            "of what these properties say is missing, some lies in no region that is completed, such \
             as beside the faces: it is filled from what is around it",
        )
        .build()
}

/// That there is nothing to complete by a mask that `property` asks for.
pub fn covers_nothing(property: &str, reason: &str) -> gst::Structure {
    gst::Structure::builder("mdecomplete/covers-nothing")
        .field("property", property)
        .field("reason", reason)
        .build()
}

/// That a picture of `reference-file` fits no face that has something missing.
pub fn fits_no_face() -> gst::Structure {
    gst::Structure::builder("mdecomplete/reference-fits-no-face")
        .field(
            "reason",
            "a picture of reference-file looks like none of the faces in the frames: it must show \
             the same person, in about the same pose",
        )
        .build()
}

/// What is wrong with the channels of the frames from now on and how sure that is, which faces are
/// covered in frames of `size` = (width, height), by what, where there are drop-outs, and what has
/// befallen a `film`; empty lists where nothing is.
pub fn damage<'a>(
    faults: &Faults,
    confidences: &Confidences,
    covered: impl Iterator<Item = (&'a Region, Finding)>,
    drop_outs: &[DropOut],
    film: &[FilmFind],
    size: (u32, u32),
) -> gst::Structure {
    gst::Structure::builder("mdecomplete/damage")
        .field(
            "channels",
            gst::Array::new(findings::channels(faults, confidences)),
        )
        .field(
            "covers",
            gst::Array::new(covered.map(|(region, finding)| cover(region, &finding, size))),
        )
        .field(
            "drop-outs",
            gst::Array::new(drop_outs.iter().map(findings::drop_out)),
        )
        .field("film", gst::Array::new(film.iter().map(findings::film)))
        .build()
}

/// A face in a frame of `size` = (width, height), and what is before it.
fn cover(region: &Region, finding: &Finding, size: (u32, u32)) -> gst::Structure {
    let (x, y, width, height) = region.bounds.pixels(size);
    gst::Structure::builder("cover")
        .field("face", region.id)
        .field("kinds", finding.kinds.to_string())
        .field("x", x)
        .field("y", y)
        .field("width", width)
        .field("height", height)
        .field("share", f64::from(finding.share))
        .field("confidence", f64::from(finding.confidence))
        .build()
}
