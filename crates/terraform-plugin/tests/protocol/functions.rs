//! Functions: their schemas and their calls.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::{Type, Value, msgpack};

use terraform_plugin_testing::host::Host;
use terraform_plugin_testing::scripted_provider::Behavior;
use terraform_plugin_testing::scripted_unmanaged::{FUNCTION_NAME, ScriptedUnmanaged};

fn wire(value: &Value, kind: &Type) -> pb::DynamicValue {
    pb::DynamicValue {
        msgpack: msgpack::encode(value, kind).unwrap(),
        json: vec![],
    }
}

fn text(value: impl Into<Value>) -> pb::DynamicValue {
    wire(&value.into(), &Type::String)
}

async fn call(host: &Host, arguments: Vec<pb::DynamicValue>) -> pb::call_function::Response {
    let request = pb::call_function::Request {
        name: FUNCTION_NAME.to_owned(),
        arguments,
    };
    host.client()
        .call_function(request)
        .await
        .unwrap()
        .into_inner()
}

/// The result of a call, or the argument index and the text of its error.
async fn outcome(
    host: &Host,
    arguments: Vec<pb::DynamicValue>,
) -> Result<Value, (Option<i64>, String)> {
    let answer = call(host, arguments).await;
    match (answer.result, answer.error) {
        (Some(result), None) => Ok(msgpack::decode(&result.msgpack, &Type::String).unwrap()),
        (None, Some(error)) => Err((error.function_argument, error.text)),
        both => panic!("expected a result or an error: {both:?}"),
    }
}

#[tokio::test]
async fn mistake_12_the_schema_and_metadata_contain_the_complete_function() {
    let host = Host::identified(Behavior::Behaves).await;
    let schema = host.schemas().await;
    let function = &schema.functions[FUNCTION_NAME];
    let parameters: Vec<(&str, &[u8], bool, bool)> = function
        .parameters
        .iter()
        .chain(&function.variadic_parameter)
        .map(|it| {
            (
                &*it.name,
                &*it.r#type,
                it.allow_null_value,
                it.allow_unknown_values,
            )
        })
        .collect();
    let string: &[u8] = b"\"string\"";
    assert_eq!(
        parameters,
        [
            ("first", string, false, false),
            ("separator", string, true, true),
            ("more", string, false, false),
        ]
    );
    assert_eq!(function.r#return.as_ref().unwrap().r#type, string);
    assert_eq!(function.summary, "Joins words");

    let request = pb::get_functions::Request {};
    let listed = host.client().get_functions(request).await.unwrap();
    assert_eq!(listed.into_inner().functions, schema.functions);
    let request = pb::get_metadata::Request {};
    let metadata = host.client().get_metadata(request).await.unwrap();
    assert_eq!(metadata.into_inner().functions[0].name, FUNCTION_NAME);
}

#[tokio::test]
async fn arguments_are_positional_and_further_ones_are_variadic() {
    let host = Host::identified(Behavior::Behaves).await;
    for (arguments, result) in [
        (vec![text("a"), text("-")], "a"),
        (vec![text("a"), text("-"), text("b"), text("c")], "a-b-c"),
        (vec![text("a"), text(Value::Null), text("b")], "ab"),
        // Hosts may also encode a null argument as no bytes.
        (
            vec![text("a"), pb::DynamicValue::default(), text("b")],
            "ab",
        ),
    ] {
        assert_eq!(outcome(&host, arguments).await, Ok(result.into()));
    }
}

#[tokio::test]
async fn an_argument_error_has_the_index_of_the_argument() {
    let host = Host::identified(Behavior::Behaves).await;
    let error = |argument, text: &str| Err((argument, text.to_owned()));
    for (arguments, expected) in [
        (
            vec![text(Value::Null), text("-")],
            error(Some(0), "argument must not be null"),
        ),
        (
            vec![text("a"), text("-"), text(Value::Null)],
            error(Some(2), "argument must not be null"),
        ),
        (
            vec![wire(&true.into(), &Type::Bool), text("-")],
            error(Some(0), "a string is required, found a bool"),
        ),
        (
            vec![text("a"), text("-"), text("b"), text("bad")],
            error(Some(3), "it is a bad word"),
        ),
        (
            vec![text("worse"), text("-")],
            error(None, "there are worse words"),
        ),
        (vec![text("a")], error(None, "expected 2 arguments, got 1")),
    ] {
        assert_eq!(outcome(&host, arguments).await, expected);
    }
}

#[tokio::test]
async fn a_function_does_not_run_for_unknown_arguments() {
    let unmanaged = ScriptedUnmanaged::new();
    let host = Host::with_unmanaged(Behavior::Behaves, &unmanaged).await;
    let unknown = || text(Value::Unknown);
    for arguments in [
        vec![unknown(), text("-")],
        vec![text("a"), text("-"), unknown()],
    ] {
        assert_eq!(outcome(&host, arguments).await, Ok(Value::Unknown));
    }
    assert_eq!(unmanaged.noted(), [""; 0]);
    // The function runs if the parameter allows unknown values.
    let result = outcome(&host, vec![text("a"), unknown()]).await;
    assert_eq!(result, Ok(Value::Unknown));
    assert_eq!(unmanaged.noted(), ["join 2"]);
}

#[tokio::test]
async fn mistake_10_a_panic_or_invalid_result_is_a_function_error() {
    let host = Host::identified(Behavior::Behaves).await;
    let bug = "This is always a bug in the provider. Please report it.";
    for (word, expected) in [
        ("panic", "the provider panicked: no such word."),
        (
            "number",
            "the result doesn't match its type: a string is required, found a number.",
        ),
        (
            "unknown",
            "the result is unknown, but all arguments are known.",
        ),
    ] {
        let (argument, text) = outcome(&host, vec![text(word), text("-")])
            .await
            .unwrap_err();
        assert_eq!((argument, text), (None, format!("{expected} {bug}")));
    }
}

#[tokio::test]
async fn a_function_runs_without_a_configured_provider() {
    let host = Host::identified(Behavior::Panics).await;
    assert_eq!(
        outcome(&host, vec![text("a"), text("-")]).await,
        Ok("a".into())
    );
    assert_eq!(host.resource.calls(), [""; 0]);
}
