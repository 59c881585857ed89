//! Reference values: the defining integrals and series at 40 digits (mpmath 1.3), of which `scipy.stats.nct`, `ncf` and
//! `ncx2` (SciPy 1.17) agree to 1e-12 where checked.

use super::*;
use proptest::prelude::*;

const TOLERANCE: f64 = 1e-11;

#[test]
fn student_t_agrees_with_the_reference() {
    for (t, df, expected) in [
        (-2.1109994536136734, 15.259674589141774, 0.025832842909647449),
        (1.0, 1.0, 0.75),
        (0.3, 2.5, 0.60632881425240139),
        (12.0, 3.0, 0.99937749209960533),
        (2.0, 400.5, 0.97691244967744898),
        (1.97, 12345.6, 0.97556965658642098),
        (-8.0, 30.0, 3.1329112378503795e-9),
    ] {
        assert!((student_t::cdf(t, df).unwrap() - expected).abs() < TOLERANCE, "{t} {df}");
    }
}

#[test]
fn noncentral_t_agrees_with_the_reference() {
    for (t, df, delta, expected) in [
        (0.5, 3.0, 1.0, 0.29811049337096315),
        (2.0, 10.0, 2.5, 0.30696168868908236),
        (-1.0, 5.0, 1.5, 0.0093876456217091616),
        (3.0, 15.26, 2.11, 0.7701077631329858),
        (10.0, 4.0, 8.0, 0.63083393365595148),
        (1.5, 100.7, -0.5, 0.97644388501610209),
        (25.0, 7.5, 20.0, 0.73196679743138538),
        (0.0, 6.0, 1.2, 0.11506967022170828),
        (2.0, 2.0, 0.0, 0.90824829046386302),
        (45.0, 60.0, 40.0, 0.87378489353916319),
    ] {
        let found = noncentral_t::cdf(t, df, delta).unwrap();
        assert!((found - expected).abs() < TOLERANCE, "{t} {df} {delta}: {found}");
        assert!((noncentral_t::survival(t, df, delta).unwrap() - (1.0 - expected)).abs() < TOLERANCE);
    }
}

#[test]
fn f_agrees_with_the_reference() {
    for (x, df1, df2, expected) in [
        (4.456318693157227, 1.0, 15.259674589141774, 0.9483343141807051),
        (8.704, 1.0, 4.0, 0.95804124750536131),
        (0.2, 3.0, 7.5, 0.1066518096056701),
        (1.1, 150.0, 2000.0, 0.79982964470287112),
        (30.0, 2.0, 2.5, 0.98211145618000168),
    ] {
        assert!((f::cdf(x, df1, df2).unwrap() - expected).abs() < TOLERANCE, "{x} {df1} {df2}");
    }
}

#[test]
fn noncentral_f_agrees_with_the_reference() {
    for (x, df1, df2, lambda, expected) in [
        (4.5, 1.0, 15.26, 4.46, 0.49007655042991982),
        (3.0, 2.0, 10.0, 0.0, 0.904632568359375),
        (5.0, 1.0, 4.0, 7.0, 0.32824357885050251),
        (2.5, 3.0, 60.5, 12.0, 0.15073736408221158),
        (40.0, 1.0, 8.3, 35.0, 0.53784992344892412),
        (1.2, 5.0, 300.0, 2.0, 0.47988206718475249),
        (900.0, 1.0, 50.0, 800.0, 0.68612488787390174),
    ] {
        let found = noncentral_f::cdf(x, df1, df2, lambda).unwrap();
        assert!((found - expected).abs() < TOLERANCE, "{x} {df1} {df2} {lambda}: {found}");
    }
}

#[test]
fn noncentral_chi_square_agrees_with_the_reference() {
    for (x, df, lambda, expected) in [
        (3.84, 1.0, 7.85, 0.19983890608859295),
        (5.0, 2.5, 1.0, 0.76146139149819288),
        (30.0, 4.0, 20.0, 0.75823432401893719),
        (0.5, 3.0, 2.0, 0.032839561903178239),
        (1100.0, 1.0, 1000.0, 0.93864176734175634),
        (10.0, 6.0, 0.0, 0.87534798051691886),
    ] {
        let found = noncentral_chi_square::cdf(x, df, lambda).unwrap();
        assert!((found - expected).abs() < TOLERANCE, "{x} {df} {lambda}: {found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn quantiles_invert(p in 0.001f64..0.999, df in 1.0f64..80.0, lambda in 0.0f64..40.0) {
        let close = |q: f64| (q - p).abs() < 1e-10;
        prop_assert!(close(student_t::cdf(student_t::quantile(p, df).unwrap(), df).unwrap()));
        prop_assert!(close(f::cdf(f::quantile(p, 3.0, df).unwrap(), 3.0, df).unwrap()));
        let x = noncentral_f::quantile(p, 2.0, df, lambda).unwrap();
        prop_assert!(close(noncentral_f::cdf(x, 2.0, df, lambda).unwrap()));
        let x = noncentral_chi_square::quantile(p, df, lambda).unwrap();
        prop_assert!(close(noncentral_chi_square::cdf(x, df, lambda).unwrap()));
        let t = noncentral_t::quantile(p, df, lambda - 20.0).unwrap();
        prop_assert!(close(noncentral_t::cdf(t, df, lambda - 20.0).unwrap()));
    }

    #[test]
    fn a_squared_noncentral_t_is_a_noncentral_f(t in 0.1f64..9.0, df in 1.5f64..60.0, delta in -5.0f64..5.0) {
        let both = noncentral_t::survival(t, df, delta).unwrap() + noncentral_t::cdf(-t, df, delta).unwrap();
        let squared = noncentral_f::survival(t * t, 1.0, df, delta * delta).unwrap();
        prop_assert!((both - squared).abs() < 1e-11, "{both} {squared}");
    }

    #[test]
    fn large_degrees_of_freedom_approach_the_limit(t in -4.0f64..4.0, delta in -3.0f64..3.0) {
        let near = noncentral_t::cdf(t, 1e9, delta).unwrap();
        prop_assert!((near - noncentral_t::cdf(t, f64::INFINITY, delta).unwrap()).abs() < 1e-7);
    }
}

#[test]
fn nonsense_is_refused() {
    assert!(student_t::cdf(f64::NAN, 3.0).is_err());
    assert!(student_t::cdf(1.0, 0.0).is_err());
    assert!(f::survival(1.0, 1.0, -2.0).is_err());
    assert!(noncentral_f::cdf(1.0, 1.0, 2.0, -1.0).is_err());
    assert!(noncentral_t::cdf(1.0, 2.0, 1e9).is_err());
    assert!(f::quantile(1.0, 1.0, 2.0).is_err());
    assert!(chi_square::cdf(1.0, f64::INFINITY).is_err());
}
