//! One unwinder for all C++ in the process.
//!
//! A C++ exception is raised by one function of an unwinder and carried on by another. libgcc has
//! both, and so has libunwind, which GStreamer brings into the process; neither carries on what the
//! other has raised. Which one a library gets the dynamic linker decides when it is loaded, and for
//! the C++ library, which raises, often only when it first does so. Where C++ has thrown before
//! GStreamer was loaded, as `import cv2` or `import torch` in Python do, exceptions are therefore
//! raised by libgcc, while libraries loaded later carry them on with libunwind, and the process ends
//! with the first exception that passes a function with something to clean up.

use std::ffi::c_void;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use object::{Object, ObjectSymbol, ObjectSymbolTable, RelocationTarget};

use super::library_search::file_of;

/// What the C++ library raises exceptions with.
const RAISE: &str = "_Unwind_RaiseException";

/// What every library carries them on with.
const RESUME: &str = "_Unwind_Resume";

/// Has the libraries loaded from `folder` carry exceptions on with the unwinder that raises them,
/// and before that loads those of `early` that can be, so that it reaches them in time. Where they
/// do anyway nothing is loaded or changed.
///
/// # Errors
/// A sentence where the process has two unwinders and cannot be helped.
pub fn reconcile(folder: &Path, early: &[PathBuf]) -> Result<(), String> {
    let Some(resume) = foreign_resume() else {
        return Ok(());
    };
    for file in early {
        // SAFETY: ONNX Runtime or OpenVINO would load the same file next.
        if let Ok(library) = unsafe { Library::open(Some(file), RTLD_NOW | RTLD_LOCAL) } {
            // For the rest of the process, as they would.
            std::mem::forget(library);
        }
    }
    for library in Loaded::all() {
        if library.file.starts_with(folder) {
            library.bind(RESUME, resume).map_err(|reason| {
                format!(
                    "C++ exceptions were thrown in this process before GStreamer was loaded, and \
                     {} cannot be fitted to that: {reason}",
                    library.file.display()
                )
            })?;
        }
    }
    Ok(())
}

/// The function that carries on what the C++ library raises, where that has made its choice and new
/// libraries would get another one.
fn foreign_resume() -> Option<usize> {
    let is_standard = |library: &Loaded| {
        let name = library.file.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with("libstdc++.so")
    };
    let standard = Loaded::all().into_iter().find(is_standard)?;
    let raise = standard.slots(RAISE).ok()?.first()?.load(Ordering::Relaxed);
    let unwinder = file_of(raise as *const c_void)?;
    if unwinder == standard.file {
        // Not chosen yet: it will get what new libraries get.
        return None;
    }
    // SAFETY: that library is loaded already.
    let unwinder = unsafe { Library::new(&unwinder) }.ok()?;
    let resume = address(&unwinder)?;
    // Where nothing is global, new libraries get what they depend on, which is libgcc.
    let usual = address(&Library::this());
    usual.filter(|usual| *usual != resume).map(|_| resume)
}

/// Where [`RESUME`] lies, looked up in `library` and what it depends on.
fn address(library: &Library) -> Option<usize> {
    // SAFETY: only its address is taken.
    let symbol = unsafe { library.get::<*const c_void>(RESUME.as_bytes()) }.ok()?;
    Some(symbol.into_raw() as usize)
}

/// A library that the process has loaded.
struct Loaded {
    file: PathBuf,
    /// Where it begins in memory.
    base: usize,
}

impl Loaded {
    /// All of them, as the kernel lists them.
    fn all() -> Vec<Self> {
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        maps.lines().filter_map(Self::of_mapping).collect()
    }

    /// The library that begins with a mapping such as
    /// `7f0000000000-7f0000001000 r--p 00000000 fe:00 1234   /usr/lib/libm.so.6`.
    fn of_mapping(line: &str) -> Option<Self> {
        let file = &line[line.find('/')?..];
        let mut fields = line.split_whitespace();
        let (start, _) = fields.next()?.split_once('-')?;
        let offset = fields.nth(1)?;
        (usize::from_str_radix(offset, 16).ok()? == 0 && file.contains(".so")).then_some(Self {
            file: file.into(),
            base: usize::from_str_radix(start, 16).ok()?,
        })
    }

    /// The places in memory where the dynamic linker writes the address of the function `name`.
    fn slots(&self, name: &str) -> Result<Vec<&'static AtomicUsize>, String> {
        let bytes = fs::read(&self.file).map_err(|e| e.to_string())?;
        let file = object::File::parse(&*bytes).map_err(|e| e.to_string())?;
        let (Some(symbols), Some(relocations)) =
            (file.dynamic_symbol_table(), file.dynamic_relocations())
        else {
            return Ok(Vec::new());
        };
        let is_named = |target| match target {
            RelocationTarget::Symbol(index) => {
                let symbol = symbols.symbol_by_index(index);
                symbol.is_ok_and(|symbol| symbol.name() == Ok(name))
            }
            _ => false,
        };
        let offsets = relocations.filter(|(_, r)| is_named(r.target()));
        let slots = offsets.map(|(offset, _)| {
            let place = self.base.wrapping_add(offset as usize);
            // SAFETY: the file says that an address is kept there, aligned as one. The library
            // stays loaded: the C++ library, or ONNX Runtime's and OpenVINO's, which the process
            // keeps.
            unsafe { &*(place as *const AtomicUsize) }
        });
        Ok(slots.collect())
    }

    /// Has the library call `address` where it calls the function `name`.
    fn bind(&self, name: &str, address: usize) -> Result<(), String> {
        for slot in self.slots(name)? {
            if slot.load(Ordering::Relaxed) != address {
                let _writable = Writable::page_of(slot)?;
                slot.store(address, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// A page that can be written to until this is dropped. The dynamic linker protects addresses that
/// it has written at the start.
struct Writable {
    page: *mut c_void,
    len: usize,
    was_writable: bool,
}

impl Writable {
    fn page_of(slot: &AtomicUsize) -> Result<Self, String> {
        // SAFETY: it has no preconditions.
        let len = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let len = usize::try_from(len).map_err(|e| e.to_string())?;
        let place = slot.as_ptr() as usize;
        let page = Self {
            page: (place & !(len - 1)) as *mut c_void,
            len,
            was_writable: is_writable(place),
        };
        page.protect(libc::PROT_READ | libc::PROT_WRITE)?;
        Ok(page)
    }

    fn protect(&self, access: libc::c_int) -> Result<(), String> {
        // SAFETY: a page of a loaded library's data, which stays readable and keeps its contents.
        match unsafe { libc::mprotect(self.page, self.len, access) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error().to_string()),
        }
    }
}

impl Drop for Writable {
    fn drop(&mut self) {
        if !self.was_writable {
            // Where it fails the page stays writable, which harms nobody.
            let _ = self.protect(libc::PROT_READ);
        }
    }
}

/// Whether the memory at `place` may be written to.
fn is_writable(place: usize) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().any(|line| {
        let mut fields = line.split_whitespace();
        let range = fields.next().and_then(|range| range.split_once('-'));
        let bound = |text| usize::from_str_radix(text, 16).unwrap_or(0);
        range.is_some_and(|(start, end)| (bound(start)..bound(end)).contains(&place))
            && fields.next().is_some_and(|access| access.contains('w'))
    })
}
