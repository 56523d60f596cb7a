//! What completing faces costs a whole pipeline: H.264 at 1920x1080 is decoded, completed and encoded
//! again, against the same with `identity`, and where the processors' time went.
//!
//! `cargo bench --bench whole-pipeline -- [PROPERTY=VALUE,... ...]`; each argument is one more
//! contender. Its clip is made of the public-domain portrait that `make setup` fetches.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst_controller::prelude::*;

mod measure;

use measure::{arguments, median};

const FPS: u32 = 30;
const FRAMES: u32 = 5 * FPS;
const ROUNDS: usize = 3;

/// What is compared with `identity` where nothing is named.
const SETTINGS: [&str; 4] = [
    "",
    "calibrate=false",
    "execution-provider=cpu",
    "execution-provider=cpu,num-threads=1",
];

fn main() {
    measure::init();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clip = folder.path().join("clip.mp4");
    make_clip(&clip);
    let named: Vec<String> = arguments().collect();
    let settings = match named.is_empty() {
        true => SETTINGS.map(String::from).to_vec(),
        false => named,
    };
    let mut contenders = vec!["identity".to_owned()];
    contenders.extend(settings.iter().map(|settings| {
        let properties = settings.replace(',', " ");
        format!("mdecomplete occlusion=eyes {properties}")
    }));
    println!("{FRAMES} frames of 1920x1080, decoded and encoded, median of {ROUNDS} turns");
    // In turns, so that all meet the same noise of the machine.
    let mut rounds: Vec<Vec<Played>> = contenders.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (played, contender) in rounds.iter_mut().zip(&contenders) {
            played.push(play(&clip, contender));
        }
    }
    let plain = median(rounds[0].iter().map(|played| played.seconds));
    for (contender, played) in contenders.iter().zip(&mut rounds) {
        let seconds = median(played.iter().map(|played| played.seconds));
        println!(
            "\n{contender}\n{seconds:8.2} s, {:.1} frames/s, {:.2} of identity's time",
            f64::from(FRAMES) / seconds,
            seconds / plain
        );
        played.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let played = &played[ROUNDS / 2];
        if let Some(provider) = &played.provider {
            println!("         {provider}");
        }
        let mut threads: Vec<_> = played.threads.iter().collect();
        threads.sort_by_key(|(_, time)| std::cmp::Reverse(**time));
        for (name, time) in threads.into_iter().take(6) {
            println!("{:8.2} s of a processor: {name}", time.as_secs_f64());
        }
    }
}

/// How a clip was played.
struct Played {
    /// From the first frame to the end, without loading.
    seconds: f64,
    /// Where the generator ran, and why.
    provider: Option<String>,
    /// Processor time by the threads' names.
    threads: BTreeMap<String, Duration>,
}

/// The portrait, 1600 pixels high, as it sways before a camera.
fn make_clip(clip: &Path) {
    let portrait = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../.deps/pictures/astronaut.png"
    );
    let pipeline = pipeline(&format!(
        "filesrc location={portrait} ! pngdec ! videoconvert ! videoscale \
         ! video/x-raw,format=I420,width=1600,height=1600 ! imagefreeze num-buffers={FRAMES} \
         ! video/x-raw,framerate={FPS}/1 ! mixed.sink_0 \
         compositor name=mixed ! video/x-raw,format=I420,width=1920,height=1080 \
         ! x264enc speed-preset=superfast ! h264parse ! mp4mux ! filesink location={}",
        clip.display()
    ));
    let mixed = pipeline.by_name("mixed").expect("the compositor");
    let pad = mixed.static_pad("sink_0").expect("its pad");
    for (property, period, middle) in [("xpos", 2.5, 160.0), ("ypos", 1.5, -60.0)] {
        let way = gst_controller::InterpolationControlSource::new();
        way.set_mode(gst_controller::InterpolationMode::Linear);
        for frame in 0..=FRAMES {
            let seconds = f64::from(frame) / f64::from(FPS);
            let place = middle + 50.0 * (TAU * seconds / period).sin();
            let time = gst::ClockTime::from_nseconds((seconds * 1e9) as u64);
            assert!(way.set(time, place), "a place in time");
        }
        let binding = gst_controller::DirectControlBinding::new_absolute(&pad, property, &way);
        pad.add_control_binding(&binding)
            .expect("a property that can move");
    }
    pipeline.set_state(gst::State::Playing).expect("a start");
    wait_for(&pipeline, gst::MessageType::Eos);
    pipeline.set_state(gst::State::Null).expect("an end");
}

/// Plays `clip` through `element`. The queues give each part a thread, which is called after them;
/// threads that a part starts are called as the one that starts them.
fn play(clip: &Path, element: &str) -> Played {
    let pipeline = pipeline(&format!(
        "filesrc location={} ! decodebin ! queue name=completing ! {element} \
         ! queue name=encoding ! x264enc speed-preset=superfast ! fakesink sync=false",
        clip.display()
    ));
    // Loads the models and brings the first frame to the end.
    pipeline.set_state(gst::State::Paused).expect("a start");
    let provider = wait_for(&pipeline, gst::MessageType::AsyncDone);
    let before = threads();
    let start = Instant::now();
    pipeline.set_state(gst::State::Playing).expect("a start");
    wait_for(&pipeline, gst::MessageType::Eos);
    let seconds = start.elapsed().as_secs_f64();
    let threads = spent(&before, &threads());
    pipeline.set_state(gst::State::Null).expect("an end");
    Played {
        seconds,
        provider,
        threads,
    }
}

fn pipeline(description: &str) -> gst::Pipeline {
    let pipeline = gst::parse::launch(description).expect("the elements");
    pipeline.downcast().expect("a pipeline")
}

/// Waits for a message of the type `wanted`; tells what the element says of its provider meanwhile.
fn wait_for(pipeline: &gst::Pipeline, wanted: gst::MessageType) -> Option<String> {
    let bus = pipeline.bus().expect("a bus");
    let types = [wanted, gst::MessageType::Element, gst::MessageType::Error];
    let mut provider = None;
    loop {
        let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(600), &types);
        let message = message.expect("a pipeline that comes to its end");
        match message.view() {
            gst::MessageView::Error(error) => panic!("{}: {:?}", error.error(), error.debug()),
            gst::MessageView::Element(_) => provider = provider_of(&message).or(provider),
            _ => return provider,
        }
    }
}

fn provider_of(message: &gst::Message) -> Option<String> {
    let structure = message.structure()?;
    let field = |name| structure.get::<&str>(name).ok();
    Some(format!(
        "{} {}: {}",
        field("execution-provider")?,
        field("precision")?,
        field("reason")?
    ))
}

/// A thread: number, name, processor time.
type Thread = (String, String, Duration);

/// The threads of this process.
fn threads() -> Vec<Thread> {
    let tasks = fs::read_dir("/proc/self/task").expect("the kernel's figures");
    tasks
        .flatten()
        .filter_map(|task| thread(&task.path()))
        .collect()
}

/// By `/proc/[pid]/task/[tid]/stat`: the name stands in brackets, and user's and system's time are
/// the 14th and 15th field, in hundredths of a second.
fn thread(task: &Path) -> Option<Thread> {
    let stat = fs::read_to_string(task.join("stat")).ok()?;
    let (head, tail) = stat.rsplit_once(") ")?;
    let (number, name) = head.split_once(" (")?;
    let mut fields = tail.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let time = Duration::from_millis(10 * (ticks()? + ticks()?));
    Some((number.to_owned(), name.to_owned(), time))
}

/// What was spent between the two, by names without numbers.
fn spent(before: &[Thread], after: &[Thread]) -> BTreeMap<String, Duration> {
    let mut times = BTreeMap::new();
    for (number, name, time) in after {
        let earlier = before.iter().find(|(other, _, _)| other == number);
        let time = time.saturating_sub(earlier.map_or(Duration::ZERO, |(_, _, time)| *time));
        let name = name.replace(|c: char| c.is_ascii_digit(), "");
        *times.entry(name).or_default() += time;
    }
    times
}
