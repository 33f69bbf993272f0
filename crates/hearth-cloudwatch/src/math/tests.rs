//! What expressions come to, and what is refused.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Three metrics of two minutes or three.
struct Sample;

fn series(period: u32, points: &[(u64, f64)]) -> Series {
    Series {
        period,
        points: points.iter().copied().collect(),
    }
}

impl Sample {
    fn of(id: &str) -> Option<Series> {
        Some(match id {
            "m1" => series(60, &[(0, 1.0), (60, 2.0), (120, 3.0)]),
            "m2" => series(60, &[(0, 4.0), (120, 0.0)]),
            "other" => series(300, &[(0, 1.0)]),
            "none" => series(60, &[]),
            _ => return None,
        })
    }
}

impl Operands for Sample {
    fn result(&self, id: &str) -> Result<Value, MathError> {
        let found = Self::of(id).map(Value::One);
        found.ok_or_else(|| MathError::NoSuchId(id.to_owned()))
    }

    fn metrics(&self, part_of_id: &str) -> Result<Vec<Series>, MathError> {
        let ids = ["m1", "m2"].into_iter().filter(|id| id.contains(part_of_id));
        Ok(ids.filter_map(Self::of).collect())
    }

    fn periods(&self, length: u32) -> Result<Vec<u64>, MathError> {
        Ok((0..4).map(|number| number * u64::from(length)).collect())
    }
}

fn of(text: &str) -> Result<Value, MathError> {
    evaluate(&Expression::parse(text)?, &Sample)
}

fn points(text: &str) -> Vec<(u64, f64)> {
    match of(text).unwrap() {
        Value::One(series) => series.points.into_iter().collect(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn operators_bind_as_in_arithmetic() {
    for (text, expected) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("8 - 3 - 2", 3.0),
        ("16 / 4 / 2", 2.0),
        ("2 ^ 3 ^ 2", 512.0),
        ("-2 ^ 2", -4.0),
        ("2 * -3", -6.0),
        (" .5*4 ", 2.0),
        ("1 + 1 < 3 * 1", 1.0),
        ("2 <= 1", 0.0),
        ("2 >= 2 && 1 != 2", 1.0),
        ("1 == 2 || 1 > 2 AND 0", 0.0),
        ("1 OR 0 AND 0", 1.0),
    ] {
        assert_eq!(of(text).unwrap(), Value::Scalar(expected), "{text}");
    }
}

#[test]
fn series_are_combined_where_both_have_values() {
    assert_eq!(points("m1 + m2"), [(0, 5.0), (120, 3.0)]);
    assert_eq!(points("100 * m2 / m1"), [(0, 400.0), (120, 0.0)]);
    assert_eq!(points("-m1"), [(0, -1.0), (60, -2.0), (120, -3.0)]);
}

#[test]
fn what_is_divided_by_zero_is_left_out() {
    assert_eq!(points("m1 / m2"), [(0, 0.25)]);
    assert_eq!(points("m2 / 0"), []);
}

#[test]
fn functions_make_series_of_arrays_and_numbers_of_series() {
    assert_eq!(points("SUM([m1, m2])"), [(0, 5.0), (60, 2.0), (120, 3.0)]);
    assert_eq!(points("SUM(METRICS())"), points("SUM([m1,m2])"));
    assert_eq!(points("AVG(METRICS())"), [(0, 2.5), (60, 2.0), (120, 1.5)]);
    assert_eq!(points("MAX(METRICS(\"m1\"))"), points("m1"));
    assert_eq!(points("MIN([m1,m2])"), [(0, 1.0), (60, 2.0), (120, 0.0)]);
    assert_eq!(of("SUM(m1)").unwrap(), Value::Scalar(6.0));
    assert_eq!(of("SUM(none)").unwrap(), Value::Scalar(0.0));
    assert_eq!(points("m1 - AVG(m1)"), [(0, -1.0), (60, 0.0), (120, 1.0)]);
    assert_eq!(
        points("m1 / PERIOD(m1)"),
        [(0, 1.0 / 60.0), (60, 2.0 / 60.0), (120, 0.05)]
    );
    assert_eq!(points("CEIL(m1/2)"), [(0, 1.0), (60, 1.0), (120, 2.0)]);
    assert_eq!(points("FLOOR(m1/2)"), [(0, 0.0), (60, 1.0), (120, 1.0)]);
    assert_eq!(points("ABS(-m1)"), points("m1"));
}

#[test]
fn an_array_is_combined_with_a_series_one_by_one() {
    let expected = vec![
        series(60, &[(0, 2.0), (60, 4.0), (120, 6.0)]),
        series(60, &[(0, 5.0), (120, 3.0)]),
    ];
    assert_eq!(of("METRICS() + m1").unwrap(), Value::Many(expected.clone()));
    assert_eq!(of("m1 + [m1, m2]").unwrap(), Value::Many(expected));
}

#[test]
fn a_condition_chooses_at_each_time() {
    assert_eq!(points("m1 > 1"), [(0, 0.0), (60, 1.0), (120, 1.0)]);
    assert_eq!(points("IF(m2 != 0, m1 / m2, -1)"), [(0, 0.25), (120, -1.0)]);
    assert_eq!(points("IF(m1 < 3, m2, 9)"), [(0, 4.0), (120, 9.0)]);
    assert_eq!(points("IF(m1 >= 2, m1)"), [(60, 2.0), (120, 3.0)]);
    assert_eq!(points("IF(1, m1, m2)"), points("m1"));
    assert_eq!(points("IF(0, m1, m2)"), points("m2"));
}

#[test]
fn changes_and_sums_go_from_point_to_point() {
    assert_eq!(points("DIFF(m2)"), [(120, -4.0)]);
    assert_eq!(points("RATE(m1)"), [(60, 1.0 / 60.0), (120, 1.0 / 60.0)]);
    assert_eq!(points("RUNNING_SUM(m1)"), [(0, 1.0), (60, 3.0), (120, 6.0)]);
    assert_eq!(points("DIFF(none)"), []);
    assert_eq!(of("DATAPOINT_COUNT(m2)").unwrap(), Value::Scalar(2.0));
    assert_eq!(
        points("DATAPOINT_COUNT(METRICS())"),
        [(0, 2.0), (60, 1.0), (120, 2.0)]
    );
}

#[test]
fn gaps_are_filled() {
    assert_eq!(
        points("FILL(m2, 7)"),
        [(0, 4.0), (60, 7.0), (120, 0.0), (180, 7.0)]
    );
    assert_eq!(
        points("FILL(m2, REPEAT)"),
        [(0, 4.0), (60, 4.0), (120, 0.0), (180, 0.0)]
    );
    assert_eq!(points("FILL(none, REPEAT)"), []);
    assert_eq!(points("FILL(none, 0)").len(), 4);
}

#[test]
fn what_has_no_value_says_why() {
    for (text, expected) in [
        ("", MathError::Syntax(String::new())),
        ("m1 +", MathError::Syntax(String::new())),
        ("m1 m2", MathError::Syntax("m2".to_owned())),
        ("1.2.3", MathError::Syntax("1.2.3".to_owned())),
        ("\"m1\"", MathError::Syntax("m1".to_owned())),
        ("m3 + 1", MathError::NoSuchId("m3".to_owned())),
        ("REPEAT", MathError::NoSuchId("REPEAT".to_owned())),
        ("m1 + other", MathError::Periods),
        ("SUM([m1, other])", MathError::Periods),
        ("[m1] + [m2]", MathError::TwoArrays),
        ("SUM(1)", MathError::Arguments("SUM")),
        ("SUM(m1, m2)", MathError::Arguments("SUM")),
        ("PERIOD(METRICS())", MathError::Arguments("PERIOD")),
        ("FILL(m1)", MathError::Arguments("FILL")),
        ("SUM([])", MathError::NoSeries),
        ("[1]", MathError::NoSeries),
        ("STDDEV(m1)", MathError::Unsupported("STDDEV".to_owned())),
        ("IF(m1)", MathError::Arguments("IF")),
        ("IF(0, m1)", MathError::Arguments("IF")),
        ("IF([m1], 1, 2)", MathError::Arguments("IF")),
        ("IF(m1, METRICS())", MathError::Arguments("IF")),
        ("IF(m1 > 0, other)", MathError::Periods),
        ("DIFF(1)", MathError::Arguments("DIFF")),
        ("1 ANDY 2", MathError::Syntax("ANDY 2".to_owned())),
        ("1 = 1", MathError::Syntax("= 1".to_owned())),
        (
            "FILL(m1, LINEAR)",
            MathError::Unsupported("FILL with LINEAR".to_owned()),
        ),
        (
            "SEARCH('{AWS/Lambda}', 'Sum')",
            MathError::Unsupported("SEARCH".to_owned()),
        ),
        ("SELECT SUM(Errors) FROM \"AWS/Lambda\"", MathError::Insights),
    ] {
        assert_eq!(of(text).unwrap_err().to_string(), expected.to_string(), "{text}");
    }
}

#[test]
fn deep_and_long_expressions_are_refused() {
    for text in [
        "(".repeat(2000),
        "-".repeat(2000),
        "[".repeat(2000),
        "2^".repeat(1000),
        "1+".repeat(1000),
    ] {
        assert!(matches!(of(&text), Err(MathError::TooLarge)), "{text:.5}");
    }
    assert_eq!(
        of(&format!("1{}", "+1".repeat(250))).unwrap(),
        Value::Scalar(251.0)
    );
}

#[test]
fn the_ids_of_an_expression_are_known() {
    let expression = Expression::parse("FILL(m1, REPEAT) / SUM([m2, -m3]) ^ 2").unwrap();
    assert_eq!(expression.ids(), ["m1", "m2", "m3"]);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        let _ = of(&text);
    }

    #[test]
    fn what_looks_like_an_expression_is_read_or_refused(text in "[m1-9+*/^()\\[\\], \"A-Z.<>=!&|]{0,60}") {
        let _ = of(&text);
    }

    #[test]
    fn sums_are_sums(values in proptest::collection::vec((0u64..5, -1e6..1e6), 0..8)) {
        let all: BTreeMap<u64, f64> = values.into_iter().collect();
        let one = Series { period: 60, points: all.clone() };
        let doubled = Series::fold(&[one.clone(), one], |values| values.iter().sum()).unwrap();
        prop_assert_eq!(doubled.points, all.into_iter().map(|(at, value)| (at, value * 2.0)).collect());
    }
}
