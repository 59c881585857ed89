//! Kernels as nvcc compiles them, from `fixtures/kernels.cu`.

mod common;
use common::{Arg, Machine};
use half::bf16;

fn machine() -> Machine {
    Machine::new(include_str!("fixtures/kernels.ptx"))
}

fn noise(n: usize) -> Vec<f32> {
    let mut s = 1u64;
    (0..n)
        .map(|_| {
            s = s.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (s >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

#[test]
fn row_sums() {
    let (rows, n) = (37, 1001);
    let x = noise(rows * n);
    let mut m = machine();
    m.detect_races = true;
    let (a, b) = (m.upload(&x), m.upload(&vec![0f32; rows]));
    m.run("row_sums", [rows as u32, 1, 1], [256, 1, 1], 0, &[Arg::U64(a), Arg::U64(b), Arg::U32(n as u32)])
        .unwrap();
    for (row, s) in x.chunks(n).zip(m.download::<f32>(b, rows)) {
        let exact: f64 = row.iter().map(|&v| f64::from(v)).sum();
        assert!((f64::from(s) - exact).abs() < 1e-4, "{s} {exact}");
    }
}

#[test]
fn transposition_through_dynamic_shared_memory() {
    let (rows, columns) = (33, 50);
    let x: Vec<bf16> = noise(rows * columns).into_iter().map(bf16::from_f32).collect();
    let mut m = machine();
    let (a, b) = (m.upload(&x), m.upload(&x));
    let args = [Arg::U64(a), Arg::U64(b), Arg::U32(rows as u32), Arg::U32(columns as u32)];
    m.run("transpose_bf16", [4, 3, 1], [16, 16, 1], 16 * 17 * 2, &args).unwrap();
    let y = m.download::<bf16>(b, rows * columns);
    for r in 0..rows {
        for c in 0..columns {
            assert_eq!(y[c * rows + r], bf16::from_f32(2.0 * x[r * columns + c].to_f32()));
        }
    }
    // With less shared memory than the kernel uses, an access is out of bounds.
    assert!(m.run("transpose_bf16", [4, 3, 1], [16, 16, 1], 16 * 16 * 2, &args).is_err());
}

#[test]
fn calls_local_and_constant_memory() {
    let n = 300;
    let x = noise(n);
    let mut m = machine();
    let (a, b) = (m.upload(&x), m.upload(&x));
    m.run(
        "evaluate",
        [2, 1, 1],
        [256, 1, 1],
        0,
        &[Arg::U64(a), Arg::U64(b), Arg::U32(3), Arg::U32(n as u32)],
    )
    .unwrap();
    for (x, y) in x.iter().zip(m.download::<f32>(b, n)) {
        let e = 1.0 + 0.5 * x.powi(3) + 0.25 * x.powi(2) + 0.125 * x;
        assert!((y - e).abs() < 1e-6, "{x}: {y} {e}");
    }
}

#[test]
fn elementary_functions() {
    let n = 2000;
    let x: Vec<f32> = noise(n).into_iter().map(|v| v * 5.0).collect();
    let mut m = machine();
    let (a, b) = (m.upload(&x), m.upload(&vec![0f32; n * 8]));
    m.run("functions", [8, 1, 1], [256, 1, 1], 0, &[Arg::U64(a), Arg::U64(b), Arg::U32(n as u32)]).unwrap();
    let y = m.download::<f32>(b, n * 8);
    for (i, &v) in x.iter().enumerate() {
        let d = f64::from(v);
        let a = d.abs();
        let exact = [
            (0, d.exp()),
            (1, f64::from(v.abs() + 0.5).ln()),
            (2, f64::from(v * 1000.0).sin()),
            (3, d.tanh()),
            (5, a.powf(f64::from(1.7f32))),
            (6, d.exp()),
            (7, d / 3.0 + a.sqrt() + 1.0 / (a + 1.0).sqrt()),
        ];
        for (k, e) in exact {
            let r = f64::from(y[i * 8 + k]);
            assert!((r - e).abs() <= 5e-7 * e.abs().max(1e-2), "function {k} of {v}: {r} instead of {e}");
        }
        assert!(y[i * 8 + 4].abs() <= 1.0 && y[i * 8 + 4].signum() == v.signum());
    }
}

#[test]
fn histogram() {
    let n = 5000;
    let x: Vec<u32> = (0..n).map(|i| i * i % 97).collect();
    let mut m = machine();
    let (a, b) = (m.upload(&x), m.upload(&[0u32; 16]));
    m.run("histogram", [7, 1, 1], [128, 1, 1], 0, &[Arg::U64(a), Arg::U64(b), Arg::U32(n)]).unwrap();
    let mut expected = [0u32; 16];
    for v in &x {
        expected[(v & 15) as usize] += 1;
    }
    assert_eq!(m.download::<u32>(b, 16), expected);
}

#[test]
fn vectors_and_pairs() {
    let n = 75usize;
    let x = noise(n * 4);
    let mut m = machine();
    let (a, b, p) = (m.upload(&x), m.upload(&vec![bf16::ZERO; n * 4]), m.upload(&[0u32; 4]));
    m.run("vectors", [1, 1, 1], [128, 1, 1], 0, &[Arg::U64(a), Arg::U64(b), Arg::U64(p), Arg::U32(n as u32)])
        .unwrap();
    let y = m.download::<bf16>(b, n * 4);
    let positive = m.download::<u32>(p, 4);
    for i in 0..n {
        for k in 0..4 {
            let v = bf16::from_f32(x[i * 4 + k]).to_f32();
            let e = if k < 2 { bf16::from_f32(2.0 * v + 1.0) } else { bf16::from_f32(v.max(0.0)) };
            assert_eq!(y[i * 4 + k].to_f32(), e.to_f32(), "{i} {k}");
        }
        assert_eq!(positive[i / 32] >> (i % 32) & 1 == 1, x[i * 4] > 0.0);
    }
}

#[test]
fn integers_and_branches() {
    let n = 1000usize;
    let x: Vec<i64> = (0..n as i64).map(|i| i.wrapping_mul(0x1234_5678_9ABC_DEF1) >> (i % 50)).collect();
    let divisor = 1_000_003i64;
    let mut m = machine();
    let (a, b) = (m.upload(&x), m.upload(&vec![0i32; n]));
    m.run(
        "classify",
        [8, 1, 1],
        [128, 1, 1],
        0,
        &[Arg::U64(a), Arg::U64(b), Arg::U64(divisor as u64), Arg::U32(n as u32)],
    )
    .unwrap();
    for (&v, y) in x.iter().zip(m.download::<i32>(b, n)) {
        let (q, r) = (v / divisor, v % divisor);
        let e = match (q as i32) & 7 {
            0 => r as i32,
            1 => v.count_ones() as i32,
            2 => v.leading_zeros() as i32,
            3 => (v >> 3) as i32 ^ 5,
            4 => v.reverse_bits() as i32,
            5 => r.wrapping_mul(r) as i32,
            6 => (r as i32).wrapping_neg(),
            _ => q as i32,
        };
        assert_eq!(y, e, "{v}");
    }
}

#[test]
fn results_do_not_depend_on_scheduling() {
    let (rows, n) = (500, 300);
    let x = noise(rows * n);
    let mut m = machine();
    let (a, b) = (m.upload(&x), m.upload(&vec![0f32; rows]));
    let mut once = || {
        m.run(
            "row_sums",
            [rows as u32, 1, 1],
            [64, 1, 1],
            0,
            &[Arg::U64(a), Arg::U64(b), Arg::U32(n as u32)],
        )
        .unwrap();
        m.download::<u32>(b, rows)
    };
    let first = once();
    assert!((0..5).all(|_| once() == first));
}
