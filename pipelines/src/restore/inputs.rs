//! The recordings that a run is asked for, and the files that come of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use crate::file::Codec;
use crate::{Error, Result, aside};

/// A recording and the file to come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// The recording.
    pub input: PathBuf,
    /// The file to write, within the folder of the run.
    pub output: PathBuf,
    /// The picture beside the recording that says what is missing in it, if there is one.
    pub mask: Option<PathBuf>,
}

/// The clips of `arguments`, in their order: files, folders, patterns, and lists of these in files
/// that an `@` stands before. `out` is the folder of the run, which is not looked into.
///
/// # Errors
/// [`Error::Usage`] if a list or folder cannot be read, a pattern fits nothing, or two clips would be
/// written to one file.
pub fn gather(arguments: &[String], out: &Path, codec: Codec) -> Result<Vec<Clip>> {
    let mut found = Vec::new();
    for argument in arguments {
        match argument.strip_prefix('@') {
            Some(list) if !Path::new(argument).exists() => {
                from_list(Path::new(list), out, &mut found)?
            }
            _ => from_argument(argument, out, &mut found)?,
        }
    }
    let clips: Vec<_> = found
        .into_iter()
        .map(|(input, place)| Clip {
            output: place.with_extension(ending(&place, codec)),
            mask: mask_beside(&input),
            input,
        })
        .collect();
    without_clashes(clips)
}

/// Recordings, and where they lie within what was asked for.
type Found = Vec<(PathBuf, PathBuf)>;

fn from_list(list: &Path, out: &Path, found: &mut Found) -> Result<()> {
    let unread = |e| Error::Usage(format!("the list {}: {e}", list.display()));
    let text = fs::read_to_string(list).map_err(unread)?;
    let folder = list.parent().unwrap_or(Path::new(""));
    let lines = text.lines().map(str::trim_end);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        // A path that is absolute stays so.
        let place = folder.join(line);
        from_argument(&place.to_string_lossy(), out, found)?;
    }
    Ok(())
}

fn from_argument(argument: &str, out: &Path, found: &mut Found) -> Result<()> {
    let path = Path::new(argument);
    if path.is_dir() {
        return from_folder(path, out, found);
    }
    // A file whose name has such letters is meant itself.
    if path.exists() || !argument.contains(['*', '?', '[']) {
        let name = path.file_name().unwrap_or_default();
        found.push((path.to_owned(), PathBuf::from(name)));
        return Ok(());
    }
    let failed = |e: String| Error::Usage(format!("the pattern '{argument}': {e}"));
    let paths = glob::glob(argument).map_err(|e| failed(e.to_string()))?;
    let start = fixed_start(path);
    let before = found.len();
    for path in paths {
        let path = path.map_err(|e| failed(e.to_string()))?;
        if path.is_dir() {
            from_folder(&path, out, found)?;
        } else if is_recording(&path) {
            let place = path.strip_prefix(&start).unwrap_or(&path).to_owned();
            found.push((path, place));
        }
    }
    match found.len() > before {
        true => Ok(()),
        false => Err(failed("no recording fits it".to_owned())),
    }
}

/// The folders of a pattern before the first that is one.
fn fixed_start(pattern: &Path) -> PathBuf {
    let is_fixed = |part: &Component| {
        let part = part.as_os_str().to_string_lossy();
        !part.contains(['*', '?', '['])
    };
    pattern.components().take_while(is_fixed).collect()
}

fn from_folder(folder: &Path, out: &Path, found: &mut Found) -> Result<()> {
    let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let entries = WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            let is_inside = entry.depth() == 0 || !is_hidden(entry.file_name());
            is_inside && !aside::is_same(entry.path(), out)
        });
    for entry in entries {
        let entry =
            entry.map_err(|e| Error::Usage(format!("the folder {}: {e}", folder.display())))?;
        if entry.file_type().is_file() && is_recording(entry.path()) {
            let path = entry.path();
            let place = path.strip_prefix(folder).unwrap_or(path).to_owned();
            found.push((path.to_owned(), place));
        }
    }
    Ok(())
}

/// Whether the file `path`, which nobody has named, is to be restored: whether its beginning, or its
/// name where that is damaged, is that of a recording with a picture.
fn is_recording(path: &Path) -> bool {
    /// Enough to know transport streams by.
    const BEGINNING: u64 = 1 << 16;
    let mut beginning = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut beginning));
    let found = read.ok().and_then(|_| {
        let found = gst_base::type_find_helper_for_data(None::<&gst::Object>, &beginning);
        found.ok().map(|(caps, _)| caps)
    });
    match found.filter(|caps| !is_unspecific(caps)) {
        Some(caps) => has_picture(&caps),
        None => {
            let ending = path.extension().unwrap_or_default();
            has_name(&ending.to_string_lossy().to_lowercase())
        }
    }
}

/// Whether `caps` are what any file may seem to be.
fn is_unspecific(caps: &gst::Caps) -> bool {
    caps.structure(0)
        .is_none_or(|s| s.name().starts_with("text/"))
}

/// Containers of pictures whose formats do not begin with `video/`.
const CONTAINERS: [&str; 3] = [
    "application/ogg",
    "application/mxf",
    "application/vnd.rn-realmedia",
];

fn has_picture(caps: &gst::Caps) -> bool {
    let name = caps.structure(0).map_or("", |s| s.name().as_str());
    name.starts_with("video/") || CONTAINERS.contains(&name)
}

/// Whether GStreamer knows the ending of a name as one of recordings with pictures.
fn has_name(ending: &str) -> bool {
    let mut kinds = gst::TypeFindFactory::factories().into_iter();
    kinds.any(|kind| {
        let endings = kind.extensions();
        kind.caps().is_some_and(|caps| has_picture(&caps))
            && endings.iter().any(|known| known.as_str() == ending)
    })
}

/// What the name of the file that comes of `place` ends in: as before, where that can hold it.
fn ending(place: &Path, codec: Codec) -> String {
    let own = place.extension().unwrap_or_default();
    let own = own.to_string_lossy();
    let fits = |ending: &&&str| own.eq_ignore_ascii_case(ending);
    let endings = codec.endings();
    match endings.iter().find(fits) {
        Some(_) => own.into_owned(),
        None => endings[0].to_owned(),
    }
}

/// The picture `clip.mask.png` beside `clip.mp4`.
fn mask_beside(input: &Path) -> Option<PathBuf> {
    Some(input.with_extension("mask.png")).filter(|mask| mask.is_file())
}

/// The folder `clip.mask` beside `clip.mp4`.
pub fn masks_beside(input: &Path) -> Option<PathBuf> {
    Some(input.with_extension("mask")).filter(|folder| folder.is_dir())
}

/// `clips`, each once.
fn without_clashes(clips: Vec<Clip>) -> Result<Vec<Clip>> {
    let mut by_output: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    let mut kept = Vec::with_capacity(clips.len());
    for clip in clips {
        match by_output.get(&clip.output) {
            Some(other) if aside::is_same(other, &clip.input) => {}
            Some(other) => {
                return Err(Error::Usage(format!(
                    "{} and {} would both be written to {}: restore them into folders of their own",
                    other.display(),
                    clip.input.display(),
                    clip.output.display()
                )));
            }
            None => {
                by_output.insert(clip.output.clone(), clip.input.clone());
                kept.push(clip);
            }
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_stay_where_they_can() {
        for (name, codec, wanted) in [
            ("a.mp4", Codec::Ffv1, "mkv"),
            ("a.MP4", Codec::X264, "MP4"),
            ("a.ts", Codec::X265, "mkv"),
            ("a.mov", Codec::Prores, "mov"),
            ("a.mkv", Codec::Prores, "mov"),
            ("a", Codec::Ffv1, "mkv"),
        ] {
            assert_eq!(ending(Path::new(name), codec), wanted, "{name}");
        }
    }

    #[test]
    fn a_pattern_begins_with_folders() {
        let start = |pattern| fixed_start(Path::new(pattern));
        assert_eq!(start("films/*/reel?.mkv"), Path::new("films"));
        assert_eq!(start("/a/b/*.mkv"), Path::new("/a/b"));
        assert_eq!(start("*.mkv"), Path::new(""));
    }
}
