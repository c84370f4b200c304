//! The memory that values need, as a multiple of their message. An allocator counts it.
//!
//! The test has its own process, because the allocator counts every thread.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use terraform_plugin::value::{Number, Type, Value, json, msgpack};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// The number of elements in each value.
const ELEMENTS: usize = 20_000;

/// Held by each test, because the allocator counts all of them.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work`, and returns its result and the most bytes that it had allocated at once.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let result = work();
    (result, ALLOCATED.peak_usage() - before)
}

/// The value as the JSON of stored state.
fn text(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(",");
    match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::List(elements) | Value::Set(elements) => {
            format!("[{}]", joined(elements.iter().map(text).collect()))
        }
        Value::Map(entries) | Value::Object(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, value)| format!("{key:?}:{}", text(value)));
            format!("{{{}}}", joined(entries.collect()))
        }
        Value::Null | Value::Unknown | Value::Dynamic(_) => "null".to_owned(),
    }
}

/// A value, its type, and how many times its message it may need.
struct Shape {
    name: &'static str,
    kind: Type,
    value: Value,
    decode: usize,
    read: usize,
}

fn shapes() -> Vec<Shape> {
    const IMAGE: [&str; 6] = [
        "digest",
        "message",
        "registry",
        "repository",
        "status",
        "tag",
    ];
    let list = |kind: Type| Type::List(Box::new(kind));
    let of = |value: Value| Value::List(vec![value; ELEMENTS]);
    let object = |names: &[&str]| {
        let names = names.iter();
        Type::Object(
            names
                .map(|name| ((*name).to_owned(), Type::String))
                .collect(),
        )
    };
    let decimal: Number = "0.5".parse().unwrap();
    let entries = (0..ELEMENTS).map(|index| (format!("key {index}"), "value".into()));
    let shape = |name, kind, value, decode, read| Shape {
        name,
        kind,
        value,
        decode,
        read,
    };
    vec![
        shape("nulls", list(Type::String), of(Value::Null), 33, 20),
        shape("integers", list(Type::Number), of(7_i64.into()), 33, 50),
        shape("decimals", list(Type::Number), of(decimal.into()), 10, 30),
        shape("texts", list(Type::String), of("text".into()), 10, 16),
        shape(
            "nested lists",
            list(list(Type::Bool)),
            of(Value::List(vec![true.into()])),
            33,
            50,
        ),
        shape(
            "images",
            list(object(&IMAGE)),
            of(Value::object(
                IMAGE.map(|name| (name, Value::from("some text"))),
            )),
            10,
            10,
        ),
        // The smallest objects that exist. Every object needs one node of a B-tree.
        shape(
            "smallest objects",
            list(object(&["a"])),
            of(Value::object([("a", Value::from("b"))])),
            140,
            80,
        ),
        shape(
            "map",
            Type::Map(Box::new(Type::String)),
            Value::Map(entries.collect()),
            15,
            15,
        ),
    ]
}

#[test]
fn a_value_needs_a_bounded_multiple_of_its_message() {
    const ENCODE: usize = 4;
    let _alone = alone();
    let mut too_much = Vec::new();
    for shape in shapes() {
        let Shape {
            name, kind, value, ..
        } = &shape;
        let (message, encode) = peak(|| msgpack::encode(value, kind).unwrap());
        let (decoded, decode) = peak(|| msgpack::decode(&message, kind).unwrap());
        let stored = text(value);
        let (found, read) = peak(|| json::decode_slice(stored.as_bytes(), kind).unwrap());
        assert!(decoded == *value && found == *value, "{name}");
        for (work, needed, length, bound) in [
            ("encode", encode, message.len(), ENCODE),
            ("decode", decode, message.len(), shape.decode),
            ("read", read, stored.len(), shape.read),
        ] {
            eprintln!("{name}: {work} {:.1}", needed as f64 / length as f64);
            if needed > bound * length {
                too_much.push(format!("{name}: {work} needs {needed} of {length} bytes"));
            }
        }
    }
    assert_eq!(too_much, [""; 0]);
}

/// The types of the corpus' values.
fn corpus_type() -> Type {
    let kind = corpus::seeds("types").swap_remove(0);
    Type::from_json(&serde_json::from_slice(&kind).unwrap()).unwrap()
}

#[test]
fn arbitrary_messages_need_a_bounded_multiple_of_their_length() {
    // The most that any shape above needs, and what a short error text needs.
    const MULTIPLE: usize = 140;
    const CONSTANT: usize = 16 * 1024;
    let _alone = alone();
    let kind = corpus_type();
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&corpus::changed("values"), |message| {
        let bound = MULTIPLE * message.len() + CONSTANT;
        let (decoded, decode) = peak(|| msgpack::decode(&message, &kind));
        let (read, from_json) = peak(|| json::decode_slice(&message, &kind));
        prop_assert!(
            decode <= bound,
            "decode needs {decode} of {}",
            message.len()
        );
        prop_assert!(
            from_json <= bound,
            "read needs {from_json} of {}",
            message.len()
        );
        for value in [decoded.ok(), read.ok()].into_iter().flatten() {
            prop_assert!(msgpack::encode(&value, &kind).is_ok());
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
