//! Completes faces in recordings and pictures: `mdecomplete file` and `mdecomplete picture`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mdecomplete_pipelines::interrupt::Interrupt;
use mdecomplete_pipelines::region::Square;
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
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mdecomplete: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// What was done, in words.
fn run(command: Command) -> Result<String> {
    let interrupt = Interrupt::listen()?;
    plugin::load()?;
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
                output,
                settings,
                region,
                lossless,
                transcode_audio,
                drop_subtitles,
                force,
            };
            let summary = file::run(&job, &interrupt)?;
            Ok(format!("{}: {summary}", job.output.display()))
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
            Ok(format!("{}: {summary}", job.output.display()))
        }
    }
}
