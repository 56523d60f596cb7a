//! The recordings that a run is asked for, and the files that come of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use crate::file::Codec;
use crate::sequence::Pattern;
use crate::{Error, Result, aside};

/// A recording, or a sequence of pictures, and what is to come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// The recording, or the pattern of the pictures.
    pub input: PathBuf,
    /// The file to write, or the pattern of pictures, within the folder of the run.
    pub output: PathBuf,
    /// The picture beside the recording that says what is missing in it, if there is one.
    pub mask: Option<PathBuf>,
    /// The folder of masks for single frames beside it, if there is one.
    pub masks: Option<PathBuf>,
}

/// The clips of `arguments`, in their order: files, folders, patterns, names of numbered pictures, and
/// lists of these in files that an `@` stands before. `out` is the folder of the run, which is not looked into.
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
            output: output(&input, &place, codec),
            mask: Some(beside(&input, "mask.png")).filter(|mask| mask.is_file()),
            masks: Some(beside(&input, "mask")).filter(|masks| masks.is_dir()),
            input,
        })
        .collect();
    without_clashes(clips)
}

/// Recordings and patterns of pictures, and where they lie within what was asked for; sequences are as
/// files without an ending there.
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
    if let Some(pattern) = Pattern::of(path) {
        let failed = |e: String| Error::Usage(format!("the pictures {argument}: {e}"));
        let numbers = pattern.numbers().map_err(|e| failed(e.to_string()))?;
        if numbers.is_empty() {
            return Err(failed("there is none of such a name".to_owned()));
        }
        let place = called(path);
        found.push((
            path.to_owned(),
            place.file_name().unwrap_or_default().into(),
        ));
        return Ok(());
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
    let is_of_masks = |name: &std::ffi::OsStr| name.as_encoded_bytes().ends_with(b".mask");
    let entries = WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            let name = entry.file_name();
            let is_inside = entry.depth() == 0 || !is_hidden(name) && !is_of_masks(name);
            is_inside && !aside::is_same(entry.path(), out)
        });
    let mut pictures: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let before = found.len();
    for entry in entries {
        let entry =
            entry.map_err(|e| Error::Usage(format!("the folder {}: {e}", folder.display())))?;
        let path = entry.path();
        if !entry.file_type().is_file() {
            continue;
        }
        if is_recording(path) {
            let place = path.strip_prefix(folder).unwrap_or(path).to_owned();
            found.push((path.to_owned(), place));
        } else if let (Some(name), Some(parent)) = (entry.file_name().to_str(), path.parent()) {
            let names = pictures.entry(parent.to_owned()).or_default();
            names.push(name.to_owned());
        }
    }
    for (parent, names) in pictures {
        for pattern in Pattern::among(&parent, names.iter().map(String::as_str), 2) {
            let path = pattern.path();
            let place = called(&path);
            // The folder itself has no place in itself.
            let place = match place.strip_prefix(folder) {
                Ok(place) if !place.as_os_str().is_empty() => place.to_owned(),
                _ => place.file_name().unwrap_or_default().into(),
            };
            found.push((path, place));
        }
    }
    found[before..].sort();
    Ok(())
}

/// What a sequence of pictures would be called if it were one file: the name of its folder, in which its
/// own name stands where it has one.
fn called(path: &Path) -> PathBuf {
    let Some(pattern) = Pattern::of(path) else {
        return path.to_owned();
    };
    // The folder in which the program runs has a name too.
    let folder = std::path::absolute(pattern.folder().join("."));
    let folder: PathBuf = folder.map_or_else(
        |_| pattern.folder().to_owned(),
        |all| all.components().collect(),
    );
    match pattern.title() {
        "" => folder,
        title => folder.join(title),
    }
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

/// What is to come of `input` that lies at `place`.
fn output(input: &Path, place: &Path, codec: Codec) -> PathBuf {
    let pattern = Pattern::of(input);
    match (codec, pattern) {
        (Codec::PngSequence, Some(pattern)) => pattern.moved(place.to_owned()).path(),
        (Codec::PngSequence, None) => Pattern::within(place.with_extension("")).path(),
        (_, Some(_)) => with_ending(place, codec.endings()[0]),
        (_, None) => place.with_extension(ending(place, codec)),
    }
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

/// `path`, which has no ending whatever dots are in it, with one.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

/// What lies beside `clip.mp4`, or the folder `clip` of pictures, as `clip.mask.png`.
pub fn beside(input: &Path, ending: &str) -> PathBuf {
    match Pattern::of(input) {
        Some(_) => with_ending(&called(input), ending),
        None => input.with_extension(ending),
    }
}

/// Bytes of what `clip` is made from; as many as can be known.
pub fn size(clip: &Clip) -> u64 {
    let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    match Pattern::of(&clip.input) {
        Some(pattern) => {
            let numbers = pattern.numbers().unwrap_or_default();
            numbers
                .iter()
                .map(|number| size(&pattern.file(*number)))
                .sum()
        }
        None => size(&clip.input),
    }
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
    fn sequences_are_called_as_their_folders() {
        let png = Codec::PngSequence;
        for (input, place, codec, wanted) in [
            ("f/s.1/%05d.dpx", "s.1", Codec::Ffv1, "s.1.mkv"),
            ("f/s.1/%05d.dpx", "s.1", png, "s.1/%05d.png"),
            ("f/s/a_%d.tif", "s/a", png, "s/a/a_%d.png"),
            ("f/a.mp4", "a.mp4", png, "a/%05d.png"),
        ] {
            let made = output(Path::new(input), Path::new(place), codec);
            assert_eq!(made, Path::new(wanted), "{input}");
        }
        let mask = beside(Path::new("/f/s.1/%05d.dpx"), "mask.png");
        assert_eq!(mask, Path::new("/f/s.1.mask.png"));
        assert_eq!(called(Path::new("/f/s/a_%d.tif")), Path::new("/f/s/a"));
    }

    #[test]
    fn a_pattern_begins_with_folders() {
        let start = |pattern| fixed_start(Path::new(pattern));
        assert_eq!(start("films/*/reel?.mkv"), Path::new("films"));
        assert_eq!(start("/a/b/*.mkv"), Path::new("/a/b"));
        assert_eq!(start("*.mkv"), Path::new(""));
    }
}
