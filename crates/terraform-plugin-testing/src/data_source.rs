//! Calls data sources as Terraform Core does: validates, reads and checks the answer against Core's rules.

use std::sync::Arc;

use terraform_plugin::framework::{DataSource, Provider};
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::schema::Block;
use terraform_plugin::value::{Value, msgpack};

use crate::core::{Core, has_error, wire};
use crate::host::lines;

/// One of a provider's data sources.
#[derive(Debug)]
pub struct Source {
    name: &'static str,
    block: Block,
}

/// The result of a read.
#[derive(Debug)]
pub struct Answer {
    /// The object. Null after an error.
    pub object: Value,
    /// The provider's diagnostics.
    pub said: Vec<pb::Diagnostic>,
}

impl Source {
    /// The data source with this name.
    ///
    /// # Panics
    /// The provider has no data source with this name.
    pub fn of(provider: &dyn Provider, name: &'static str) -> Self {
        let sources: Vec<Arc<dyn DataSource>> = provider.data_sources();
        let source = sources.iter().find(|source| source.type_name() == name);
        Self {
            name,
            block: source.unwrap().schema().block.clone(),
        }
    }

    /// Validates a configuration. Omitted attributes are null.
    pub async fn validate(&self, core: &Core, config: &Value) -> Vec<pb::Diagnostic> {
        let request = pb::validate_data_resource_config::Request {
            type_name: self.name.to_owned(),
            config: wire(&self.block, config),
        };
        let mut client = core.client();
        let answer = client.validate_data_resource_config(request).await;
        answer.unwrap().into_inner().diagnostics
    }

    /// Reads the data source if the configuration is valid.
    pub async fn read(&self, core: &Core, config: &Value) -> Answer {
        let invalid = self.validate(core, config).await;
        if has_error(&invalid) {
            return Answer {
                object: Value::Null,
                said: invalid,
            };
        }
        let request = pb::read_data_source::Request {
            type_name: self.name.to_owned(),
            config: wire(&self.block, config),
            ..Default::default()
        };
        let answer = core.client().read_data_source(request).await.unwrap();
        let answer = answer.into_inner();
        let object = answer.state.map_or(Value::Null, |sent| {
            msgpack::decode(&sent.msgpack, &self.block.value_type()).unwrap()
        });
        assert!(object.is_wholly_known(), "{object:?}");
        assert_eq!(object.is_null(), has_error(&answer.diagnostics));
        Answer {
            object,
            said: answer.diagnostics,
        }
    }
}

impl Answer {
    /// The diagnostics, one line each: severity, path, summary.
    pub fn lines(&self) -> Vec<String> {
        lines(&self.said)
    }

    /// The object of a read without diagnostics.
    pub fn silent(self) -> Value {
        assert_eq!(self.said, []);
        self.object
    }
}
