//! Buffers that were used before: a page of memory that is new costs more than a page of sums.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Buffers that no one uses now.
#[derive(Debug, Default)]
pub struct Spare<T>(Mutex<Vec<T>>);

impl<T: Default> Spare<T> {
    /// One that was used before, or a new one; it comes back when it is dropped.
    pub fn take(&self) -> Taken<'_, T> {
        let value = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Taken { value, home: self }
    }
}

impl<T> Clone for Spare<T> {
    fn clone(&self) -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

/// A buffer in use.
#[derive(Debug)]
pub struct Taken<'a, T: Default> {
    value: T,
    home: &'a Spare<T>,
}

impl<T: Default> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        let value = std::mem::take(&mut self.value);
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    }
}

impl<T: Default> Deref for Taken<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Default> DerefMut for Taken<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_was_given_back_is_taken_again() {
        let spare = Spare::<Vec<u8>>::default();
        {
            let (mut one, mut other) = (spare.take(), spare.take());
            one.push(1);
            other.push(2);
        }
        let (one, other, third) = (spare.take(), spare.take(), spare.take());
        assert_eq!(one.len() + other.len() + third.len(), 2);
    }
}
