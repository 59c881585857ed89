//! Loads and stores, with the checks of their addresses.

use super::module::Space;
use crate::exec::fault::Cause;
use crate::exec::races::Moment;
use crate::exec::thread::{
    Handler, Inst, LOCAL_WINDOW, PARAM_WINDOW, SHARED_WINDOW, STOP_FAULT, Thread, WINDOW_MASK,
};

/// Operands of an access: `a` slot of the address, `imm` offset added to it, `flags` index of the instruction's cache;
/// `dst` is the first destination of a load and `b` the first source of a store. Vectors keep the other registers in the
/// function's lists, beginning at `c`.
pub const NO_CACHE: u32 = 0;

/// A resolved address, or `None` after a fault.
pub trait Access {
    const NAME: &'static str;
    /// Where the bytes are on the host.
    unsafe fn locate(t: &mut Thread, i: &Inst, address: u64, bytes: u64) -> Option<*mut u8>;
    /// Notes an access for the detection of races.
    #[inline(always)]
    unsafe fn note(
        _t: &mut Thread,
        _i: &Inst,
        _address: u64,
        _bytes: u64,
        _store: Option<*const u8>,
    ) -> bool {
        true
    }
}

pub struct Global;
pub struct Shared;
pub struct Local;
/// Parameters of the kernel.
pub struct KernelParam;
/// Parameters of and for device functions.
pub struct CallParam;
pub struct Generic;

impl Access for Global {
    const NAME: &'static str = "global";
    #[inline(always)]
    unsafe fn locate(t: &mut Thread, i: &Inst, address: u64, bytes: u64) -> Option<*mut u8> {
        unsafe {
            let block = &mut *t.block;
            let cache = block.cache.get_unchecked_mut(i.flags as usize);
            if address >= cache.0 && address.wrapping_add(bytes) <= cache.1 {
                return Some(address as *mut u8);
            }
            let range = (*block.launch).live.find(address, bytes)?;
            *cache = (range.start, range.end);
            Some(address as *mut u8)
        }
    }
}

impl Access for Shared {
    const NAME: &'static str = "shared";
    #[inline(always)]
    unsafe fn locate(t: &mut Thread, _: &Inst, address: u64, bytes: u64) -> Option<*mut u8> {
        unsafe {
            let shared = &mut (&mut *t.block).shared;
            if address.checked_add(bytes)? > shared.len() as u64 {
                return None;
            }
            Some(shared.as_mut_ptr().add(address as usize))
        }
    }
    #[inline(always)]
    unsafe fn note(t: &mut Thread, i: &Inst, address: u64, bytes: u64, store: Option<*const u8>) -> bool {
        unsafe { (&*t.block).races.is_none() || note_shared(t, i, address, bytes, store) }
    }
}

#[inline(never)]
unsafe fn note_shared(t: &mut Thread, i: &Inst, address: u64, bytes: u64, store: Option<*const u8>) -> bool {
    let block = unsafe { &mut *t.block };
    let now = Moment { epoch: block.epoch, warp_epoch: t.warp_epoch, thread: t.index };
    let (at, len) = (address as usize, bytes as usize);
    let Some(races) = &mut block.races else { return true };
    let other = match store {
        None => races.load(at, len, now),
        Some(value) => {
            // SAFETY: the caller passes as many bytes as it stores.
            let same = unsafe { std::slice::from_raw_parts(value, len) } == &block.shared[at..at + len];
            races.store(at, len, now, same)
        }
    };
    let Some(other) = other else { return true };
    let what = if store.is_some() { "store to" } else { "load from" };
    let message = format!(
        "{what} shared address {address:#x} races with thread number {other}: no barrier lies between the two accesses"
    );
    t.fault(i, Cause::Race(message));
    false
}

impl Access for Local {
    const NAME: &'static str = "local";
    #[inline(always)]
    unsafe fn locate(t: &mut Thread, _: &Inst, address: u64, bytes: u64) -> Option<*mut u8> {
        if address.checked_add(bytes)? > t.local.len() as u64 {
            return None;
        }
        Some(unsafe { t.local.as_mut_ptr().add(address as usize) })
    }
}

impl Access for KernelParam {
    const NAME: &'static str = "parameter";
    #[inline(always)]
    unsafe fn locate(t: &mut Thread, _: &Inst, address: u64, bytes: u64) -> Option<*mut u8> {
        unsafe {
            let params = &(&*(*t.block).launch).params;
            if address.checked_add(bytes)? > params.len() as u64 {
                return None;
            }
            Some(params.as_ptr().add(address as usize).cast_mut())
        }
    }
}

impl Access for CallParam {
    const NAME: &'static str = "parameter";
    #[inline(always)]
    unsafe fn locate(t: &mut Thread, _: &Inst, address: u64, bytes: u64) -> Option<*mut u8> {
        if address.checked_add(bytes)? > t.params.len() as u64 {
            return None;
        }
        Some(unsafe { t.params.as_mut_ptr().add(address as usize) })
    }
}

impl Access for Generic {
    const NAME: &'static str = "generic";
    #[inline(always)]
    unsafe fn locate(t: &mut Thread, i: &Inst, address: u64, bytes: u64) -> Option<*mut u8> {
        unsafe {
            match address & WINDOW_MASK {
                SHARED_WINDOW => Shared::locate(t, i, address - SHARED_WINDOW, bytes),
                LOCAL_WINDOW => Local::locate(t, i, address - LOCAL_WINDOW, bytes),
                PARAM_WINDOW => KernelParam::locate(t, i, address - PARAM_WINDOW, bytes),
                _ => Global::locate(t, i, address, bytes),
            }
        }
    }
    #[inline(always)]
    unsafe fn note(t: &mut Thread, i: &Inst, address: u64, bytes: u64, store: Option<*const u8>) -> bool {
        unsafe {
            address & WINDOW_MASK != SHARED_WINDOW
                || Shared::note(t, i, address - SHARED_WINDOW, bytes, store)
        }
    }
}

#[cold]
#[inline(never)]
fn bad_access<S: Access>(t: &mut Thread, i: &Inst, address: u64, bytes: u64, store: bool) -> u32 {
    // A generic address is named after the space it points into.
    let space = match (S::NAME, address & WINDOW_MASK) {
        ("generic", SHARED_WINDOW) => "shared",
        ("generic", LOCAL_WINDOW) => "local",
        ("generic", PARAM_WINDOW) => "parameter",
        ("generic", _) => "global",
        (s, _) => s,
    };
    let cause = if !address.is_multiple_of(bytes) {
        Cause::Misaligned { space, address, bytes, store }
    } else {
        Cause::OutOfBounds { space, address, bytes, store }
    };
    t.fault(i, cause)
}

/// Finds the host address of an access of `bytes`, or records the fault.
#[inline(always)]
pub unsafe fn resolve<S: Access>(
    t: &mut Thread,
    i: &Inst,
    bytes: u64,
    store: bool,
) -> Option<(*mut u8, u64)> {
    unsafe {
        let address = (*t.regs.add(i.a as usize)).wrapping_add(i.imm as u64);
        if address & (bytes - 1) == 0
            && let Some(p) = S::locate(t, i, address, bytes)
        {
            return Some((p, address));
        }
        bad_access::<S>(t, i, address, bytes, store);
        None
    }
}

/// A value in memory: how it comes into a register slot.
pub trait Cell: Copy + 'static {
    fn load(self) -> u64;
    fn store(slot: u64) -> Self;
}
macro_rules! cells {
    ($($t:ty),*) => {$(
        impl Cell for $t {
            #[inline(always)]
            fn load(self) -> u64 { self as u64 }
            #[inline(always)]
            fn store(slot: u64) -> Self { slot as $t }
        }
    )*};
}
cells!(u8, u16, u32, u64);

unsafe fn load<S: Access, T: Cell, const N: usize>(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe {
        let bytes = (size_of::<T>() * N) as u64;
        let Some((p, address)) = resolve::<S>(t, i, bytes, false) else { return STOP_FAULT };
        if !S::note(t, i, address, bytes, None) {
            return STOP_FAULT;
        }
        let values: [T; N] = std::ptr::read(p.cast());
        if N == 1 {
            *t.regs.add(i.dst as usize) = values[0].load();
        } else {
            let list = (*t.code).lists.as_ptr().add(i.c as usize);
            for (k, v) in values.iter().enumerate() {
                *t.regs.add(*list.add(k) as usize) = v.load();
            }
        }
    }
    pc + 1
}

/// Loads a signed value and extends it to `d` bits.
unsafe fn load_signed<S: Access, T: Cell>(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe {
        let bytes = size_of::<T>() as u64;
        let Some((p, address)) = resolve::<S>(t, i, bytes, false) else { return STOP_FAULT };
        if !S::note(t, i, address, bytes, None) {
            return STOP_FAULT;
        }
        let v = std::ptr::read(p.cast::<T>()).load();
        let shift = 64 - bytes * 8;
        *t.regs.add(i.dst as usize) = ((v << shift) as i64 >> shift) as u64 & super::types::mask(i.d);
    }
    pc + 1
}

unsafe fn store<S: Access, T: Cell, const N: usize>(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe {
        let bytes = (size_of::<T>() * N) as u64;
        let Some((p, address)) = resolve::<S>(t, i, bytes, true) else { return STOP_FAULT };
        let mut values = [T::store(0); N];
        if N == 1 {
            values[0] = T::store(*t.regs.add(i.b as usize));
        } else {
            let list = (*t.code).lists.as_ptr().add(i.c as usize);
            for (k, v) in values.iter_mut().enumerate() {
                *v = T::store(*t.regs.add(*list.add(k) as usize));
            }
        }
        if !S::note(t, i, address, bytes, Some(values.as_ptr().cast())) {
            return STOP_FAULT;
        }
        std::ptr::write(p.cast(), values);
    }
    pc + 1
}

/// Which memory an access instruction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    Space(Space),
    KernelParam,
}

macro_rules! in_space {
    ($where:expr, $s:ident => $e:expr) => {
        match $where {
            Where::Space(Space::Global | Space::Const) => {
                type $s = Global;
                $e
            }
            Where::Space(Space::Shared) => {
                type $s = Shared;
                $e
            }
            Where::Space(Space::Local) => {
                type $s = Local;
                $e
            }
            Where::Space(Space::Param) => {
                type $s = CallParam;
                $e
            }
            Where::Space(Space::Generic) => {
                type $s = Generic;
                $e
            }
            Where::KernelParam => {
                type $s = KernelParam;
                $e
            }
        }
    };
}
pub(crate) use in_space;

/// The handler that loads `count` values of `bytes` bytes; `signed` ones are extended.
pub fn load_handler(place: Where, bytes: usize, count: usize, signed: bool) -> Option<Handler> {
    in_space!(place, S => Some(match (bytes, count, signed) {
        (1, 1, true) => load_signed::<S, u8>,
        (2, 1, true) => load_signed::<S, u16>,
        (4, 1, true) => load_signed::<S, u32>,
        (1, 1, _) => load::<S, u8, 1>,
        (2, 1, _) => load::<S, u16, 1>,
        (4, 1, _) => load::<S, u32, 1>,
        (8, 1, _) => load::<S, u64, 1>,
        (1, 2, _) => load::<S, u8, 2>,
        (2, 2, _) => load::<S, u16, 2>,
        (4, 2, _) => load::<S, u32, 2>,
        (8, 2, _) => load::<S, u64, 2>,
        (1, 4, _) => load::<S, u8, 4>,
        (2, 4, _) => load::<S, u16, 4>,
        (4, 4, _) => load::<S, u32, 4>,
        (8, 4, _) => load::<S, u64, 4>,
        (4, 8, _) => load::<S, u32, 8>,
        _ => return None,
    }))
}

/// The handler that stores `count` values of `bytes` bytes.
pub fn store_handler(place: Where, bytes: usize, count: usize) -> Option<Handler> {
    in_space!(place, S => Some(match (bytes, count) {
        (1, 1) => store::<S, u8, 1>,
        (2, 1) => store::<S, u16, 1>,
        (4, 1) => store::<S, u32, 1>,
        (8, 1) => store::<S, u64, 1>,
        (1, 2) => store::<S, u8, 2>,
        (2, 2) => store::<S, u16, 2>,
        (4, 2) => store::<S, u32, 2>,
        (8, 2) => store::<S, u64, 2>,
        (1, 4) => store::<S, u8, 4>,
        (2, 4) => store::<S, u16, 4>,
        (4, 4) => store::<S, u32, 4>,
        (8, 4) => store::<S, u64, 4>,
        (4, 8) => store::<S, u32, 8>,
        _ => return None,
    }))
}

/// `cp.async`: copies `d` bytes from global address `b` to shared address `a`; with `c`, zeros follow `c`'s bytes.
pub unsafe fn copy_async(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe {
        let bytes = i.d as u64;
        let Some((to, address)) = resolve::<Shared>(t, i, bytes, true) else { return STOP_FAULT };
        let take = if i.c == u32::MAX { bytes } else { (*t.regs.add(i.c as usize) & 0xFFFF_FFFF).min(bytes) };
        let mut buffer = [0u8; 16];
        if take > 0 {
            let source = Inst { a: i.b, imm: 0, ..*i };
            let Some((from, _)) = resolve::<Global>(t, &source, bytes, false) else { return STOP_FAULT };
            std::ptr::copy_nonoverlapping(from, buffer.as_mut_ptr(), take as usize);
        }
        if !Shared::note(t, i, address, bytes, Some(buffer.as_ptr())) {
            return STOP_FAULT;
        }
        std::ptr::copy_nonoverlapping(buffer.as_ptr(), to, bytes as usize);
    }
    pc + 1
}
