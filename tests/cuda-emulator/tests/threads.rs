//! Threads together: barriers, warps, shared memory, atomics.

mod common;
use common::{Arg, Machine, kernel};
use cuda_emulator::exec::fault::Cause;

fn run(ptx: &str, grid: u32, block: u32, out: usize) -> Vec<u32> {
    let mut m = Machine::new(ptx);
    let (x, y) = (m.upload(&vec![0u32; out]), m.upload(&vec![0u32; out]));
    m.run("k", [grid, 1, 1], [block, 1, 1], 0, &[Arg::U64(x), Arg::U64(y)]).unwrap();
    m.download(y, out)
}

/// Stores `%r4` at index `%i`.
const STORE: &str = "mul.wide.u32 %d1, %i, 4;\nadd.s64 %d1, %d1, %out;\nst.global.u32 [%d1], %r4;";

#[test]
fn shuffles() {
    let lanes = |code: &str| run(&kernel("", &format!("{code}\n{STORE}")), 1, 64, 64);
    let expect = |f: &dyn Fn(u32) -> u32| (0..64u32).map(|i| i / 32 * 32 + f(i % 32)).collect::<Vec<_>>();
    assert_eq!(lanes("shfl.sync.bfly.b32 %r4, %i, 5, 31, -1;"), expect(&|l| l ^ 5));
    assert_eq!(
        lanes("shfl.sync.down.b32 %r4, %i, 3, 31, -1;"),
        expect(&|l| if l + 3 < 32 { l + 3 } else { l })
    );
    assert_eq!(lanes("shfl.sync.up.b32 %r4, %i, 2, 0, -1;"), expect(&|l| if l >= 2 { l - 2 } else { l }));
    assert_eq!(lanes("shfl.sync.idx.b32 %r4, %i, 7, 31, -1;"), expect(&|_| 7));
    // Segments of eight lanes.
    assert_eq!(lanes("shfl.sync.idx.b32 %r4, %i, 1, 0x181F, -1;"), expect(&|l| l & 24 | 1));
    let valid = lanes("shfl.sync.down.b32 %r5|%p1, %i, 3, 31, -1;\nselp.u32 %r4, 1, 0, %p1;");
    assert_eq!(valid, (0..64).map(|i| u32::from(i % 32 < 29)).collect::<Vec<_>>());
}

#[test]
fn votes_and_masks() {
    let lanes = |code: &str| {
        run(
            &kernel("", &format!("and.b32 %r1, %i, 1;\nsetp.eq.u32 %p1, %r1, 1;\n{code}\n{STORE}")),
            1,
            32,
            32,
        )
    };
    assert!(lanes("vote.sync.ballot.b32 %r4, %p1, -1;").iter().all(|&m| m == 0xAAAA_AAAA));
    assert!(lanes("vote.sync.any.pred %p2, %p1, -1;\nselp.u32 %r4, 1, 0, %p2;").iter().all(|&m| m == 1));
    assert!(lanes("vote.sync.all.pred %p2, !%p1, -1;\nselp.u32 %r4, 1, 0, %p2;").iter().all(|&m| m == 0));
    assert!(lanes("redux.sync.add.u32 %r4, %i, -1;").iter().all(|&m| m == 496));
    assert!(lanes("bar.red.popc.u32 %r4, 0, %p1;").iter().all(|&m| m == 16));
    // Half of the warp takes the branch, and finds itself alone there.
    let m = lanes("mov.u32 %r4, 0;\n@!%p1 bra SKIP;\nactivemask.b32 %r4;\nSKIP:");
    assert_eq!(m, (0..32).map(|i| if i % 2 == 1 { 0xAAAA_AAAA } else { 0 }).collect::<Vec<u32>>());
}

const REVERSE: &str = "mov.u32 %r1, buffer;\nshl.b32 %r2, %i, 2;\nadd.s32 %r2, %r2, %r1;\nst.shared.u32 [%r2], %i;\nBARRIER\n\
     mov.u32 %r3, 63;\nsub.s32 %r3, %r3, %i;\nshl.b32 %r3, %r3, 2;\nadd.s32 %r3, %r3, %r1;\nld.shared.u32 %r4, [%r3];";

#[test]
fn barriers_order_shared_memory() {
    let body = format!("{}\n{STORE}", REVERSE.replace("BARRIER", "bar.sync 0;"));
    let ptx = kernel(".shared .align 4 .b8 buffer[256];", &body);
    assert_eq!(run(&ptx, 3, 64, 64), (0..64).rev().collect::<Vec<u32>>());
    let mut m = Machine::new(&ptx);
    m.detect_races = true;
    let (x, y) = (m.upload(&[0u32; 64]), m.upload(&[0u32; 64]));
    m.run("k", [1, 1, 1], [64, 1, 1], 0, &[Arg::U64(x), Arg::U64(y)]).unwrap();
}

#[test]
fn a_missing_barrier_is_a_race() {
    let body = format!("{}\n{STORE}", REVERSE.replace("BARRIER", ""));
    let mut m = Machine::new(&kernel(".shared .align 4 .b8 buffer[256];", &body));
    m.detect_races = true;
    let (x, y) = (m.upload(&[0u32; 64]), m.upload(&[0u32; 64]));
    let fault = m.run("k", [1, 1, 1], [64, 1, 1], 0, &[Arg::U64(x), Arg::U64(y)]).unwrap_err();
    assert!(matches!(fault.cause, Cause::Race(_)), "{fault:?}");
}

#[test]
fn barriers_that_cannot_complete_are_reported() {
    let stuck = |code: &str| {
        let mut m = Machine::new(&kernel("", code));
        let x = m.upload(&[0u32; 64]);
        m.run("k", [1, 1, 1], [64, 1, 1], 0, &[Arg::U64(x), Arg::U64(x)]).unwrap_err().cause
    };
    let skip = "setp.lt.u32 %p1, %i, 40;\n@%p1 bra SKIP;\n";
    let Cause::Deadlock(text) = stuck(&format!("{skip}bar.sync 0;\nSKIP:")) else { panic!() };
    assert!(
        text.contains("40 of 64 threads have ended") && text.contains("24 (the first is number 40)"),
        "{text}"
    );
    assert!(matches!(
        stuck(&format!("{skip}bar.sync 1;\nbra.uni END;\nSKIP: bar.sync 0;\nEND:")),
        Cause::Deadlock(_)
    ));
    assert!(matches!(
        stuck(&format!("{skip}shfl.sync.idx.b32 %r1, %i, 0, 31, 1;\nSKIP:")),
        Cause::Deadlock(_)
    ));
}

#[test]
fn named_barriers_of_some_threads() {
    let body = format!(
        "mov.u32 %r4, 1;\nsetp.lt.u32 %p1, %i, 32;\n@%p1 bra SKIP;\nbar.sync 3, 32;\nmov.u32 %r4, 2;\nSKIP:\nbar.sync 0;\n{STORE}"
    );
    assert_eq!(run(&kernel("", &body), 1, 64, 64), (0..64).map(|i| 1 + i / 32).collect::<Vec<u32>>());
}

#[test]
fn atomics_of_all_blocks_add_up() {
    let body = "atom.global.add.u32 %r1, [%out], 1;\nred.global.max.u32 [%out+4], %i;\nmov.f32 %f1, 0f3F000000;\n\
                atom.global.add.f32 %f2, [%out+8], %f1;\natom.global.cas.b32 %r2, [%out+12], 0, 9;";
    let r = run(&kernel("", body), 10, 96, 4);
    assert_eq!(r, [960, 95, 480f32.to_bits(), 9]);
}

#[test]
fn calls_pass_values_both_ways() {
    let ptx = ".version 9.0\n.target sm_90\n.address_size 64\n\
        .func (.param .b32 r) twice(.param .b32 a)\n{\n.reg .b32 %r<3>;\nld.param.u32 %r1, [a];\nadd.s32 %r2, %r1, %r1;\n\
        st.param.b32 [r], %r2;\nret;\n}\n"
        .to_owned()
        + kernel(
            "",
            &format!(
                "{{ .param .b32 p; .param .b32 q;\nst.param.b32 [p], %i;\ncall.uni (q), twice, (p);\nld.param.b32 %r4, [q]; }}\n{STORE}"
            ),
        )
        .split_once(".address_size 64\n")
        .unwrap()
        .1;
    assert_eq!(run(&ptx, 1, 40, 40), (0..40).map(|i| 2 * i).collect::<Vec<u32>>());
}
