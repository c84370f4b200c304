//! The RPCs of functions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::diagnostics::Diagnostics;
use crate::error_text::{panic_text, with_causes};
use crate::framework::{Definition, Function, FunctionError, Parameter};
use crate::protocol::generated as pb;
use crate::protocol::type_registry::TypeRegistry;
use crate::protocol::{from_proto, protocol_diagnostics, to_proto};
use crate::schema::rules::is_name;
use crate::value::{Value, msgpack};

/// Lists the functions. Hosts call this if they don't find a function in the schema.
pub(crate) fn functions(types: &TypeRegistry) -> pb::get_functions::Response {
    pb::get_functions::Response {
        functions: types
            .functions
            .iter()
            .map(|(name, function)| (name.clone(), to_proto::function(function.definition())))
            .collect(),
        diagnostics: Vec::new(),
    }
}

/// The protocol rules that a function breaks.
pub(crate) fn flaws(name: &str, definition: &Definition) -> Diagnostics {
    let what = format!("the function {name:?}");
    let Definition {
        parameters,
        variadic,
        ..
    } = definition;
    let parameters: Vec<&str> = parameters
        .iter()
        .chain(variadic)
        .map(|parameter| parameter.name.as_str())
        .collect();
    let misnamed = [name]
        .into_iter()
        .chain(parameters.iter().copied())
        .filter(|name| !is_name(name))
        .map(|name| format!("{name:?} is not a valid name"));
    let repeated = parameters
        .iter()
        .enumerate()
        .filter(|(index, name)| parameters[..*index].contains(name))
        .map(|(_, name)| format!("two parameters are named {name:?}"));
    misnamed
        .chain(repeated)
        .map(|flaw| protocol_diagnostics::flawed_schema(&what, &flaw))
        .collect()
}

/// Runs a function.
pub(crate) fn call(
    types: &TypeRegistry,
    request: pb::call_function::Request,
) -> pb::call_function::Response {
    let result = match types.functions.get(&request.name) {
        Some(function) => run(function.as_ref(), request.arguments),
        None => Err(FunctionError::new(protocol_diagnostics::unknown_function(
            &request.name,
        ))),
    };
    match result {
        Ok(result) => pb::call_function::Response {
            result: Some(result),
            error: None,
        },
        Err(error) => pb::call_function::Response {
            result: None,
            error: Some(to_proto::function_error(&error)),
        },
    }
}

/// The arguments of a function call.
enum Arguments {
    /// The function runs with these arguments.
    Known(Vec<Value>),
    /// The function doesn't run: an argument is unknown, and its parameter doesn't allow that.
    Unknown,
}

fn run(
    function: &dyn Function,
    sent: Vec<pb::DynamicValue>,
) -> Result<pb::DynamicValue, FunctionError> {
    let definition = function.definition();
    let result = match arguments(definition, sent)? {
        Arguments::Unknown => Value::Unknown,
        Arguments::Known(arguments) => {
            let result = catch_unwind(AssertUnwindSafe(|| function.run(&arguments)));
            let result = result.unwrap_or_else(|panic| {
                let text = panic_text(panic.as_ref());
                Err(FunctionError::new(protocol_diagnostics::panicked_function(
                    &text,
                )))
            })?;
            let known = arguments.iter().all(Value::is_wholly_known);
            if known && !result.is_wholly_known() {
                return Err(FunctionError::new(protocol_diagnostics::unknown_result()));
            }
            result
        }
    };
    match msgpack::encode(&result, &definition.returns) {
        Ok(msgpack) => Ok(pb::DynamicValue {
            msgpack,
            json: Vec::new(),
        }),
        Err(error) => Err(FunctionError::new(
            protocol_diagnostics::invalid_function_result(&error),
        )),
    }
}

fn arguments(
    definition: &Definition,
    sent: Vec<pb::DynamicValue>,
) -> Result<Arguments, FunctionError> {
    let least = definition.parameters.len();
    if sent.len() < least || (sent.len() > least && definition.variadic.is_none()) {
        return Err(FunctionError::new(
            protocol_diagnostics::number_of_arguments(least, sent.len()),
        ));
    }
    let mut arguments = Vec::new();
    let mut is_known = true;
    for (index, sent) in sent.into_iter().enumerate() {
        let Some(parameter) = definition.parameter(index) else {
            break;
        };
        let value = argument(parameter, &sent)
            .map_err(|problem| FunctionError::of_argument(index, problem))?;
        is_known &= parameter.allow_unknown || value.is_wholly_known();
        arguments.push(value);
    }
    Ok(if is_known {
        Arguments::Known(arguments)
    } else {
        Arguments::Unknown
    })
}

fn argument(parameter: &Parameter, sent: &pb::DynamicValue) -> Result<Value, String> {
    match from_proto::decode(sent, &parameter.kind) {
        Ok(value) if value.is_null() && !parameter.allow_null => {
            Err("argument must not be null".to_owned())
        }
        Ok(value) => Ok(value),
        Err(error) => Err(with_causes(&error)),
    }
}
