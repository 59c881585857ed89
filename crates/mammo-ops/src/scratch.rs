//! Buffers that are used again. A training step needs the same few hundred sizes over and over, and clearing fresh
//! memory takes as long as some of the work that then overwrites it.

use std::cell::RefCell;

thread_local! {
    static F32: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
    static F64: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
    static U32: RefCell<Vec<Vec<u32>>> = const { RefCell::new(Vec::new()) };
}

/// Buffers of one element type that this thread has at hand. A stack: while a thread waits for others it may take up
/// other work that needs buffers of its own.
pub(crate) trait Buffers: Default + Clone {
    fn take() -> Vec<Self>;
    fn give_back(buffer: Vec<Self>);
}

macro_rules! buffers {
    ($t:ty, $store:ident) => {
        impl Buffers for $t {
            fn take() -> Vec<Self> {
                $store.with_borrow_mut(|stack| stack.pop().unwrap_or_default())
            }

            fn give_back(buffer: Vec<Self>) {
                $store.with_borrow_mut(|stack| stack.push(buffer));
            }
        }
    };
}
buffers!(f32, F32);
buffers!(f64, F64);
buffers!(u32, U32);

/// Calls `work` with `len` numbers of no particular value.
pub(crate) fn scratch<T: Buffers, R>(len: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    let mut buffer = T::take();
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    let result = work(&mut buffer[..len]);
    T::give_back(buffer);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_buffers_are_apart() {
        let sum = scratch(8, |outer: &mut [f32]| {
            outer.fill(1.0);
            scratch(16, |inner: &mut [f32]| inner.fill(2.0));
            outer.iter().sum::<f32>()
        });
        assert_eq!(sum, 8.0);
        assert_eq!(scratch(3, |buffer: &mut [f64]| buffer.len()), 3);
    }
}
