//! Batches made while others are trained on.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::{Context, Result};

/// What `make` gives for update `first` and those after it, up to `ready` of them ahead, made by a
/// thread of its own that ends with the receiver.
///
/// # Errors
/// Where the thread cannot be started.
pub fn prefetched<T: Send + 'static>(
    ready: usize,
    first: u64,
    mut make: impl FnMut(u64) -> T + Send + 'static,
) -> Result<Receiver<T>> {
    let (send, receive) = sync_channel(ready);
    let work = move || {
        for update in first.. {
            if send.send(make(update)).is_err() {
                break;
            }
        }
    };
    thread::Builder::new()
        .name("batches".to_owned())
        .spawn(work)
        .context("no thread for making batches")?;
    Ok(receive)
}
