//! Converts schemas to the protocol's types.

use crate::protocol::generated as pb;
use crate::schema::{
    Attribute, AttributeKind, Block, Configurability, ForImport, IdentitySchema, NestedBlock,
    Nesting, Schema,
};

/// Converts a schema.
pub(crate) fn schema(schema: &Schema) -> pb::Schema {
    pb::Schema {
        version: schema.version,
        block: Some(block(&schema.block, schema.version)),
    }
}

/// Converts an identity schema.
pub(crate) fn identity_schema(schema: &IdentitySchema) -> pb::ResourceIdentitySchema {
    use pb::resource_identity_schema::IdentityAttribute;
    let attributes = schema.attributes.iter().map(|attribute| IdentityAttribute {
        name: attribute.name.clone(),
        r#type: attribute.kind.to_json().to_string().into_bytes(),
        required_for_import: attribute.for_import == ForImport::Required,
        optional_for_import: attribute.for_import == ForImport::Optional,
        description: attribute.description.clone(),
    });
    pb::ResourceIdentitySchema {
        version: schema.version,
        identity_attributes: attributes.collect(),
    }
}

fn block(block: &Block, version: i64) -> pb::schema::Block {
    pb::schema::Block {
        version,
        attributes: block.attributes.iter().map(attribute).collect(),
        block_types: block.blocks.iter().map(nested_block).collect(),
        description: block.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        deprecated: block.deprecation.is_some(),
        deprecation_message: block.deprecation.clone().unwrap_or_default(),
        computed: false,
    }
}

fn attribute(attribute: &Attribute) -> pb::schema::Attribute {
    let (plain, nested) = match &attribute.kind {
        AttributeKind::Plain(plain) => (plain.to_json().to_string().into_bytes(), None),
        AttributeKind::Nested(nesting, attributes) => {
            (vec![], Some(nested_object(*nesting, attributes)))
        }
    };
    let configurability = attribute.configurability;
    pb::schema::Attribute {
        name: attribute.name.clone(),
        r#type: plain,
        nested_type: nested,
        description: attribute.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        required: configurability == Configurability::Required,
        optional: matches!(
            configurability,
            Configurability::Optional | Configurability::OptionalComputed
        ),
        computed: matches!(
            configurability,
            Configurability::Computed | Configurability::OptionalComputed
        ),
        sensitive: attribute.sensitive,
        write_only: attribute.write_only,
        deprecated: attribute.deprecation.is_some(),
        deprecation_message: attribute.deprecation.clone().unwrap_or_default(),
    }
}

fn nested_object(nesting: Nesting, attributes: &[Attribute]) -> pb::schema::Object {
    use pb::schema::object::NestingMode;
    let nesting = match nesting {
        Nesting::Single => NestingMode::Single,
        // Attributes have no group mode. The schema check rejects it earlier.
        Nesting::Group => NestingMode::Invalid,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pb::schema::Object {
        attributes: attributes.iter().map(attribute).collect(),
        nesting: nesting.into(),
        ..Default::default()
    }
}

fn nested_block(nested: &NestedBlock) -> pb::schema::NestedBlock {
    use pb::schema::nested_block::NestingMode;
    let nesting = match nested.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::Group => NestingMode::Group,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pb::schema::NestedBlock {
        type_name: nested.name.clone(),
        block: Some(block(&nested.block, 0)),
        nesting: nesting.into(),
        min_items: nested.min_items,
        max_items: nested.max_items,
    }
}
