//! The schema of the provider block.

use crate::provider::configuration::arguments::{ARGUMENTS, Argument, ENDPOINT, ENDPOINTS, Kind};
use terraform_plugin::schema::{Attribute, Block, Configurability, Nesting, Schema};
use terraform_plugin::value::Type;

/// The schema of the provider block.
pub(crate) fn schema() -> Schema {
    let mut attributes: Vec<Attribute> = ARGUMENTS.iter().map(Argument::attribute).collect();
    attributes.push(Attribute::nested(
        ENDPOINT,
        Nesting::Single,
        ENDPOINTS.iter().map(Argument::attribute).collect(),
        Configurability::Optional,
        "The endpoints of a cloud that `environment` doesn't name. They take precedence over \
         `environment` and `metadata_host`.",
    ));
    attributes.sort_by(|a, b| a.name.cmp(&b.name));
    Schema {
        version: 0,
        block: Block {
            attributes,
            description: "Manages Continuous Patching of Azure Container Registries.".to_owned(),
            ..Block::default()
        },
    }
}

impl Argument {
    fn attribute(&self) -> Attribute {
        let variables: Vec<String> = self
            .variables
            .iter()
            .map(|variable| format!("`{variable}`"))
            .collect();
        let description = format!(
            "{} Can also be set with {}.",
            self.description,
            variables.join(" or ")
        );
        let kind = match self.kind {
            Kind::Text | Kind::Secret => Type::String,
            Kind::Switch => Type::Bool,
            Kind::Texts => Type::List(Box::new(Type::String)),
        };
        let attribute = Attribute::new(self.name, kind, Configurability::Optional, description);
        match self.kind {
            Kind::Secret => attribute.sensitive(),
            Kind::Text | Kind::Switch | Kind::Texts => attribute,
        }
    }
}
