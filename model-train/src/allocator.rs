//! Settings of the C allocator that libtorch uses.

/// Keeps big blocks in the process instead of handing them back to the kernel after each tensor:
/// faulting fresh pages in for every activation costs about a third of an update.
pub fn keep_big_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: called before any thread is started; the options only steer malloc.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, libc::c_int::MAX);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
    }
}
