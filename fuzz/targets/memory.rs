//! How much memory one run holds, of which every target names a bound by the length of its input. Counted is what the whole
//! process allocates, C libraries and SQLite too, as AddressSanitizer tells it.
#![allow(dead_code)]

use std::ffi::{c_int, c_void};
use std::sync::Once;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

unsafe extern "C" {
    fn __sanitizer_install_malloc_and_free_hooks(
        allocated: extern "C" fn(*const c_void, usize),
        freed: extern "C" fn(*const c_void),
    ) -> c_int;
    fn __sanitizer_get_allocated_size(pointer: *const c_void) -> usize;
}

/// Bytes that are held, and the most since the run began.
static LIVE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);
/// What [`LIVE`] may not pass.
static LIMIT: AtomicIsize = AtomicIsize::new(isize::MAX);
/// The most that a run has held.
static RECORD: AtomicIsize = AtomicIsize::new(1 << 20);

pub const MIB: usize = 1 << 20;

extern "C" fn allocated(_: *const c_void, bytes: usize) {
    let live = LIVE.fetch_add(bytes.cast_signed(), Relaxed) + bytes.cast_signed();
    PEAK.fetch_max(live, Relaxed);
    // libFuzzer then keeps the input, and says where this was.
    if live > LIMIT.load(Relaxed) && LIMIT.swap(isize::MAX, Relaxed) != isize::MAX {
        eprintln!("a run holds more than it may: {bytes} bytes are too many");
        std::process::abort();
    }
}

extern "C" fn freed(pointer: *const c_void) {
    if !pointer.is_null() {
        // SAFETY: the sanitizer is asked of what it is about to free.
        LIVE.fetch_sub(unsafe { __sanitizer_get_allocated_size(pointer) }.cast_signed(), Relaxed);
    }
}

/// Does `run`, which may hold `most` bytes at a time besides what was held before; more end the process.
pub fn bounded<T>(most: usize, run: impl FnOnce() -> T) -> T {
    static COUNTING: Once = Once::new();
    COUNTING.call_once(|| {
        // SAFETY: both hooks are functions that live as long as the process, and allocate nothing.
        let slot = unsafe { __sanitizer_install_malloc_and_free_hooks(allocated, freed) };
        assert!(slot > 0, "there are no hooks left");
    });
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    LIMIT.store(before + most.cast_signed(), Relaxed);
    let result = run();
    LIMIT.store(isize::MAX, Relaxed);
    let peak = PEAK.load(Relaxed) - before;
    if peak > RECORD.fetch_max(peak, Relaxed) {
        eprintln!("most memory of a run: {} KiB of {} KiB that it may hold", peak >> 10, most >> 10);
    }
    result
}
