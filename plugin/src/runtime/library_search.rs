//! Where ONNX Runtime may lie, and whether what lies there can be used.

use std::ffi::{CStr, OsString, c_void};
use std::fmt;
use std::path::{Path, PathBuf};

use libloading::Library;
use ort::sys::{ORT_API_VERSION, OrtApiBase};

/// Environment variable that names the library file.
pub const VARIABLE: &str = "MDECOMPLETE_ORT";

/// A place that was looked at in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// File, folder, or name given to the dynamic linker.
    pub path: PathBuf,
    /// Why nothing there can be used.
    pub reason: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// A library that can be used.
#[derive(Debug)]
pub struct Found {
    /// Keeps it loaded.
    pub library: Library,
    /// The file, absolute, symbolic links resolved.
    pub path: PathBuf,
    /// As the library gives it, such as `1.32.0`.
    pub version: String,
}

/// A place to look at.
#[derive(Clone, Debug)]
pub enum Spot {
    /// A folder with files `libonnxruntime.so*`.
    Folder(PathBuf),
    /// A name for the dynamic linker's own search.
    Linker(&'static str),
}

/// The places to look at, in order.
#[derive(Clone, Debug)]
pub struct LibrarySearch {
    /// A file that, when set, is the only place.
    pub named: Option<PathBuf>,
    /// The places otherwise.
    pub spots: Vec<Spot>,
}

/// Why a search found nothing.
#[derive(Debug)]
pub enum Failure {
    /// The named file cannot be used.
    Named(Place),
    /// None of the places has a usable library.
    Nowhere(Vec<Place>),
}

impl LibrarySearch {
    /// The file that [`VARIABLE`] names; else the plug-in's own folder, the folder of
    /// dependencies known at build time, the linker's search, the usual system folders.
    pub fn from_environment() -> Self {
        let dependencies = Path::new(env!("MDECOMPLETE_DEPS_DIR")).join("onnxruntime/lib");
        let system = [
            "/usr/local/lib".to_owned(),
            format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH),
            "/usr/lib64".to_owned(),
            "/usr/lib".to_owned(),
            "/opt/onnxruntime/lib".to_owned(),
        ];
        let folders = own_folder().into_iter().chain([dependencies]);
        let linker = ["libonnxruntime.so", "libonnxruntime.so.1"];
        Self {
            named: named(),
            spots: folders
                .map(Spot::Folder)
                .chain(linker.map(Spot::Linker))
                .chain(system.map(PathBuf::from).map(Spot::Folder))
                .collect(),
        }
    }

    /// The first usable library.
    pub fn run(&self) -> Result<Found, Failure> {
        let at = |path: &Path, reason| Place {
            path: path.to_path_buf(),
            reason,
        };
        if let Some(file) = &self.named {
            return probe(file).map_err(|reason| Failure::Named(at(file, reason)));
        }
        let mut vain = Vec::new();
        for spot in &self.spots {
            let files = match spot {
                Spot::Linker(name) => vec![PathBuf::from(name)],
                Spot::Folder(folder) => match libraries_in(folder) {
                    Ok(files) => files,
                    Err(reason) => {
                        vain.push(at(folder, reason));
                        continue;
                    }
                },
            };
            for file in files {
                match probe(&file) {
                    Ok(found) => return Ok(found),
                    Err(reason) => vain.push(at(&file, reason)),
                }
            }
        }
        Err(Failure::Nowhere(vain))
    }
}

/// The value of [`VARIABLE`]; set but empty counts as not set.
pub fn named() -> Option<PathBuf> {
    std::env::var_os(VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Loads `path` (a file, or a name for the linker's search) and asks it for its version and for
/// the interface that this crate is built against.
///
/// All of this goes through `dlopen` alone, because `ort` hangs or panics when it meets a library
/// that it cannot use.
fn probe(path: &Path) -> Result<Found, String> {
    if path.is_absolute() && !path.is_file() {
        return Err("no such file".to_owned());
    }
    // SAFETY: loading runs the library's initialisers. The places looked at hold ONNX Runtime,
    // whose initialisers have no preconditions, or are named by the user for that very purpose.
    let library = unsafe { Library::new(path) }.map_err(|e| e.to_string())?;
    // SAFETY: the C interface of ONNX Runtime declares the function with this signature.
    let get_base = unsafe {
        library.get::<unsafe extern "C" fn() -> *const OrtApiBase>(c"OrtGetApiBase".to_bytes())
    }
    .map_err(|_| "not ONNX Runtime: it does not export OrtGetApiBase".to_owned())?;
    // SAFETY: the function has no preconditions; its result is null or points to a static.
    let base = unsafe { get_base().as_ref() }.ok_or("OrtGetApiBase gives nothing")?;
    // SAFETY: the version is a static, zero-terminated string.
    let version = unsafe { CStr::from_ptr((base.GetVersionString)()) }
        .to_string_lossy()
        .into_owned();
    if !is_recent(&version) {
        return Err(format!(
            "version {version} is too old: 1.{ORT_API_VERSION} or later is needed"
        ));
    }
    // SAFETY: the function takes any number and gives null for versions it does not know.
    if unsafe { (base.GetApi)(ORT_API_VERSION) }.is_null() {
        return Err(format!(
            "version {version} does not offer interface {ORT_API_VERSION}"
        ));
    }
    let path = file_of(*get_base as *const c_void)
        .ok_or("the dynamic linker does not say which file it loaded")?;
    Ok(Found {
        library,
        path,
        version,
    })
}

/// Whether `version`, such as `1.32.0`, has the interface that `ort` is built against.
fn is_recent(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(1)), Some(Ok(minor))) => minor >= ORT_API_VERSION,
        _ => false,
    }
}

/// The files `libonnxruntime.so*` of a folder: the plain name first, then the newest version.
fn libraries_in(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => "no such folder".to_owned(),
        _ => e.to_string(),
    })?;
    let mut names: Vec<OsString> = entries
        .filter_map(|entry| entry.ok().map(|e| e.file_name()))
        .filter(|name| {
            let name = name.to_string_lossy();
            name == "libonnxruntime.so" || name.starts_with("libonnxruntime.so.")
        })
        .collect();
    if names.is_empty() {
        return Err("no libonnxruntime.so* in this folder".to_owned());
    }
    names.sort_by_key(|name| {
        let name = name.to_string_lossy();
        let suffix = name.trim_start_matches("libonnxruntime.so");
        let numbers: Vec<u32> = suffix.split('.').filter_map(|n| n.parse().ok()).collect();
        (!suffix.is_empty(), std::cmp::Reverse(numbers))
    });
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// The folder of the plug-in (or of the program, where this crate is linked into one).
pub fn own_folder() -> Option<PathBuf> {
    let file = file_of(own_folder as *const c_void)?;
    file.parent().map(Path::to_path_buf)
}

/// The file that holds the code or data at `address`.
pub fn file_of(address: *const c_void) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;

    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: dladdr accepts any address and writes to `info` only.
    if unsafe { libc::dladdr(address, info.as_mut_ptr()) } == 0 {
        return None;
    }
    // SAFETY: all-zero is a valid `Dl_info`, and dladdr has filled it in.
    let info = unsafe { info.assume_init() };
    if info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: the name is zero-terminated and lives as long as the file stays loaded, which it
    // does during this call: its code or data is what the caller asks about.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()))
        .canonicalize()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_recent("1.32.0"));
        assert!(is_recent(&format!("1.{ORT_API_VERSION}.0-rc1")));
        assert!(!is_recent("1.9.1"));
        assert!(!is_recent("2.0.0"));
        assert!(!is_recent(""));
    }

    #[test]
    fn plain_name_comes_first_then_the_newest() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in [
            "libonnxruntime.so.1.9.0",
            "libonnxruntime.so.1.32.0",
            "libonnxruntime.so",
            "libonnxruntime_providers_shared.so",
        ] {
            std::fs::write(folder.path().join(name), "").expect("an empty file");
        }
        let names: Vec<_> = libraries_in(folder.path())
            .expect("libraries")
            .iter()
            .map(|p| p.file_name().expect("a name").to_owned())
            .collect();
        assert_eq!(
            names,
            [
                "libonnxruntime.so",
                "libonnxruntime.so.1.32.0",
                "libonnxruntime.so.1.9.0"
            ]
        );
    }

    #[test]
    fn every_place_is_listed_with_its_reason() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let garbage = folder.path().join("libonnxruntime.so");
        std::fs::write(&garbage, "not a library").expect("a file");
        let absent = folder.path().join("absent");
        let search = LibrarySearch {
            named: None,
            spots: vec![
                Spot::Folder(absent.clone()),
                Spot::Folder(folder.path().to_path_buf()),
                Spot::Linker("libm.so.6"),
            ],
        };
        let Err(Failure::Nowhere(places)) = search.run() else {
            panic!("there is no ONNX Runtime in these places");
        };
        assert_eq!(places[0].path, absent);
        assert_eq!(places[0].reason, "no such folder");
        assert_eq!(places[1].path, garbage);
        assert!(places[2].reason.contains("OrtGetApiBase"), "{}", places[2]);
    }

    #[test]
    fn a_named_file_is_the_only_place() {
        let search = LibrarySearch {
            named: Some("/nowhere/libonnxruntime.so".into()),
            ..LibrarySearch::from_environment()
        };
        let Err(Failure::Named(place)) = search.run() else {
            panic!("the named file does not exist");
        };
        assert_eq!(
            place.to_string(),
            "/nowhere/libonnxruntime.so: no such file"
        );
    }
}
