//! Keys, from the window and from the terminal. All of them arrive on the pipeline's bus.

use std::io::BufRead;

use gst_video::{NavigationEvent, NavigationEventMessage};

/// The message that a key typed into the terminal is.
const TYPED: &str = "typed";

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Another part of the faces.
    Occlusion,
    /// Less of the completion.
    Weaker,
    /// More of the completion.
    Stronger,
    /// Another model.
    Model,
    /// The end.
    Quit,
}

impl Key {
    /// The key in a message of the bus, if there is one.
    pub fn of(message: &gst::MessageRef) -> Option<Self> {
        let name = match message.view() {
            gst::MessageView::Application(application) => {
                let typed = application.structure().filter(|s| s.name() == TYPED)?;
                typed.get::<String>("key").ok()?
            }
            _ => {
                let message = NavigationEventMessage::parse(message).ok()?;
                match NavigationEvent::parse(&message.event).ok()? {
                    NavigationEvent::KeyPress { key, .. } => key,
                    _ => return None,
                }
            }
        };
        match name.as_str() {
            "o" => Some(Self::Occlusion),
            "-" | "minus" => Some(Self::Weaker),
            "+" | "plus" => Some(Self::Stronger),
            "m" => Some(Self::Model),
            "q" | "Escape" => Some(Self::Quit),
            _ => None,
        }
    }
}

/// Posts each line of the standard input as a key on `bus`, from a thread of its own.
pub fn read_terminal(bus: &gst::Bus) {
    let bus = bus.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let typed = gst::Structure::builder(TYPED).field("key", line.trim());
            let message = gst::message::Application::new(typed.build());
            if bus.post(message).is_err() {
                break;
            }
        }
    });
}
