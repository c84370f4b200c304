//! Decodes a value from the wire encoding.
//!
//! The decoder reads straight into values, and counts the memory that they need before it allocates it.

use std::collections::BTreeMap;
use std::iter;

use crate::value::msgpack::token::{Token, cut_off};
use crate::value::type_error::{at, check_length, expected_name};
use crate::value::{Number, Problem, Step, Type, TypeError, Value};

/// The maximum nesting depth, the same as in `serde_json`. Deeper values would exhaust the stack.
const MAX_DEPTH: usize = 128;

/// The maximum memory of a decoded value in bytes. A message may have 256 MiB, and a value of tiny
/// objects needs over a hundred times as much.
const MAX_MEMORY: usize = 2 << 30;

/// The most entries in one node of a map, which is a B-tree.
const NODE_ENTRIES: usize = 11;

/// The memory of an entry in a full node of a map.
const ENTRY: usize = size_of::<String>() + size_of::<Value>();

/// Decodes a value of type `kind`. Objects must have exactly the attributes of their type.
///
/// # Errors
/// The bytes are not exactly one value of this type, or the value needs more than 2 GiB of memory. The
/// error has the path of the invalid part.
pub fn decode(bytes: &[u8], kind: &Type) -> Result<Value, TypeError> {
    decode_within(bytes, kind, MAX_MEMORY)
}

/// Decodes a value that needs at most `limit` bytes of memory.
fn decode_within(bytes: &[u8], kind: &Type, limit: usize) -> Result<Value, TypeError> {
    let mut decoder = Decoder {
        rest: bytes,
        depth: MAX_DEPTH,
        unclaimed: bytes.len(),
        memory: limit,
        limit,
    };
    let value = decoder.value(kind)?;
    if !decoder.rest.is_empty() {
        return Err(Problem::TrailingBytes(decoder.rest.len()).into());
    }
    Ok(value)
}

struct Decoder<'a> {
    /// The bytes that are still to be read.
    rest: &'a [u8],
    /// How many more levels may be nested.
    depth: usize,
    /// How many more values the message can have. Each needs at least one byte of its own, so a false
    /// length can't claim more memory than the message allows.
    unclaimed: usize,
    /// How many more bytes of memory the value may need.
    memory: usize,
    limit: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, kind: &Type) -> Result<Value, TypeError> {
        let token = Token::read(&mut self.rest)?;
        match (kind, token) {
            (_, Token::Nil) => Ok(Value::Null),
            (_, Token::Extension) => Ok(Value::Unknown),
            (Type::String, Token::Text(text)) => self.text(text).map(Value::String),
            (Type::Bool, Token::Bool(truth)) => Ok(Value::Bool(truth)),
            (Type::Number, token) => self.number(token).map(Value::Number),
            (Type::List(element), Token::Array(length)) => self
                .elements(length, iter::repeat(element.as_ref()))
                .map(Value::List),
            // The protocol has no path to a set element, so an error in an element is an error of the set.
            (Type::Set(element), Token::Array(length)) => self
                .elements(length, iter::repeat(element.as_ref()))
                .map(Value::Set)
                .map_err(|error| error.problem.into()),
            (Type::Tuple(kinds), Token::Array(length)) => {
                check_length(kinds.len(), length)?;
                self.elements(length, kinds.iter()).map(Value::List)
            }
            (Type::Map(element), Token::Map(length)) => self.map(length, element).map(Value::Map),
            (Type::Object(kinds), Token::Map(length)) => {
                self.object(length, kinds).map(Value::Object)
            }
            (Type::Dynamic, Token::Array(length)) => self.dynamic(length),
            (kind, token) => Err(wrong_kind(expected_name(kind), token)),
        }
    }

    fn text(&mut self, text: &[u8]) -> Result<String, TypeError> {
        let text = std::str::from_utf8(text).map_err(|_| Problem::NotUtf8)?;
        self.claim(0, text.len())?;
        Ok(text.to_owned())
    }

    fn number(&mut self, token: Token<'_>) -> Result<Number, TypeError> {
        match token {
            Token::Integer(integer) => Ok(integer.into()),
            Token::Unsigned(integer) => Ok(integer.into()),
            Token::Float(float) => Ok(Number::try_from(float).map_err(Problem::from)?),
            Token::Text(text) => {
                let text = self.text(text)?;
                Ok(text.parse::<Number>().map_err(Problem::from)?)
            }
            other => Err(wrong_kind(expected_name(&Type::Number), other)),
        }
    }

    fn elements<'k>(
        &mut self,
        length: usize,
        kinds: impl Iterator<Item = &'k Type>,
    ) -> Result<Vec<Value>, TypeError> {
        self.claim(length, length.saturating_mul(size_of::<Value>()))?;
        self.nested(|decoder| {
            let mut elements = Vec::with_capacity(length);
            for (index, kind) in (0..).zip(kinds.take(length)) {
                elements.push(at(Step::Index(index), decoder.value(kind))?);
            }
            Ok(elements)
        })
    }

    fn map(&mut self, length: usize, kind: &Type) -> Result<BTreeMap<String, Value>, TypeError> {
        self.entries(length, |decoder, key, elements| {
            let value = at(Step::Key(key.clone()), decoder.value(kind))?;
            insert_once(elements, key, value)
        })
    }

    fn object(
        &mut self,
        length: usize,
        kinds: &BTreeMap<String, Type>,
    ) -> Result<BTreeMap<String, Value>, TypeError> {
        let attributes = self.entries(length, |decoder, name, attributes| {
            let Some(kind) = kinds.get(&name) else {
                return Err(Problem::UnexpectedAttribute(name).into());
            };
            let value = at(Step::Attribute(name.clone()), decoder.value(kind))?;
            insert_once(attributes, name, value)
        })?;
        match kinds.keys().find(|name| !attributes.contains_key(*name)) {
            Some(missing) => Err(Problem::MissingAttribute(missing.clone()).into()),
            None => Ok(attributes),
        }
    }

    /// Reads the keys of a map or an object. `read` reads the value of a key and inserts both.
    fn entries(
        &mut self,
        length: usize,
        mut read: impl FnMut(&mut Self, String, &mut BTreeMap<String, Value>) -> Result<(), TypeError>,
    ) -> Result<BTreeMap<String, Value>, TypeError> {
        self.claim(length.saturating_mul(2), map_memory(length))?;
        self.nested(|decoder| {
            let mut entries = BTreeMap::new();
            for _ in 0..length {
                let key = match Token::read(&mut decoder.rest)? {
                    Token::Text(text) => decoder.text(text)?,
                    other => return Err(wrong_kind("a string key", other)),
                };
                read(decoder, key, &mut entries)?;
            }
            Ok(entries)
        })
    }

    /// Reads a pair of a type in JSON and a value.
    fn dynamic(&mut self, length: usize) -> Result<Value, TypeError> {
        /// A generous estimate of the memory for each byte of a type in JSON.
        const TYPE_MEMORY: usize = 64;
        const PAIR: usize = 2;
        check_length(PAIR, length)?;
        let expression = match Token::read(&mut self.rest)? {
            Token::Bytes(bytes) | Token::Text(bytes) => bytes,
            other => return Err(wrong_kind("a type", other)),
        };
        self.claim(PAIR, expression.len().saturating_mul(TYPE_MEMORY))?;
        let json = serde_json::from_slice(expression).map_err(Problem::NotJson)?;
        let kind = Type::from_json(&json)?;
        let value = self.nested(|decoder| decoder.value(&kind))?;
        Ok(Value::Dynamic(Box::new((kind, value))))
    }

    /// Claims a number of values in the rest of the message, and memory in bytes.
    fn claim(&mut self, values: usize, memory: usize) -> Result<(), Problem> {
        self.unclaimed = self.unclaimed.checked_sub(values).ok_or_else(cut_off)?;
        let limit = self.limit;
        let left = self.memory.checked_sub(memory);
        self.memory = left.ok_or(Problem::TooLarge { limit })?;
        Ok(())
    }

    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, TypeError>,
    ) -> Result<T, TypeError> {
        self.depth = self.depth.checked_sub(1).ok_or(Problem::TooDeep)?;
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }
}

/// The most memory of a map with this number of entries. A large map has half-full nodes.
fn map_memory(entries: usize) -> usize {
    match entries {
        0 => 0,
        1..=NODE_ENTRIES => (NODE_ENTRIES + 1) * ENTRY,
        _ => entries.saturating_mul(3 * ENTRY),
    }
}

fn insert_once(
    entries: &mut BTreeMap<String, Value>,
    key: String,
    value: Value,
) -> Result<(), TypeError> {
    if entries.contains_key(&key) {
        return Err(Problem::DuplicateKey(key).into());
    }
    entries.insert(key, value);
    Ok(())
}

fn wrong_kind(expected: &'static str, token: Token<'_>) -> TypeError {
    let found = token.name();
    Problem::WrongKind { expected, found }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::msgpack::encode;

    #[test]
    fn a_value_that_needs_too_much_memory_is_refused() {
        let kind = Type::List(Box::new(Type::Object(
            [("a".to_owned(), Type::Bool)].into(),
        )));
        let value = Value::List(vec![Value::object([("a", true.into())]); 1000]);
        let bytes = encode(&value, &kind).unwrap();

        assert_eq!(decode_within(&bytes, &kind, 1_000_000).unwrap(), value);
        let error = decode_within(&bytes, &kind, 100_000).unwrap_err();
        assert_eq!(
            error.problem.to_string(),
            "the value needs more than 100000 bytes of memory"
        );
    }

    #[test]
    fn false_lengths_claim_no_memory() {
        // Each of the nested arrays has 100 elements, says its length.
        let bytes = [0xdc, 0, 100].repeat(40);
        let kind = (0..40).fold(Type::Bool, |kind, _| Type::List(Box::new(kind)));
        let error = decode(&bytes, &kind).unwrap_err();
        assert_eq!(error.problem.to_string(), "the value is not MessagePack");
    }
}
