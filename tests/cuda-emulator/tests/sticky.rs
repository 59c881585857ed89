//! A fault in a kernel ends the context. Alone in its file, as it ends it for the whole process.

use cuda_emulator::api::devices::{cuCtxSetCurrent, cuDevicePrimaryCtxRetain};
use cuda_emulator::api::memory::{cuMemAlloc_v2, cuMemcpyDtoH_v2};
use cuda_emulator::api::modules::{cuLaunchKernel, cuModuleGetFunction, cuModuleLoadData};
use cuda_emulator::api::streams::cuStreamSynchronize;

const PTX: &std::ffi::CStr = c".version 9.0
.target sm_90
.address_size 64
.visible .entry store(.param .u64 to, .param .u32 value)
{
    .reg .b64 %rd<2>;
    .reg .b32 %r<3>;
    ld.param.u64 %rd1, [to];
    ld.param.u32 %r1, [value];
    st.global.u32 [%rd1], %r1;
    ret;
}
";

#[test]
fn nothing_works_after_a_fault() {
    let (mut context, mut module, mut function, mut address) = (0, 0, 0, 0u64);
    unsafe {
        assert_eq!(cuModuleLoadData(&mut module, PTX.as_ptr()), 201);
        assert_eq!(cuDevicePrimaryCtxRetain(&mut context, 0), 0);
        assert_eq!(cuCtxSetCurrent(context), 0);
        assert_eq!(cuModuleLoadData(&mut module, PTX.as_ptr()), 0);
        assert_eq!(cuModuleGetFunction(&mut function, module, c"load".as_ptr()), 500);
        assert_eq!(cuModuleGetFunction(&mut function, module, c"store".as_ptr()), 0);
        assert_eq!(cuMemAlloc_v2(&mut address, 4), 0);
        let launch = |to: u64, block: u32| {
            let value = 42u32;
            let arguments = [(&raw const to).cast::<u8>(), (&raw const value).cast::<u8>()];
            cuLaunchKernel(function, 1, 1, 1, block, 1, 1, 0, 0, arguments.as_ptr(), std::ptr::null())
        };
        assert_eq!(launch(address, 1), 0);
        let mut value = 0u32;
        assert_eq!(cuMemcpyDtoH_v2(&raw mut value as usize, address, 4), 0);
        assert_eq!(value, 42);
        assert_eq!(launch(address, 2000), 1);
        assert_eq!(launch(address + 4, 1), 700);
        assert_eq!(launch(address, 1), 700);
        assert_eq!(cuStreamSynchronize(0), 700);
        assert_eq!(cuMemAlloc_v2(&mut address, 4), 700);
    }
}
