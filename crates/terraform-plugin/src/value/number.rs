//! Numbers of any size, exact.
//!
//! Hosts compare numbers by their shortest decimal text and reject a plan that changes one digit.
//! Therefore a number is stored as decimal digits and never becomes a float.

use std::fmt;
use std::str::FromStr;

/// The most padding zeros before or after the decimal point. Numbers that need more print in
/// scientific notation.
const MOST_PADDING: usize = 20;

/// A decimal number of any size and precision, or an infinity. Numbers are equal by value: `1`,
/// `1.0` and `10e-1` are the same number and print the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(Form);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Form {
    /// An integer that fits in 64 bits. Most numbers do, and this form needs no allocation.
    Integer(i64),
    /// Any other finite number: `digits` × 10^`exponent`. The digits have no leading or trailing zeros.
    Finite {
        negative: bool,
        digits: String,
        exponent: i32,
    },
    Infinite {
        negative: bool,
    },
}

/// Why a text or float is not a [`Number`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text is not a decimal number.
    #[error("{0:?} is not a decimal number")]
    NotDecimal(String),
    /// The exponent doesn't fit in 32 bits.
    #[error("the exponent of {0:?} is out of range")]
    ExponentOutOfRange(String),
    /// The float is NaN.
    #[error("NaN is not a number")]
    NotANumber,
}

impl Number {
    /// The number as an integer, or [`None`] if it is a fraction, infinite or out of range.
    pub fn to_i64(&self) -> Option<i64> {
        match self.0 {
            Form::Integer(integer) => Some(integer),
            Form::Finite { .. } | Form::Infinite { .. } => None,
        }
    }

    /// Whether the number is infinite.
    pub(crate) fn is_infinite(&self) -> bool {
        matches!(self.0, Form::Infinite { .. })
    }

    /// Whether the number is less than zero.
    pub(crate) fn is_negative(&self) -> bool {
        match self.0 {
            Form::Integer(integer) => integer < 0,
            Form::Finite { negative, .. } | Form::Infinite { negative } => negative,
        }
    }

    /// `digits` × 10^`exponent` in normal form, which equal numbers share. Returns [`None`] if the
    /// exponent doesn't fit in 32 bits.
    fn finite(negative: bool, digits: &str, exponent: i64) -> Option<Self> {
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Some(Self(Form::Integer(0)));
        }
        let trailing = digits.len() - digits.trim_end_matches('0').len();
        let exponent = exponent.checked_add(i64::try_from(trailing).ok()?)?;
        let exponent = i32::try_from(exponent).ok()?;
        let form = integer(negative, significant, exponent).map_or_else(
            || Form::Finite {
                negative,
                digits: significant.to_owned(),
                exponent,
            },
            Form::Integer,
        );
        Some(Self(form))
    }
}

impl FromStr for Number {
    type Err = NumberError;

    /// Parses a decimal number, such as `-12.50` or `1e-7`.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let not_decimal = || NumberError::NotDecimal(text.to_owned());
        let out_of_range = || NumberError::ExponentOutOfRange(text.to_owned());

        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let (negative, mantissa) = split_sign(mantissa);
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !is_digits(&digits) {
            return Err(not_decimal());
        }
        let shift = match exponent {
            None => 0,
            Some(exponent) => {
                let (_, unsigned) = split_sign(exponent);
                if unsigned.is_empty() || !is_digits(unsigned) {
                    return Err(not_decimal());
                }
                exponent.parse::<i64>().map_err(|_| out_of_range())?
            }
        };
        i64::try_from(fraction.len())
            .ok()
            .and_then(|fraction| shift.checked_sub(fraction))
            .and_then(|exponent| Self::finite(negative, &digits, exponent))
            .ok_or_else(out_of_range)
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(Form::Integer(number))
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(
            |_| Self::finite(false, &number.to_string(), 0).expect("the exponent is small"),
            Self::from,
        )
    }
}

impl TryFrom<f64> for Number {
    type Error = NumberError;

    /// Converts a float. An integer keeps every digit, because a host may send a large integer as a
    /// float. A fraction becomes the shortest decimal that rounds to the float, so `0.1` is 0.1.
    fn try_from(number: f64) -> Result<Self, NumberError> {
        if number.is_nan() {
            Err(NumberError::NotANumber)
        } else if number.is_infinite() {
            Ok(Self(Form::Infinite {
                negative: number.is_sign_negative(),
            }))
        } else if number.fract() == 0.0 {
            format!("{number:.0}").parse()
        } else {
            format!("{number:e}").parse()
        }
    }
}

/// Prints the shortest decimal text, or scientific notation if that needs many zeros.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let (digits, exponent) = match &self.0 {
            Form::Integer(integer) => return integer.fmt(f),
            Form::Infinite { .. } => return write!(f, "{sign}Inf"),
            Form::Finite {
                digits, exponent, ..
            } => (digits.as_str(), *exponent),
        };
        f.write_str(sign)?;
        let shift = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
        if exponent >= 0 && shift <= MOST_PADDING {
            write!(f, "{digits}{}", "0".repeat(shift))
        } else if exponent < 0 && shift < digits.len() {
            let (whole, fraction) = digits.split_at(digits.len() - shift);
            write!(f, "{whole}.{fraction}")
        } else if exponent < 0 && shift - digits.len() <= MOST_PADDING {
            write!(f, "0.{}{digits}", "0".repeat(shift - digits.len()))
        } else {
            write!(f, "{digits}e{exponent}")
        }
    }
}

/// The integer `digits` × 10^`exponent`, if it fits in 64 bits.
fn integer(negative: bool, digits: &str, exponent: i32) -> Option<i64> {
    /// The most digits of an integer that fits.
    const MOST_DIGITS: usize = 19;
    let zeros = usize::try_from(exponent).ok()?;
    if digits.len().checked_add(zeros)? > MOST_DIGITS {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    format!("{sign}{digits}{}", "0".repeat(zeros)).parse().ok()
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_compare_by_value() {
        for (one, other) in [
            ("1", "1.0"),
            ("1", "10e-1"),
            ("100", "+1E+2"),
            ("-0.50", "-5e-1"),
            ("0", "-0.000"),
            ("007", "7"),
        ] {
            assert_eq!(number(one), number(other), "{one} and {other}");
            assert_eq!(number(one).to_string(), number(other).to_string());
        }
        assert_ne!(number("9007199254740993"), number("9007199254740992"));
    }

    #[test]
    fn a_number_prints_as_its_shortest_text_and_parses_back() {
        for (text, printed) in [
            ("0", "0"),
            ("-12.50", "-12.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("18446744073709551616", "18446744073709551616"),
            ("0.00000000000000000001", "0.00000000000000000001"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e21"),
            ("12.5e-100", "125e-101"),
        ] {
            assert_eq!(number(text).to_string(), printed);
            assert_eq!(number(printed), number(text));
        }
    }

    #[test]
    fn integers_keep_every_digit() {
        assert_eq!(Number::from(i64::MIN).to_string(), "-9223372036854775808");
        assert_eq!(Number::from(u64::MAX).to_string(), "18446744073709551615");
        assert_eq!(Number::from(0_i64), number("0"));
        assert_eq!(Number::from(1000_i64), number("1e3"));
        assert_eq!(Number::from(i64::MAX).to_i64(), Some(i64::MAX));
        assert_eq!(Number::from(i64::MIN).to_i64(), Some(i64::MIN));
        assert_eq!(number("9223372036854775808").to_i64(), None);
        assert_eq!(number("1.5").to_i64(), None);
        assert_eq!(number("1e400").to_i64(), None);
    }

    #[test]
    fn a_float_becomes_its_shortest_decimal_or_its_exact_integer() {
        assert_eq!(Number::try_from(0.1).unwrap(), number("0.1"));
        assert_eq!(Number::try_from(-0.0).unwrap(), number("0"));
        assert_eq!(
            Number::try_from(18_446_744_073_709_551_616.0).unwrap(),
            number("18446744073709551616")
        );
        assert_eq!(
            Number::try_from(f64::INFINITY),
            Ok(Number::try_from(f64::INFINITY).unwrap())
        );
        assert_eq!(
            Number::try_from(f64::NEG_INFINITY).unwrap().to_string(),
            "-Inf"
        );
        assert_eq!(Number::try_from(f64::NAN), Err(NumberError::NotANumber));
    }

    #[test]
    fn text_that_is_not_a_decimal_number_is_an_error() {
        for text in [
            "", "-", ".", "e5", "1e", "1e+", "0x10", "1_000", "1 ", "NaN", "Inf", "1e5.5", "--1",
            "1e+-5", "٣",
        ] {
            assert_eq!(
                Number::from_str(text),
                Err(NumberError::NotDecimal(text.to_owned())),
            );
        }
        for text in ["1e99999999999", "1e-99999999999999999999"] {
            assert_eq!(
                Number::from_str(text),
                Err(NumberError::ExponentOutOfRange(text.to_owned())),
            );
        }
    }
}
