//! Memory that starts at a cache line, so that no vector load of packed weights touches two.

/// Bytes of a cache line, and of the widest vector register.
const LINE: usize = 64;

/// A slice that starts at a cache line.
#[derive(Debug)]
pub struct Aligned<T> {
    data: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        let data = vec![T::default(); len + LINE / size_of::<T>()];
        // Only an address that no step of a `T` leads to a line from is refused, and a `T` divides a line.
        let start = data.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
        Self { data, start, len }
    }

    /// Makes room for `len` numbers, whose values are anything.
    pub fn resize(&mut self, len: usize) {
        if self.start + len > self.data.len() {
            *self = Self::zeroed(len);
        }
        self.len = len;
    }
}

impl<T: Copy + Default> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeroed(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: Copy + Default> Default for Aligned<T> {
    fn default() -> Self {
        Self::zeroed(0)
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data[self.start..][..self.len]
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_starts_at_a_cache_line_also_after_a_clone() {
        for len in [0, 1, 17, 5000] {
            let mut a = Aligned::<f32>::zeroed(len);
            a.iter_mut().enumerate().for_each(|(i, v)| *v = i as f32);
            let b = a.clone();
            assert_eq!(*a, *b);
            for at in [a.as_ptr() as usize, b.as_ptr() as usize] {
                assert_eq!(at % LINE, 0);
            }
        }
    }
}
