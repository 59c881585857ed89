//! The operations on NVIDIA GPUs: convolutions by cuDNN, everything else by the kernels in `kernels/`. Operands are
//! contiguous and on one device, whose one stream all work is queued on.

// Kernels and cuDNN take addresses, which only this folder hands to them. What keeps that sound: every address is of an operand
// that candle has locked for the call or of a buffer that is alive until after the launch, and memory is given back in the
// order of the stream.
#![allow(unsafe_code)]

mod channel;
mod conv;
mod dnn;
mod image;
mod launch;
mod loss;
mod map;
mod norm;
mod replay;
mod setup;
mod table;

pub(crate) use channel::channel_sum;
pub(crate) use conv::{backward_data, backward_weight, forward};
pub(crate) use image::{Change, change};
pub(crate) use launch::{address_of, dispatch, finish, view};
pub(crate) use loss::{Loss, loss, loss_backward};
pub(crate) use map::{map1, map2};
pub(crate) use norm::{NormAffine, NormOperands, norm, norm_affine_backward, norm_backward};
pub(crate) use replay::{Recording, overwrite, record, upload};
pub(crate) use setup::{memory, open, trim};
pub(crate) use table::{Entry, adam, follow};
