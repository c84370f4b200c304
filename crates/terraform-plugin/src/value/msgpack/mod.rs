//! The wire encoding of values: MessagePack by type.
//!
//! The encoding is cty's. Null is nil at any depth. Unknown is an extension value with any code and
//! content, because a host may put refinements there. A dynamic value is a pair of its type in JSON
//! and its value.

mod decode;
mod encode;
mod token;

pub use decode::decode;
pub use encode::encode;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{AttributePath, Number, Type, Value};

    fn bytes(hex: &str) -> Vec<u8> {
        let hex: String = hex.split_whitespace().collect();
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    fn kind(expression: &str) -> Type {
        Type::from_json(&serde_json::from_str(expression).unwrap()).unwrap()
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    fn dynamic(expression: &str, value: Value) -> Value {
        Value::Dynamic(Box::new((kind(expression), value)))
    }

    fn strings(texts: &[&str]) -> Vec<Value> {
        texts.iter().map(|text| Value::from(*text)).collect()
    }

    /// The table holds a type, bytes and a value. The bytes decode to the value and back.
    #[test]
    fn every_kind_of_value_encodes_and_decodes() {
        let object = r#"["object",{"a":"string","b":"bool"}]"#;
        let table = [
            (r#""string""#, "c0", Value::Null),
            (r#""string""#, "d4 00 00", Value::Unknown),
            (r#""string""#, "a2 68 69", Value::from("hi")),
            (r#""string""#, "a0", Value::from("")),
            (r#""bool""#, "c3", Value::from(true)),
            (r#""bool""#, "c2", Value::from(false)),
            (r#""number""#, "00", number("0")),
            (r#""number""#, "7f", number("127")),
            (r#""number""#, "cc 80", number("128")),
            (r#""number""#, "ff", number("-1")),
            (
                r#""number""#,
                "cb 7f f0 00 00 00 00 00 00",
                Number::try_from(f64::INFINITY).unwrap().into(),
            ),
            (
                r#""number""#,
                "cb ff f0 00 00 00 00 00 00",
                Number::try_from(f64::NEG_INFINITY).unwrap().into(),
            ),
            (r#""number""#, "a3 30 2e 31", number("0.1")),
            (
                r#""number""#,
                "d3 80 00 00 00 00 00 00 00",
                number("-9223372036854775808"),
            ),
            (
                r#""number""#,
                "b3 39 32 32 33 33 37 32 30 33 36 38 35 34 37 37 35 38 30 38",
                number("9223372036854775808"),
            ),
            (r#"["list","string"]"#, "90", Value::List(vec![])),
            (
                r#"["list","string"]"#,
                "92 a1 61 c0",
                Value::List(vec!["a".into(), Value::Null]),
            ),
            (
                r#"["set","string"]"#,
                "92 a1 61 a1 62",
                Value::Set(strings(&["a", "b"])),
            ),
            (
                r#"["map","number"]"#,
                "81 a1 6b 05",
                Value::Map([("k".into(), number("5"))].into()),
            ),
            (
                r#"["tuple",["bool","string"]]"#,
                "92 c3 a1 61",
                Value::List(vec![true.into(), "a".into()]),
            ),
            (r#"["object",{}]"#, "80", Value::Object([].into())),
            (
                object,
                "82 a1 61 a1 78 a1 62 c0",
                Value::object([("a", "x".into()), ("b", Value::Null)]),
            ),
            (object, "c0", Value::Null),
            (object, "d4 00 00", Value::Unknown),
            (r#""dynamic""#, "c0", Value::Null),
            (r#""dynamic""#, "d4 00 00", Value::Unknown),
            (
                r#""dynamic""#,
                "92 c4 08 22 73 74 72 69 6e 67 22 a1 78",
                dynamic(r#""string""#, "x".into()),
            ),
            (
                r#""dynamic""#,
                "92 c4 06 22 62 6f 6f 6c 22 c0",
                dynamic(r#""bool""#, Value::Null),
            ),
        ];
        for (expression, hex, value) in table {
            let kind = kind(expression);
            assert_eq!(decode(&bytes(hex), &kind).unwrap(), value, "{hex} read");
            assert_eq!(
                encode(&value, &kind).unwrap(),
                bytes(hex),
                "{value:?} written"
            );
        }
    }

    #[test]
    fn other_encodings_of_a_value_decode_too() {
        for (expression, hex, value) in [
            // 1 as every kind of integer and float
            (r#""number""#, "cc 01", number("1")),
            (r#""number""#, "d3 00 00 00 00 00 00 00 01", number("1")),
            (r#""number""#, "cf 00 00 00 00 00 00 00 01", number("1")),
            (r#""number""#, "ca 3f 80 00 00", number("1")),
            (r#""number""#, "cb 3f f0 00 00 00 00 00 00", number("1")),
            (r#""number""#, "a3 31 2e 30", number("1")),
            (r#""number""#, "cb 3f b9 99 99 99 99 99 9a", number("0.1")),
            (
                r#""number""#,
                "cf ff ff ff ff ff ff ff ff",
                number("18446744073709551615"),
            ),
            // the type of a dynamic value as text
            (
                r#""dynamic""#,
                "92 a6 22 62 6f 6f 6c 22 c3",
                dynamic(r#""bool""#, true.into()),
            ),
        ] {
            assert_eq!(
                decode(&bytes(hex), &kind(expression)).unwrap(),
                value,
                "{hex}"
            );
        }
    }

    #[test]
    fn an_unknown_value_with_refinements_is_unknown() {
        for hex in [
            "d4 00 00",                      // plain
            "c7 00 00",                      // no content
            "d4 0c 00",                      // code 12 without refinements
            "c7 03 0c 81 01 c2",             // not null
            "c7 07 0c 82 01 c2 02 a2 68 69", // not null, starts with "hi"
            "c7 05 0c 82 05 01 06 03",       // 1 to 3 elements
            "d6 05 01 02 03 04",             // a code without a meaning so far
        ] {
            let mut hex = bytes(hex);
            if hex[0] == 0xc7 {
                hex[1] = u8::try_from(hex.len() - 3).unwrap();
            }
            assert_eq!(decode(&hex, &Type::String).unwrap(), Value::Unknown);
            assert_eq!(
                decode(&hex, &Type::List(Box::new(Type::String))).unwrap(),
                Value::Unknown
            );
        }
    }

    #[test]
    fn sets_are_equal_in_any_order() {
        let kind = kind(r#"["set","string"]"#);
        assert_eq!(
            decode(&bytes("92 a1 62 a1 61"), &kind).unwrap(),
            Value::Set(strings(&["a", "b"])),
        );
    }

    #[test]
    fn an_invalid_value_is_an_error_with_its_path() {
        let nested = r#"["object",{"items":["map",["object",{"tags":["list","string"]}]]}]"#;
        for (expression, hex, message) in [
            (r#""string""#, "01", "a string is required, found a number"),
            (r#""bool""#, "a1 61", "a bool is required, found a string"),
            (r#""number""#, "a1 78", "\"x\" is not a decimal number"),
            (r#""number""#, "c3", "a number is required, found a bool"),
            (
                r#""number""#,
                "cb 7f f8 00 00 00 00 00 00",
                "NaN is not a number",
            ),
            (r#""string""#, "a1 ff", "text is not UTF-8"),
            (r#""string""#, "a1 61 c0", "extra bytes after the value: 1"),
            (r#""string""#, "a2 61", "the value is not MessagePack"),
            (r#""string""#, "", "the value is not MessagePack"),
            (
                r#"["object",{"a":"string"}]"#,
                "80",
                "attribute \"a\" is missing",
            ),
            (
                r#"["object",{}]"#,
                "81 a1 61 c0",
                "attribute \"a\" is not in the schema",
            ),
            (
                r#"["map","bool"]"#,
                "82 a1 61 c3 a1 61 c2",
                "key \"a\" appears twice",
            ),
            (
                r#"["map","bool"]"#,
                "81 01 c3",
                "a string key is required, found a number",
            ),
            (
                r#"["tuple",["bool"]]"#,
                "90",
                "a tuple of length 1 is required, found 0",
            ),
            (
                r#"["tuple",["bool"]]"#,
                "91 a0",
                "[0]: a bool is required, found a string",
            ),
            (
                r#""dynamic""#,
                "c3",
                "a dynamic value is required, found a bool",
            ),
            (
                r#""dynamic""#,
                "92 c4 03 22 78 22 c3",
                "\"x\" is not a type",
            ),
            (
                nested,
                "81 a5 69 74 65 6d 73 81 a1 6b 81 a4 74 61 67 73 92 c0 07",
                "items[\"k\"].tags[1]: a string is required, found a number",
            ),
            (
                r#"["object",{"s":["set","bool"]}]"#,
                "81 a1 73 91 01",
                "s: a bool is required, found a number",
            ),
        ] {
            let error = decode(&bytes(hex), &kind(expression)).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn deeply_nested_bytes_do_not_exhaust_the_stack() {
        let arrays = vec![0x91; 1_000_000];
        assert!(decode(&arrays, &Type::Dynamic).is_err());
        let pair = bytes("92 c4 09 22 64 79 6e 61 6d 69 63 22");
        for (depth, is_read) in [(100, true), (200, false), (100_000, false)] {
            let dynamic_of_dynamic = [pair.repeat(depth), vec![0xc0]].concat();
            let read = decode(&dynamic_of_dynamic, &Type::Dynamic);
            assert_eq!(read.is_ok(), is_read, "{depth} levels");
        }
    }

    #[test]
    fn a_false_length_does_not_exhaust_memory() {
        assert!(decode(&bytes("dd ff ff ff ff"), &Type::List(Box::new(Type::Bool))).is_err());
        assert!(decode(&bytes("db ff ff ff ff"), &Type::String).is_err());
    }

    #[test]
    fn an_omitted_attribute_encodes_as_null() {
        let kind = kind(r#"["object",{"a":"string","b":"bool"}]"#);
        let sparse = Value::object([("b", true.into())]);
        assert_eq!(
            encode(&sparse, &kind).unwrap(),
            bytes("82 a1 61 c0 a1 62 c3")
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_not_encoded() {
        let kind = kind(r#"["object",{"a":["list","string"]}]"#);
        let wrong = Value::object([("a", Value::List(vec!["x".into(), 7_i64.into()]))]);
        let error = encode(&wrong, &kind).unwrap_err();
        assert_eq!(error.path, AttributePath::new("a").index(1));
        assert_eq!(
            error.to_string(),
            "a[1]: a string is required, found a number"
        );

        let error = encode(&Value::object([("b", Value::Null)]), &kind).unwrap_err();
        assert_eq!(error.to_string(), "attribute \"b\" is not in the schema");
    }
}
