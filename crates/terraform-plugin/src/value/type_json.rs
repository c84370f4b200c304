//! JSON type expressions in schemas and dynamic values: `"string"`, `["list","number"]`,
//! `["object",{"a":"bool"}]`.

use serde_json::{Value as Json, json};

use crate::value::{Problem, Type, TypeError};

impl Type {
    /// The type as a JSON expression.
    pub fn to_json(&self) -> Json {
        match self {
            Self::String => json!("string"),
            Self::Number => json!("number"),
            Self::Bool => json!("bool"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<String, Json> = attributes
                    .iter()
                    .map(|(name, kind)| (name.clone(), kind.to_json()))
                    .collect();
                json!(["object", attributes])
            }
            Self::Tuple(elements) => {
                json!([
                    "tuple",
                    elements.iter().map(Self::to_json).collect::<Vec<_>>()
                ])
            }
        }
    }

    /// Parses a JSON type expression.
    ///
    /// # Errors
    /// [`Problem::NotAType`] with the invalid part of the expression.
    pub fn from_json(json: &Json) -> Result<Self, TypeError> {
        let not_a_type = || TypeError::from(Problem::NotAType(json.to_string()));
        if let Json::String(name) = json {
            return match name.as_str() {
                "string" => Ok(Self::String),
                "number" => Ok(Self::Number),
                "bool" => Ok(Self::Bool),
                "dynamic" => Ok(Self::Dynamic),
                _ => Err(not_a_type()),
            };
        }
        let parts = json.as_array().map_or(&[][..], Vec::as_slice);
        let Some((name, argument)) = parts.first().and_then(Json::as_str).zip(parts.get(1)) else {
            return Err(not_a_type());
        };
        // An object may list its optional attributes in a third element. Values contain them anyway.
        if parts.len() > 2 && !(name == "object" && parts.len() == 3) {
            return Err(not_a_type());
        }
        match (name, argument) {
            ("list", element) => Ok(Self::List(Box::new(Self::from_json(element)?))),
            ("set", element) => Ok(Self::Set(Box::new(Self::from_json(element)?))),
            ("map", element) => Ok(Self::Map(Box::new(Self::from_json(element)?))),
            ("object", Json::Object(attributes)) => attributes
                .iter()
                .map(|(name, kind)| Ok((name.clone(), Self::from_json(kind)?)))
                .collect::<Result<_, _>>()
                .map(Self::Object),
            ("tuple", Json::Array(elements)) => elements
                .iter()
                .map(Self::from_json)
                .collect::<Result<_, _>>()
                .map(Self::Tuple),
            _ => Err(not_a_type()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Type, TypeError> {
        Type::from_json(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn every_type_writes_its_expression_and_parses_back() {
        for expression in [
            r#""string""#,
            r#""number""#,
            r#""bool""#,
            r#""dynamic""#,
            r#"["list","string"]"#,
            r#"["set",["list","bool"]]"#,
            r#"["map","dynamic"]"#,
            r#"["object",{"a":"string","b":["tuple",["number","bool"]]}]"#,
            r#"["object",{}]"#,
            r#"["tuple",[]]"#,
        ] {
            let kind = parse(expression).unwrap();
            assert_eq!(kind.to_json().to_string(), expression);
        }
    }

    #[test]
    fn the_list_of_optional_attributes_is_ignored() {
        assert_eq!(
            parse(r#"["object",{"a":"string"},["a"]]"#).unwrap(),
            parse(r#"["object",{"a":"string"}]"#).unwrap(),
        );
    }

    #[test]
    fn an_invalid_type_expression_is_an_error() {
        for expression in [
            r#""text""#,
            "7",
            "null",
            "[]",
            r#"["list"]"#,
            r#"["list","string","bool"]"#,
            r#"["object",["a"]]"#,
            r#"["tuple",{}]"#,
        ] {
            assert_eq!(
                parse(expression).unwrap_err().to_string(),
                format!("{expression} is not a type"),
            );
        }
        let nested = parse(r#"["list",["map","text"]]"#).unwrap_err();
        assert_eq!(nested.to_string(), r#""text" is not a type"#);
    }
}
