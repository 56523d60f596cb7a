//! Where compiled models are kept between runs.

use std::fs;
use std::path::PathBuf;

use super::backend::Backend;
use super::model::Key;
use super::{Library, RuntimeError};

/// The folder for compiled models of `key`, made if it is not there: below the user's folder, one
/// for each model, provider, precision, release of the provider, and device. Nothing where the user
/// named no folder, or the provider compiles nothing worth keeping.
pub fn folder(
    library: &Library,
    key: &Key,
    backend: &dyn Backend,
) -> Result<Option<PathBuf>, RuntimeError> {
    let (Some(dir), Some(version)) = (&key.cache_dir, backend.cache_version(library)) else {
        return Ok(None);
    };
    let device = key.device.as_deref().unwrap_or("default");
    let name = format!(
        "{}-{}-{}-{version}-{}",
        hex(&key.fingerprint[..8]),
        key.provider,
        key.precision,
        plain(device)
    );
    let folder = dir.join(name);
    fs::create_dir_all(&folder).map_err(|reason| RuntimeError::Cache {
        folder: folder.clone(),
        reason,
    })?;
    Ok(Some(folder))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `text` as part of a file name.
fn plain(text: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || c == '.';
    text.chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_cannot_leave_the_folder() {
        assert_eq!(plain("GPU.1"), "GPU.1");
        assert_eq!(plain("../../etc"), ".._.._etc");
    }

    #[test]
    fn hexadecimal_digits_are_two_a_byte() {
        assert_eq!(hex(&[0, 0x0a, 0xff]), "000aff");
    }
}
