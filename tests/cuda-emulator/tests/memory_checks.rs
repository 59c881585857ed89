//! Accesses that a GPU may let pass and the emulator does not.

mod common;
use common::{Arg, Machine, kernel};
use cuda_emulator::exec::fault::{Cause, Fault};
use cuda_emulator::memory::Kind;

/// Runs `body` with two buffers of 100 bytes on one thread a block.
fn run(declarations: &str, body: &str) -> Result<u64, Box<Fault>> {
    let mut m = Machine::new(&kernel(declarations, body));
    let (x, y) = (m.upload(&[7u8; 100]), m.upload(&[7u8; 100]));
    m.run("k", [2, 1, 1], [1, 1, 1], 0, &[Arg::U64(x), Arg::U64(y)])
}

fn out_of_bounds(body: &str) -> (&'static str, u64, bool) {
    match run(".shared .align 8 .b8 s[16];\n.local .align 8 .b8 l[16];", body).unwrap_err().cause {
        Cause::OutOfBounds { space, bytes, store, .. } => (space, bytes, store),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_last_byte_is_the_end() {
    run("", "ld.global.u32 %r1, [%in+96];\nst.global.u8 [%out+99], %r1;").unwrap();
    assert_eq!(out_of_bounds("ld.global.u32 %r1, [%in+100];"), ("global", 4, false));
    assert_eq!(out_of_bounds("st.global.u8 [%out+100], %r1;"), ("global", 1, true));
    assert_eq!(out_of_bounds("ld.global.u8 %r1, [%in+-1];"), ("global", 1, false));
    assert_eq!(out_of_bounds("ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%in+96];"), ("global", 16, false));
    assert_eq!(out_of_bounds("mov.u64 %d1, 0;\nld.u32 %r1, [%d1];"), ("global", 4, false));
    assert_eq!(out_of_bounds("atom.global.add.u32 %r1, [%out+100], 1;"), ("global", 4, true));
}

#[test]
fn shared_and_local_memory_have_ends_too() {
    run(
        ".shared .align 8 .b8 s[16];\n.local .align 8 .b8 l[16];",
        "st.shared.u32 [s+12], %r1;\nst.local.u32 [l+12], %r1;",
    )
    .unwrap();
    assert_eq!(out_of_bounds("st.shared.u32 [s+16], %r1;"), ("shared", 4, true));
    assert_eq!(out_of_bounds("ld.local.u32 %r1, [l+16];"), ("local", 4, false));
    let generic = "mov.u64 %d1, s;\ncvta.shared.u64 %d1, %d1;\nst.u32 [%d1+12], %r1;\nld.u32 %r2, [%d1+16];";
    assert_eq!(out_of_bounds(generic), ("shared", 4, false));
}

#[test]
fn misaligned_accesses_are_told_apart() {
    let fault = run("", "ld.global.u32 %r1, [%in+2];").unwrap_err();
    assert!(matches!(fault.cause, Cause::Misaligned { bytes: 4, .. }), "{fault:?}");
    let fault = run("", "ld.global.v2.u32 {%r1, %r2}, [%in+4];").unwrap_err();
    assert!(matches!(fault.cause, Cause::Misaligned { bytes: 8, .. }), "{fault:?}");
}

#[test]
fn messages_name_the_place() {
    let mut m = Machine::new(&kernel("", "add.s64 %d1, %out, 108;\nst.global.u32 [%d1], %r1;"));
    let (x, y) = (m.upload(&[7u8; 100]), m.upload(&[7u8; 100]));
    let fault = m.run("k", [1, 1, 1], [4, 1, 1], 0, &[Arg::U64(x), Arg::U64(y)]).unwrap_err();
    let text = fault.describe("k", &m.memory.live_map());
    let place = format!("8 bytes past the end of an allocation of 100 bytes at {y:#x}");
    assert!(
        text.starts_with("kernel k, block (0, 0, 0), thread (0, 0, 0), PTX line ") && text.ends_with(&place),
        "{text}"
    );
}

#[test]
fn freed_memory_is_dead_and_fresh_memory_is_nan() {
    let mut m = Machine::new(&kernel("", "ld.global.f32 %f1, [%in];\nst.global.f32 [%out], %f1;"));
    let x = m.memory.allocate(4, Kind::Device).unwrap();
    let y = m.upload(&[0f32]);
    m.run("k", [1, 1, 1], [1, 1, 1], 0, &[Arg::U64(x), Arg::U64(y)]).unwrap();
    assert!(m.download::<f32>(y, 1)[0].is_nan());
    assert!(m.memory.free(x, &[Kind::Device]));
    let fault = m.run("k", [1, 1, 1], [1, 1, 1], 0, &[Arg::U64(x), Arg::U64(y)]).unwrap_err();
    assert!(fault.describe("k", &m.memory.live_map()).contains("0 bytes into a freed allocation of 4 bytes"));
}
