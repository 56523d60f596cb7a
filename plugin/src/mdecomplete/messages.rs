//! The element messages that the element posts, as structures.

use crate::completer::Completer;

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

/// That there is nothing to complete by a mask that `property` asks for.
pub fn covers_nothing(property: &str, reason: &str) -> gst::Structure {
    gst::Structure::builder("mdecomplete/covers-nothing")
        .field("property", property)
        .field("reason", reason)
        .build()
}
