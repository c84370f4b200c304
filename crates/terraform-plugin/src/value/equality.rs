//! When two values are equal, by the rules of cty, the type system of hosts.
//!
//! Sets are equal in any order. Texts are equal if their NFC forms are, because hosts normalise every
//! text. Equal values have the same hash, so that a set needs one look-up for each element.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::value::Value;

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) | (Self::Unknown, Self::Unknown) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) => same_text(a, b),
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Set(a), Self::Set(b)) => same_elements(a, b),
            (Self::Map(a), Self::Map(b)) | (Self::Object(a), Self::Object(b)) => same_fields(a, b),
            (Self::Dynamic(a), Self::Dynamic(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Null | Self::Unknown => {}
            Self::Bool(truth) => truth.hash(state),
            Self::Number(number) => number.hash(state),
            Self::String(text) => nfc(text).hash(state),
            Self::List(elements) => elements.hash(state),
            Self::Set(elements) => in_any_order(elements.iter()).hash(state),
            Self::Map(fields) | Self::Object(fields) => normalised(fields).hash(state),
            Self::Dynamic(typed) => typed.hash(state),
        }
    }
}

/// Whether both slices have the same different elements. Needs one look-up for each element.
fn same_elements<T: Eq + Hash>(a: &[T], b: &[T]) -> bool {
    fn different<T: Eq + Hash>(elements: &[T]) -> HashSet<&T> {
        elements.iter().collect()
    }
    different(a) == different(b)
}

fn same_fields(a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>) -> bool {
    if a.keys().chain(b.keys()).all(|name| name.is_ascii()) {
        return a == b;
    }
    normalised(a) == normalised(b)
}

fn normalised(fields: &BTreeMap<String, Value>) -> BTreeMap<Cow<'_, str>, &Value> {
    let fields = fields.iter();
    fields.map(|(name, value)| (nfc(name), value)).collect()
}

fn same_text(a: &str, b: &str) -> bool {
    a == b || (!a.is_ascii() && !b.is_ascii() && nfc(a) == nfc(b))
}

/// The hashes of the different elements, sorted.
fn in_any_order<T: Hash>(elements: impl Iterator<Item = T>) -> Vec<u64> {
    let mut hashes: Vec<u64> = elements
        .map(|element| {
            let mut hasher = DefaultHasher::new();
            element.hash(&mut hasher);
            hasher.finish()
        })
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::value::Type;

    const COMPOSED: &str = "caf\u{e9}";
    const DECOMPOSED: &str = "cafe\u{301}";

    fn hash(value: &Value) -> u64 {
        in_any_order([value].into_iter())[0]
    }

    fn assert_equal(a: &Value, b: &Value) {
        assert_eq!(a, b);
        assert_eq!(hash(a), hash(b), "{a:?} and {b:?}");
    }

    #[test]
    fn texts_are_equal_in_any_normal_form() {
        let text = |text: &str| Value::from(text);
        assert_equal(&text(COMPOSED), &text(DECOMPOSED));
        assert_ne!(text(COMPOSED), text("cafe"));

        let map = |key: &str| Value::Map([(key.to_owned(), text(key))].into());
        assert_equal(&map(COMPOSED), &map(DECOMPOSED));
        let object = |key: &str| Value::object([(key, text(key))]);
        assert_equal(&object(COMPOSED), &object(DECOMPOSED));
        let dynamic = |content: &str| Value::Dynamic(Box::new((Type::String, text(content))));
        assert_equal(&dynamic(COMPOSED), &dynamic(DECOMPOSED));
        let set = |content: &str| Value::Set(vec![text(content)]);
        assert_equal(&set(COMPOSED), &set(DECOMPOSED));
    }

    #[test]
    fn sets_are_equal_in_any_order_at_every_depth() {
        let set = |elements: &[i64]| Value::Set(elements.iter().map(|it| (*it).into()).collect());
        assert_equal(&set(&[1, 2, 3]), &set(&[3, 1, 2]));
        assert_equal(&set(&[1, 2, 2]), &set(&[2, 1]));
        assert_ne!(set(&[1, 2]), set(&[1, 3]));
        assert_ne!(set(&[1, 2]), set(&[1, 2, 3]));
        assert_ne!(set(&[1, 2]), Value::List(vec![1.into(), 2.into()]));
        assert_equal(
            &Value::Set(vec![set(&[1, 2]), set(&[3, 4])]),
            &Value::Set(vec![set(&[4, 3]), set(&[2, 1])]),
        );
    }

    thread_local! {
        static COMPARISONS: Cell<usize> = const { Cell::new(0) };
    }

    struct Counted(usize);

    impl Hash for Counted {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            COMPARISONS.set(COMPARISONS.get() + 1);
            self.0 == other.0
        }
    }

    impl Eq for Counted {}

    #[test]
    fn the_equality_of_sets_needs_few_comparisons() {
        const SIZE: usize = 5000;
        let set: Vec<Counted> = (0..SIZE).map(Counted).collect();
        let reversed: Vec<Counted> = (0..SIZE).rev().map(Counted).collect();

        assert!(same_elements(&set, &reversed));

        assert!(COMPARISONS.get() <= 2 * SIZE, "{}", COMPARISONS.get());
    }
}
