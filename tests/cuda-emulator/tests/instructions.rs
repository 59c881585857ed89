//! Single instructions against their definitions.

mod common;
use common::{Arg, Machine, kernel};
use half::{bf16, f16};

const A: [u32; 12] =
    [0, 1, 2, 31, 32, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFFE, 0x1234_5678, 0xDEAD_BEEF, 77];

/// Runs `code`, which takes `%r1`, `%r2`, `%r3` to `%r4`, for many triples of 32-bit values.
fn check32(code: &str, expected: impl Fn(u32, u32, u32) -> u32) {
    let inputs: Vec<[u32; 3]> =
        A.iter().flat_map(|&a| A.iter().map(move |&b| [a, b, a.wrapping_mul(31) ^ b])).collect();
    let body = format!(
        "mul.wide.u32 %d1, %i, 12;\nadd.s64 %d1, %d1, %in;\nld.global.u32 %r1, [%d1];\nld.global.u32 %r2, [%d1+4];\n\
         ld.global.u32 %r3, [%d1+8];\n{code}\nmul.wide.u32 %d2, %i, 4;\nadd.s64 %d2, %d2, %out;\nst.global.u32 [%d2], %r4;"
    );
    let mut m = Machine::new(&kernel("", &body));
    let (x, y) = (m.upload(&inputs), m.upload(&vec![0u32; inputs.len()]));
    m.run("k", [1, 1, 1], [inputs.len() as u32, 1, 1], 0, &[Arg::U64(x), Arg::U64(y)]).unwrap();
    for (i, r) in inputs.iter().zip(m.download::<u32>(y, inputs.len())) {
        assert_eq!(r, expected(i[0], i[1], i[2]), "{code} of {i:x?}");
    }
}

/// As [`check32`] for `%f1`, `%f2`, `%f3` to `%f4`.
fn check_f32(code: &str, expected: impl Fn(f32, f32, f32) -> f32) {
    let code = format!("mov.b32 %f1, %r1;\nmov.b32 %f2, %r2;\nmov.b32 %f3, %r3;\n{code}\nmov.b32 %r4, %f4;");
    let values = [0.0, -0.0, 1.0, -1.5, 3.25e-3, 1e10, -7.7e-12, 0.3, 2.5, -3.5, f32::INFINITY, f32::NAN];
    let pick = |u: u32| values[(u % 97) as usize % values.len()];
    let pre = "rem.u32 %r1, %r1, 97;\nrem.u32 %r2, %r2, 97;\nrem.u32 %r3, %r3, 97;\n";
    // The values come from a table in the kernel's own constants.
    let table: String = values.iter().map(|v| format!("0x{:08X}, ", v.to_bits())).collect();
    let mut text = String::new();
    for r in 1..=3 {
        text += &format!(
            "rem.u32 %r{r}, %r{r}, {};\nmul.wide.u32 %d3, %r{r}, 4;\nmov.u64 %d4, table;\nadd.s64 %d4, %d4, %d3;\nld.const.u32 %r{r}, [%d4];\n",
            values.len()
        );
    }
    let body = format!("{pre}{text}{code}");
    let inputs: Vec<[u32; 3]> =
        A.iter().flat_map(|&a| A.iter().map(move |&b| [a, b, a.wrapping_mul(31) ^ b])).collect();
    let whole = format!(
        "mul.wide.u32 %d1, %i, 12;\nadd.s64 %d1, %d1, %in;\nld.global.u32 %r1, [%d1];\nld.global.u32 %r2, [%d1+4];\n\
         ld.global.u32 %r3, [%d1+8];\n{body}\nmul.wide.u32 %d2, %i, 4;\nadd.s64 %d2, %d2, %out;\nst.global.u32 [%d2], %r4;"
    );
    let ptx = kernel("", &whole).replace(
        ".visible .entry",
        &format!(
            ".const .align 4 .b32 table[{}] = {{{}}};\n.visible .entry",
            values.len(),
            table.trim_end_matches(", ")
        ),
    );
    let mut m = Machine::new(&ptx);
    // The module's constant lives in the machine's memory.
    let (x, y) = (m.upload(&inputs), m.upload(&vec![0u32; inputs.len()]));
    m.run("k", [1, 1, 1], [inputs.len() as u32, 1, 1], 0, &[Arg::U64(x), Arg::U64(y)]).unwrap();
    for (i, r) in inputs.iter().zip(m.download::<f32>(y, inputs.len())) {
        let [a, b, c] = i.map(pick);
        let e = expected(a, b, c);
        assert!(
            r.to_bits() == e.to_bits() || r.is_nan() && e.is_nan(),
            "{code} of {a} {b} {c}: {r} instead of {e}"
        );
    }
}

#[test]
fn integers() {
    check32("add.s32 %r4, %r1, %r2;", |a, b, _| a.wrapping_add(b));
    check32("sub.u32 %r4, %r1, %r2;", |a, b, _| a.wrapping_sub(b));
    check32("mul.hi.s32 %r4, %r1, %r2;", |a, b, _| {
        ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32
    });
    check32("mul.hi.u32 %r4, %r1, %r2;", |a, b, _| ((u64::from(a) * u64::from(b)) >> 32) as u32);
    check32("mad.lo.s32 %r4, %r1, %r2, %r3;", |a, b, c| a.wrapping_mul(b).wrapping_add(c));
    check32("div.s32 %r4, %r1, 7;", |a, _, _| (a as i32 / 7) as u32);
    check32("rem.u32 %r4, %r1, 10;", |a, _, _| a % 10);
    check32("min.s32 %r4, %r1, %r2;", |a, b, _| (a as i32).min(b as i32) as u32);
    check32("max.u32 %r4, %r1, %r2;", |a, b, _| a.max(b));
    check32("abs.s32 %r4, %r1;", |a, _, _| (a as i32).wrapping_abs() as u32);
    check32("shl.b32 %r4, %r1, %r2;", |a, b, _| a.checked_shl(b).unwrap_or(0));
    check32("shr.s32 %r4, %r1, %r2;", |a, b, _| (a as i32 >> b.min(31)) as u32);
    check32("shf.l.wrap.b32 %r4, %r1, %r2, %r3;", |a, b, c| {
        ((((u64::from(b) << 32) | u64::from(a)) << (c & 31)) >> 32) as u32
    });
    check32("bfe.u32 %r4, %r1, 4, 8;", |a, _, _| a >> 4 & 0xFF);
    check32("bfe.s32 %r4, %r1, 4, 8;", |a, _, _| (((a >> 4) as u8) as i8) as u32);
    check32("bfi.b32 %r4, %r1, %r2, 8, 12;", |a, b, _| b & !0xF_FF00 | (a & 0xFFF) << 8);
    check32("lop3.b32 %r4, %r1, %r2, %r3, 0x96;", |a, b, c| a ^ b ^ c);
    check32("lop3.b32 %r4, %r1, %r2, %r3, 0xCA;", |a, b, c| a & b | !a & c);
    check32("prmt.b32 %r4, %r1, %r2, 0x7531;", |a, b, _| {
        let bytes = u64::from(b) << 32 | u64::from(a);
        [1, 3, 5, 7].iter().enumerate().fold(0, |o, (i, k)| o | ((bytes >> (k * 8)) as u32 & 0xFF) << (i * 8))
    });
    check32("popc.b32 %r4, %r1;", |a, _, _| a.count_ones());
    check32("clz.b32 %r4, %r1;", |a, _, _| a.leading_zeros());
    check32("brev.b32 %r4, %r1;", |a, _, _| a.reverse_bits());
    check32("add.cc.u32 %r5, %r1, %r2;\naddc.u32 %r4, %r3, 0;", |a, b, c| {
        c.wrapping_add(u32::from(a.checked_add(b).is_none()))
    });
    check32("sub.cc.u32 %r5, %r1, %r2;\nsubc.u32 %r4, %r3, 0;", |a, b, c| c.wrapping_sub(u32::from(a < b)));
    check32("mad.wide.u32 %d5, %r1, %r2, 5;\ncvt.u32.u64 %r4, %d5;", |a, b, _| {
        (u64::from(a) * u64::from(b) + 5) as u32
    });
    check32("mov.b64 %d5, {%r1, %r2};\nshr.u64 %d5, %d5, 16;\nmov.b64 {%r4, _}, %d5;", |a, b, _| {
        b << 16 | a >> 16
    });
    check32("dp4a.s32.s32 %r4, %r1, %r2, %r3;", |a, b, c| {
        a.to_le_bytes()
            .iter()
            .zip(b.to_le_bytes())
            .fold(c, |s, (&x, y)| s.wrapping_add((i32::from(x as i8) * i32::from(y as i8)) as u32))
    });
}

#[test]
fn predicates() {
    check32("setp.lt.s32 %p1, %r1, %r2;\nselp.u32 %r4, 1, 0, %p1;", |a, b, _| {
        u32::from((a as i32) < b as i32)
    });
    check32("setp.hs.u32 %p1|%p2, %r1, %r2;\nselp.u32 %r4, 1, 0, %p2;", |a, b, _| u32::from(a < b));
    check32(
        "setp.eq.s32 %p1, %r1, 0;\nsetp.ne.and.s32 %p2, %r2, 1, !%p1;\nselp.u32 %r4, %r1, %r2, %p2;",
        |a, b, _| {
            if b != 1 && a != 0 { a } else { b }
        },
    );
    check32(
        "mov.u32 %r4, 5;\nsetp.gt.u32 %p1, %r1, %r2;\n@%p1 mov.u32 %r4, 6;\n@!%p1 add.s32 %r4, %r4, 2;",
        |a, b, _| {
            if a > b { 6 } else { 7 }
        },
    );
    check32(
        "mov.u32 %r4, 0;\nmov.u32 %r5, 0;\nLOOP:\nadd.s32 %r4, %r4, %r5;\nadd.s32 %r5, %r5, 1;\nsetp.lt.u32 %p1, %r5, 10;\n@%p1 bra LOOP;",
        |_, _, _| 45,
    );
    check32(
        "and.b32 %r5, %r1, 3;\nT: .branchtargets L0, L1, L2, L2;\nbrx.idx %r5, T;\nL0: mov.u32 %r4, 10;\nbra.uni E;\nL1: mov.u32 %r4, 11;\nbra.uni E;\nL2: mov.u32 %r4, 12;\nE:",
        |a, _, _| 10 + (a & 3).min(2),
    );
}

#[test]
fn floats() {
    check_f32("fma.rn.f32 %f4, %f1, %f2, %f3;", f32::mul_add);
    check_f32("add.f32 %f4, %f1, %f2;", |a, b, _| a + b);
    check_f32("div.rn.f32 %f4, %f1, %f2;", |a, b, _| a / b);
    check_f32("min.f32 %f4, %f1, %f2;", |a, b, _| {
        if a == 0.0 && b == 0.0 { if a.is_sign_negative() { a } else { b } } else { a.min(b) }
    });
    check_f32("max.NaN.f32 %f4, %f1, %f2;", |a, b, _| {
        if a.is_nan() || b.is_nan() {
            f32::NAN
        } else if a == 0.0 && b == 0.0 {
            if a.is_sign_negative() { b } else { a }
        } else {
            a.max(b)
        }
    });
    check_f32("copysign.f32 %f4, %f1, %f2;", |a, b, _| b.copysign(a));
    check_f32("cvt.rni.f32.f32 %f4, %f1;", |a, _, _| a.round_ties_even());
    check_f32("cvt.sat.f32.f32 %f4, %f1;", |a, _, _| if a > 0.0 { a.min(1.0) } else { 0.0 });
    check_f32("cvt.rzi.s32.f32 %r5, %f1;\ncvt.rn.f32.s32 %f4, %r5;", |a, _, _| a as i32 as f32);
    check_f32("cvt.rn.bf16.f32 %h1, %f1;\ncvt.f32.bf16 %f4, %h1;", |a, _, _| bf16::from_f32(a).to_f32());
    check_f32(
        "cvt.rn.f16x2.f32 %r5, %f1, %f2;\nmov.b32 {%h1, %h2}, %r5;\ncvt.f32.f16 %f4, %h2;",
        |a, _, _| f16::from_f32(a).to_f32(),
    );
    check_f32(
        "cvt.f64.f32 %g1, %f1;\nmul.f64 %g1, %g1, 0d3FD5555555555555;\ncvt.rn.f32.f64 %f4, %g1;",
        |a, _, _| (f64::from(a) * f64::from_bits(0x3FD5_5555_5555_5555)) as f32,
    );
    check_f32("ex2.approx.ftz.f32 %f4, %f1;", |a, _, _| {
        let r = a.exp2();
        if r.is_subnormal() { 0.0 } else { r }
    });
    check_f32("setp.neu.f32 %p1, %f1, %f2;\nselp.f32 %f4, 0f3F800000, 0f00000000, %p1;", |a, b, _| {
        f32::from(a != b)
    });
    check_f32(
        "cvt.rn.bf16x2.f32 %r5, %f1, %f2;\ncvt.rn.bf16x2.f32 %r6, %f2, %f3;\nfma.rn.bf16x2 %r7, %r5, %r6, %r6;\nmov.b32 {%h1, %h2}, %r7;\ncvt.f32.bf16 %f4, %h2;",
        |a, b, _| {
            let (a, b) = (bf16::from_f32(a).to_f64(), bf16::from_f32(b).to_f64());
            bf16::from_f64(a.mul_add(b, b)).to_f32()
        },
    );
}

#[test]
fn signed_narrow_values_are_extended() {
    check32("cvt.s32.s8 %r4, %r1;", |a, _, _| a as i8 as u32);
    check32("cvt.u32.u16 %r4, %r1;", |a, _, _| a & 0xFFFF);
    check32("cvt.s16.s32 %h1, %r1;\ncvt.s32.s16 %r4, %h1;", |a, _, _| a as i16 as u32);
    check32("cvt.sat.u8.s32 %r4, %r1;", |a, _, _| (a as i32).clamp(0, 255) as u32);
    check32("ld.global.s8 %r4, [%d1];", |a, _, _| a as i8 as u32);
    check32("ld.global.s16 %r4, [%d1+2];", |a, _, _| (a >> 16) as i16 as u32);
}
