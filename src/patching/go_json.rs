//! Reads JSON by the rules of Go's `encoding/json`, because the service reads its policy with it.
//!
//! - Keys match without letter case, and unknown keys are ignored.
//! - `null` leaves a string or an object as it is, and empties a list or an optional value.
//! - Of a repeated key, the last value applies. It is read over the first one, element by element.
//! - Invalid UTF-8 and unpaired surrogates become the replacement character.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value that can be read over an earlier one.
pub(super) trait Decode {
    /// Reads a value over this one.
    ///
    /// # Errors
    /// The value has another type.
    fn decode<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error>;
}

/// An object with known keys.
pub(super) trait Record {
    /// Reads the value of a key in lower case, or skips it.
    ///
    /// # Errors
    /// The value has another type.
    fn read<'de, M: MapAccess<'de>>(&mut self, key: &str, value: &mut M) -> Result<(), M::Error>;
}

/// Reads a document.
///
/// # Errors
/// It is not JSON, or has another shape.
pub(super) fn parse<T: Decode + Default>(document: &[u8]) -> Result<T, serde_json::Error> {
    let text = String::from_utf8_lossy(document);
    // Go checks the whole syntax first. Below, strings are read as bytes, which checks less of it.
    serde_json::from_str::<IgnoredAny>(&text)?;
    let mut read = T::default();
    read.decode(&mut serde_json::Deserializer::from_str(&text))?;
    Ok(read)
}

/// Returns a key in the letter case of [`Record::read`]. Go folds two more characters to ASCII letters.
pub(super) fn folded(key: &str) -> String {
    let fold = |character: char| match character {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).collect()
}

/// Reads the value of a known key.
pub(super) fn value<'de, M: MapAccess<'de>>(
    from: &mut M,
    into: &mut impl Decode,
) -> Result<(), M::Error> {
    from.next_value_seed(Over(into))
}

/// Skips the value of an unknown key.
pub(super) fn skip<'de, M: MapAccess<'de>>(from: &mut M) -> Result<(), M::Error> {
    from.next_value().map(|IgnoredAny| ())
}

impl Decode for String {
    fn decode<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        if let Some(Text(text)) = Option::deserialize(from)? {
            *self = text;
        }
        Ok(())
    }
}

impl Decode for Option<bool> {
    fn decode<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        *self = Option::deserialize(from)?;
        Ok(())
    }
}

impl<T: Decode + Default> Decode for Vec<T> {
    fn decode<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        from.deserialize_option(Items(self))
    }
}

impl<T: Record> Decode for T {
    fn decode<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        from.deserialize_option(Fields(self))
    }
}

/// A string in which every unpaired surrogate is replaced.
struct Text(String);

struct TextVisitor;

struct Items<'a, T>(&'a mut Vec<T>);

struct Fields<'a, T>(&'a mut T);

/// A value to read over.
struct Over<'a, T>(&'a mut T);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(TextVisitor)
    }
}

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
    }
}

impl<'de, T: Decode + Default> Visitor<'de> for Items<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        self.0.clear();
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let items = self.0;
        let mut count = 0;
        loop {
            if count == items.len() {
                items.push(T::default());
            }
            if elements
                .next_element_seed(Over(&mut items[count]))?
                .is_none()
            {
                items.truncate(count);
                return Ok(());
            }
            count += 1;
        }
    }
}

impl<'de, T: Record> Visitor<'de> for Fields<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = fields.next_key()? {
            self.0.read(&folded(&key), &mut fields)?;
        }
        Ok(())
    }
}

impl<'de, T: Decode> DeserializeSeed<'de> for Over<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        self.0.decode(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Shelf {
        name: String,
        books: Vec<Book>,
    }

    #[derive(Debug, Default, PartialEq)]
    struct Book {
        title: String,
        pages: Vec<String>,
        lent: Option<bool>,
    }

    impl Record for Shelf {
        fn read<'de, M: MapAccess<'de>>(
            &mut self,
            key: &str,
            from: &mut M,
        ) -> Result<(), M::Error> {
            match key {
                "name" => value(from, &mut self.name),
                "books" => value(from, &mut self.books),
                _ => skip(from),
            }
        }
    }

    impl Record for Book {
        fn read<'de, M: MapAccess<'de>>(
            &mut self,
            key: &str,
            from: &mut M,
        ) -> Result<(), M::Error> {
            match key {
                "title" => value(from, &mut self.title),
                "pages" => value(from, &mut self.pages),
                "lent" => value(from, &mut self.lent),
                _ => skip(from),
            }
        }
    }

    /// Returns the name, then each book as `title[pages]lent`.
    fn read(document: &[u8]) -> String {
        let shown = |book: &Book| format!("{}{:?}{:?}", book.title, book.pages, book.lent);
        match parse::<Shelf>(document) {
            Ok(shelf) => std::iter::once(format!("{:?}", shelf.name))
                .chain(shelf.books.iter().map(shown))
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.to_string(),
        }
    }

    /// Go 1.26 reads each of these documents with the same result.
    #[test]
    fn a_document_is_read_as_go_reads_it() {
        let documents: [&[u8]; 12] = [
            b"null",
            b"{}",
            br#"{"NAME":"a","BookS":[{"TITLE":"b","pages":["1"],"lent":false}]}"#,
            "{\"book\u{17f}\":[{\"page\u{17f}\":[\"1\"]}]}".as_bytes(),
            br#"{"name":"a","name":null,"books":[{"title":null,"pages":["1",null],"lent":null},null]}"#,
            br#"{"name":"a","Name":"b"}"#,
            br#"{"books":[{"title":"a","pages":["1","2"],"lent":false},{}],"books":[{"title":"b","pages":["3"]}]}"#,
            br#"{"books":[{"title":"a","pages":["1"],"lent":false}],"Books":[{"pages":null,"lent":null},{}]}"#,
            br#"{"books":[{}],"books":null}"#,
            br#"{"books":[{}],"books":[]}"#,
            b"{\"owner\":\"M\xfcller\",\"name\":\"a\xfcb\"}",
            br#"{"owner":["\ud800",1e999],"n\u0061me":"\u0061"}"#,
        ];
        let read: Vec<String> = documents.iter().map(|document| read(document)).collect();
        insta::assert_snapshot!(read.join("\n"), @r#"
        ""
        ""
        "a" b["1"]Some(false)
        "" ["1"]None
        "a" ["1", ""]None []None
        "b"
        "" b["3"]Some(false)
        "" a[]None []None
        ""
        ""
        "a�b"
        "a"
        "#);
    }

    /// Go 1.26 rejects each of these documents.
    #[test]
    fn another_shape_or_invalid_json_is_an_error() {
        let documents: [&[u8]; 12] = [
            b"",
            b"[]",
            b"\"a\"",
            b"\xef\xbb\xbf{}",
            b"{} x",
            br#"{"name":"a",}"#,
            b"{\"name\":\"a\nb\"}",
            br#"{"name":1}"#,
            br#"{"books":{}}"#,
            br#"{"books":["a"]}"#,
            br#"{"books":[{"pages":[1]}]}"#,
            br#"{"books":[{"lent":"true"}]}"#,
        ];
        let read: Vec<String> = documents.iter().map(|document| read(document)).collect();
        insta::assert_snapshot!(read.join("\n"), @r#"
        EOF while parsing a value at line 1 column 0
        invalid type: sequence, expected an object at line 1 column 0
        invalid type: string "a", expected an object at line 1 column 3
        expected value at line 1 column 1
        trailing characters at line 1 column 4
        key must be a string at line 1 column 13
        control character (\u0000-\u001F) found while parsing a string at line 1 column 10
        invalid type: integer `1`, expected a string at line 1 column 9
        invalid type: map, expected an array at line 1 column 9
        invalid type: string "a", expected an object at line 1 column 13
        invalid type: integer `1`, expected a string at line 1 column 21
        invalid type: string "true", expected a boolean at line 1 column 24
        "#);
    }

    #[test]
    fn keys_fold_as_in_go() {
        assert_eq!(folded("Tag-CONVENTION"), "tag-convention");
        assert_eq!(folded("\u{17f}\u{212a}"), "sk");
        assert_ne!(folded("É"), "é", "the known keys have only ASCII letters");
    }
}
