//! Descriptors of tensors, filters and convolutions.

use super::*;

macro_rules! descriptors {
    ($create:ident, $destroy:ident, $field:ident) => {
        unsafe fn $create(out: *mut usize) -> u32 {
            let h = lock().new_handle();
            registry().$field.insert(h, None);
            unsafe { out.write(h) };
            0
        }
        fn $destroy(descriptor: usize) -> u32 {
            if registry().$field.remove(&descriptor).is_some() { 0 } else { BAD_PARAM }
        }
    };
}
descriptors!(create_tensor, destroy_tensor, tensors);
descriptors!(create_filter, destroy_filter, filters);
descriptors!(create_convolution, destroy_convolution, convolutions);

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnCreateTensorDescriptor(out: *mut usize) -> u32 {
    unsafe { create_tensor(out) }
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnDestroyTensorDescriptor(descriptor: usize) -> u32 {
    destroy_tensor(descriptor)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnCreateFilterDescriptor(out: *mut usize) -> u32 {
    unsafe { create_filter(out) }
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnDestroyFilterDescriptor(descriptor: usize) -> u32 {
    destroy_filter(descriptor)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnCreateConvolutionDescriptor(out: *mut usize) -> u32 {
    unsafe { create_convolution(out) }
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnDestroyConvolutionDescriptor(descriptor: usize) -> u32 {
    destroy_convolution(descriptor)
}

/// Strides of packed dimensions given as N, C, H, W.
pub(super) fn packed(format: u32, [_, c, h, w]: [usize; 4]) -> Status<[usize; 4]> {
    match format {
        FORMAT_NCHW => Ok([c * h * w, h * w, w, 1]),
        FORMAT_NHWC => Ok([h * w * c, 1, w * c, c]),
        other => refuse(NOT_SUPPORTED, format!("tensor format {other}")),
    }
}

pub(super) fn positive<const N: usize>(values: [c_int; N], what: &str) -> Status<[usize; N]> {
    if values.iter().any(|&v| v <= 0) {
        return refuse(BAD_PARAM, format!("{what} {values:?} must be positive"));
    }
    Ok(values.map(|v| v as usize))
}

pub(super) fn set_tensor(
    descriptor: usize,
    data_type: u32,
    dims: [c_int; 4],
    strides: Option<[c_int; 4]>,
    format: u32,
) -> Status {
    let dims = positive(dims, "dimensions")?;
    let strides = match strides {
        Some(s) => positive(s, "strides")?,
        None => packed(format, dims)?,
    };
    let tensor = Tensor4 { element: element(data_type)?, dims, strides };
    if tensor.extent() > i32::MAX as u64 * tensor.element.bytes() as u64 {
        return refuse(NOT_SUPPORTED, "a tensor of more than 2^31 elements");
    }
    *registry().tensors.get_mut(&descriptor).ok_or(BAD_PARAM)? = Some(tensor);
    Ok(())
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnSetTensor4dDescriptor(
    descriptor: usize,
    format: u32,
    data_type: u32,
    n: c_int,
    c: c_int,
    h: c_int,
    w: c_int,
) -> u32 {
    code(set_tensor(descriptor, data_type, [n, c, h, w], None, format))
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnSetTensor4dDescriptorEx(
    descriptor: usize,
    data_type: u32,
    n: c_int,
    c: c_int,
    h: c_int,
    w: c_int,
    n_stride: c_int,
    c_stride: c_int,
    h_stride: c_int,
    w_stride: c_int,
) -> u32 {
    code(set_tensor(
        descriptor,
        data_type,
        [n, c, h, w],
        Some([n_stride, c_stride, h_stride, w_stride]),
        FORMAT_NCHW,
    ))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnSetTensorNdDescriptor(
    descriptor: usize,
    data_type: u32,
    count: c_int,
    dims: *const [c_int; 4],
    strides: *const [c_int; 4],
) -> u32 {
    if count != 4 {
        return code(refuse(NOT_SUPPORTED, format!("tensors of {count} dimensions")));
    }
    unsafe { code(set_tensor(descriptor, data_type, *dims, Some(*strides), FORMAT_NCHW)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnSetTensorNdDescriptorEx(
    descriptor: usize,
    format: u32,
    data_type: u32,
    count: c_int,
    dims: *const [c_int; 4],
) -> u32 {
    if count != 4 {
        return code(refuse(NOT_SUPPORTED, format!("tensors of {count} dimensions")));
    }
    unsafe { code(set_tensor(descriptor, data_type, *dims, None, format)) }
}

pub(super) fn set_filter(descriptor: usize, data_type: u32, format: u32, dims: [c_int; 4]) -> Status {
    let dims = positive(dims, "filter dimensions")?;
    let tensor = Tensor4 { element: element(data_type)?, dims, strides: packed(format, dims)? };
    *registry().filters.get_mut(&descriptor).ok_or(BAD_PARAM)? = Some(tensor);
    Ok(())
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnSetFilter4dDescriptor(
    descriptor: usize,
    data_type: u32,
    format: u32,
    k: c_int,
    c: c_int,
    h: c_int,
    w: c_int,
) -> u32 {
    code(set_filter(descriptor, data_type, format, [k, c, h, w]))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnSetFilterNdDescriptor(
    descriptor: usize,
    data_type: u32,
    format: u32,
    count: c_int,
    dims: *const [c_int; 4],
) -> u32 {
    if count != 4 {
        return code(refuse(NOT_SUPPORTED, format!("filters of {count} dimensions")));
    }
    unsafe { code(set_filter(descriptor, data_type, format, *dims)) }
}

pub(super) fn set_convolution(
    descriptor: usize,
    pad: [c_int; 2],
    stride: [c_int; 2],
    dilation: [c_int; 2],
    mode: u32,
    compute: u32,
) -> Status {
    if pad.iter().any(|&p| p < 0) {
        return refuse(BAD_PARAM, "negative padding");
    }
    let c = Convolution {
        pad: pad.map(|p| p as usize),
        stride: positive(stride, "strides")?,
        dilation: positive(dilation, "dilations")?,
        mode,
        compute,
        math: 0,
        groups: 1,
    };
    *registry().convolutions.get_mut(&descriptor).ok_or(BAD_PARAM)? = Some(c);
    Ok(())
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnSetConvolution2dDescriptor(
    descriptor: usize,
    pad_h: c_int,
    pad_w: c_int,
    stride_h: c_int,
    stride_w: c_int,
    dilation_h: c_int,
    dilation_w: c_int,
    mode: u32,
    compute: u32,
) -> u32 {
    code(set_convolution(
        descriptor,
        [pad_h, pad_w],
        [stride_h, stride_w],
        [dilation_h, dilation_w],
        mode,
        compute,
    ))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnSetConvolutionNdDescriptor(
    descriptor: usize,
    count: c_int,
    pads: *const [c_int; 2],
    strides: *const [c_int; 2],
    dilations: *const [c_int; 2],
    mode: u32,
    compute: u32,
) -> u32 {
    if count != 2 {
        return code(refuse(NOT_SUPPORTED, format!("convolutions of {count} dimensions")));
    }
    unsafe { code(set_convolution(descriptor, *pads, *strides, *dilations, mode, compute)) }
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnSetConvolutionMathType(descriptor: usize, math: u32) -> u32 {
    match registry().convolutions.get_mut(&descriptor) {
        Some(Some(c)) if math <= FMA_MATH => {
            c.math = math;
            0
        }
        _ => BAD_PARAM,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnSetConvolutionGroupCount(descriptor: usize, groups: c_int) -> u32 {
    match registry().convolutions.get_mut(&descriptor) {
        Some(Some(c)) if groups > 0 => {
            c.groups = groups;
            0
        }
        _ => BAD_PARAM,
    }
}
