//! Converts functions to the protocol's types.

use crate::framework::{Definition, FunctionError, Parameter};
use crate::protocol::generated as pb;
use crate::value::Type;

/// Converts the signature of a function.
pub(crate) fn function(definition: &Definition) -> pb::Function {
    pb::Function {
        parameters: definition.parameters.iter().map(parameter).collect(),
        variadic_parameter: definition.variadic.as_ref().map(parameter),
        r#return: Some(pb::function::Return {
            r#type: type_json(&definition.returns),
        }),
        summary: definition.summary.clone(),
        description: definition.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        deprecation_message: definition.deprecation.clone().unwrap_or_default(),
    }
}

/// Converts the error of a function.
pub(crate) fn function_error(error: &FunctionError) -> pb::FunctionError {
    pb::FunctionError {
        text: error.text.clone(),
        function_argument: error.argument.and_then(|index| i64::try_from(index).ok()),
    }
}

fn parameter(parameter: &Parameter) -> pb::function::Parameter {
    pb::function::Parameter {
        name: parameter.name.clone(),
        r#type: type_json(&parameter.kind),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: parameter.allow_unknown,
        description: parameter.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
    }
}

fn type_json(kind: &Type) -> Vec<u8> {
    kind.to_json().to_string().into_bytes()
}
