//! Completes faces in recordings and pictures: `mdecomplete file`, `mdecomplete picture`, and
//! `mdecomplete restore` for whole folders.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use mdecomplete_pipelines::file::Codec;
use mdecomplete_pipelines::interrupt::Interrupt;
use mdecomplete_pipelines::progress::Terminal;
use mdecomplete_pipelines::region::Square;
use mdecomplete_pipelines::restore::{self, Preset};
use mdecomplete_pipelines::sequence::Rate;
use mdecomplete_pipelines::settings::Setting;
use mdecomplete_pipelines::{Result, file, picture, plugin};

/// Completes missing parts of faces in recordings and pictures
#[derive(Parser)]
#[command(version, about, after_help = CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const CODES: &str = "\
Exit codes: 0 done, also where nothing was found to complete; 1 an element failed; 2 the command is \
wrong; 3 the input cannot be used; 4 the output cannot be written; 129, 130, 143 interrupted by \
SIGHUP, SIGINT (Ctrl-C), SIGTERM. But with 0 there is no output, and nothing half is left.";

const PROPERTIES: &str = "\
Properties are those of the element mdecomplete, as `gst-inspect-1.0 mdecomplete` lists them; \
occlusion=eyes where none is given.";

const RESTORE: &str = "\
Exit codes: 0 all clips are restored, now or before; 1 a clip failed, the others are restored; 2 the \
command is wrong; 3 a file that it names cannot be used; 4 the folder cannot be written, or the disk \
is full; 129, 130, 143 interrupted by SIGHUP, SIGINT (Ctrl-C), SIGTERM. After 1, 4 and interruptions, \
whatever they were, the same command with --resume does what is left.";

const PICTURE: &str = "\
Properties are those of the element mdecomplete, as `gst-inspect-1.0 mdecomplete` lists them. \
mask-from-alpha=true goes without saying for a picture with an alpha channel, and occlusion=eyes for \
one without where no property is given. For a picture that is itself an aligned face say \
region=full-frame.";

#[derive(Subcommand)]
enum Command {
    /// Completes a recording; sound, subtitles, chapters and tags are kept as they are
    ///
    /// The picture is coded as H.264 (4:2:0, 8 bits, constant quality), which everything plays; as VP9
    /// in WebM; and as AV1 or VP9 where a side has an odd number of pixels, which H.264 has not. Size, shape of the pixels, orientation
    /// and the time of each frame stay as they are.
    #[command(after_help = PROPERTIES, after_long_help = format!("{PROPERTIES}\n\n{CODES}"))]
    File {
        /// The recording, of any format that GStreamer decodes
        input: PathBuf,
        /// The file to write; its ending says what it is: .mp4, .mov, .mkv, .webm
        output: PathBuf,
        /// Properties of the element, such as occlusion=mouth mask-feather=3
        #[arg(value_name = "PROPERTY=VALUE")]
        settings: Vec<Setting>,
        /// Completes one square in which a face stays, without looking for faces: upper left corner
        /// and side in pixels. It is taken for an aligned face, eyes at 36 % and 64 % of its width and
        /// 40 % of its height
        #[arg(long, value_name = "X,Y,SIDE")]
        region: Option<Square>,
        /// Codes the picture as FFV1, which loses nothing; into .mkv
        #[arg(long)]
        lossless: bool,
        /// Codes sound anew that the output cannot hold as it is
        #[arg(long)]
        transcode_audio: bool,
        /// Leaves out subtitles that the output cannot hold
        #[arg(long)]
        drop_subtitles: bool,
        /// Replaces the output if it exists
        #[arg(long)]
        force: bool,
    },
    /// Completes a picture: its transparent parts, or what the properties say
    ///
    /// PNG, JPEG, WebP and TIFF are read, whatever their names, and written by the ending of the
    /// output, with as many bits as they had, their colour profile and their EXIF data. Faces are
    /// looked for in the picture as people see it, turned as its EXIF data say.
    #[command(after_help = PICTURE, after_long_help = format!("{PICTURE}\n\n{CODES}"))]
    Picture {
        /// The picture
        input: PathBuf,
        /// The file to write; its ending says what it is: .png, .jpg, .webp, .tif
        output: PathBuf,
        /// Properties of the element, such as occlusion=mouth mask-file=stain.png
        #[arg(value_name = "PROPERTY=VALUE")]
        settings: Vec<Setting>,
        /// Replaces the output if it exists
        #[arg(long)]
        force: bool,
    },
    /// Restores many recordings into a folder, and writes down what it does
    ///
    /// Each clip becomes a file of the same name, without loss unless --codec says otherwise; sound,
    /// subtitles, chapters, tags and the time of each frame are kept. The folder's manifest.jsonl says
    /// how far each clip is. A clip that cannot be read does not stop the others.
    #[command(after_help = RESTORE)]
    Restore(Restore),
    /// Restores one recording for `restore`
    #[command(name = restore::WORKER, hide = true)]
    Worker,
}

#[derive(Args)]
struct Restore {
    /// Recordings, numbered pictures such as shots/%05d.png, folders of them, patterns such as
    /// 'films/*.mov', and @LIST for the lines of a file; a mask clip.mask.png beside clip.mov says what
    /// is missing in it
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<String>,
    /// The folder to write to; the folders within an input folder stay
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Properties of the element, such as damaged-channels=red
    #[arg(long = "set", value_name = "PROPERTY=VALUE")]
    settings: Vec<Setting>,
    /// Kinds of damage
    #[arg(long)]
    preset: Vec<Preset>,
    /// What the picture is coded as
    #[arg(long, default_value = "ffv1")]
    codec: Codec,
    /// Pictures a second of sequences, such as 24 or 30000/1001; 24 where it is not said
    #[arg(long, value_name = "N[/D]")]
    frame_rate: Option<Rate>,
    /// Codes sound anew that the output cannot hold as it is
    #[arg(long)]
    transcode_audio: bool,
    /// Leaves out subtitles that the output cannot hold
    #[arg(long)]
    drop_subtitles: bool,
    /// Goes on with what was begun in the folder; what is done is not done again
    #[arg(long)]
    resume: bool,
    /// Replaces files that no earlier run has written, or that were changed since
    #[arg(long)]
    force: bool,
    /// Cuts recordings at key frames into segments of at least so many seconds, which are restored side
    /// by side and joined without loss; 0 cuts none
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    segments: f64,
    /// Recordings and segments at once
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// Threads of an inference, for each recording; the processors are shared out otherwise
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    threads: Option<u32>,
    /// Gives way to other programs: 0 does not, 19 most
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(i32).range(0..=19))]
    nice: i32,
    /// Writes what happens as lines of JSON on standard output, for machines
    #[arg(long)]
    json: bool,
    /// Writes FOLDER/report.html, a page about the run: pictures before and after, what was changed
    /// when, and what failed
    #[arg(long)]
    report: bool,
    /// Completes nothing, but writes clips to FOLDER/dry-run in which all that would be completed is
    /// tinted
    #[arg(long, conflicts_with = "codec")]
    dry_run: bool,
    /// Restores nothing, but tells what would come of which recording, as lines of JSON
    #[arg(long)]
    list: bool,
}

/// A number of seconds.
fn seconds(text: &str) -> std::result::Result<f64, String> {
    let seconds = text.parse().ok();
    let seconds = seconds.filter(|seconds| (0.0..=1e9).contains(seconds));
    seconds.ok_or_else(|| format!("'{text}' is no number of seconds"))
}

impl From<Restore> for restore::Order {
    fn from(restore: Restore) -> Self {
        Self {
            inputs: restore.inputs,
            out: restore.out,
            settings: restore::with_presets(&restore.preset, &restore.settings),
            codec: restore.codec,
            frame_rate: restore.frame_rate,
            transcode_audio: restore.transcode_audio,
            drop_subtitles: restore.drop_subtitles,
            resume: restore.resume,
            force: restore.force,
            segments: restore.segments,
            jobs: restore.jobs.into(),
            threads: restore.threads,
            nice: restore.nice,
            json: restore.json,
            report: restore.report,
            dry_run: restore.dry_run,
            list: restore.list,
        }
        .unless_dry()
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(told) => {
            if let Some(told) = told {
                println!("{told}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mdecomplete: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// What was done, in words.
fn run(command: Command) -> Result<Option<String>> {
    let interrupt = Interrupt::listen()?;
    // A worker tells its run what it does not find.
    if !matches!(command, Command::Worker) {
        plugin::load()?;
    }
    match command {
        Command::File {
            input,
            output,
            settings,
            region,
            lossless,
            transcode_audio,
            drop_subtitles,
            force,
        } => {
            let job = file::Job {
                input,
                frame_rate: None,
                output,
                settings,
                masks: None,
                region,
                codec: lossless.then_some(Codec::Ffv1),
                transcode_audio,
                drop_subtitles,
                force,
                seed: None,
            };
            let summary = file::run(&job, &interrupt, &mut Terminal::default())?;
            Ok(Some(format!("{}: {summary}", job.output.display())))
        }
        Command::Picture {
            input,
            output,
            settings,
            force,
        } => {
            let job = picture::Job {
                input,
                output,
                settings,
                force,
            };
            let summary = picture::run(&job, &interrupt)?;
            Ok(Some(format!("{}: {summary}", job.output.display())))
        }
        Command::Restore(restore) => {
            let order = restore.into();
            let tally = restore::run(&order, &interrupt)?;
            Ok((!order.json && !order.list).then(|| tally.to_string()))
        }
        Command::Worker => {
            restore::serve(&interrupt)?;
            Ok(None)
        }
    }
}
