//! A complete provider. It manages notes, which are text files in a folder.
//!
//! ```hcl
//! provider "notes" {
//!   folder = "notes"
//! }
//!
//! resource "notes_note" "shopping" {
//!   name = provider::notes::slug("Shopping List")
//!   text = "milk"
//! }
//!
//! data "notes_index" "all" {}
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    ApplyRequest, ApplyResult, ConfigureRequest, Context, DataSource, Definition, Function,
    FunctionError, ImportRequest, Imported, Parameter, PlanRequest, PlanResponse, Provider,
    ReadDataSourceResult, ReadRequest, ReadResponse, Recorder, Resource,
};
use terraform_plugin::model::{Field, Model};
use terraform_plugin::process::{self, Binary};
use terraform_plugin::schema::{Attribute, Block, Configurability, Schema};
use terraform_plugin::value::{AttributePath, Type, Value};

const BINARY: Binary = Binary {
    address: "registry.terraform.io/example/notes",
    version: env!("CARGO_PKG_VERSION"),
    crates: &["notes"],
};

fn main() -> ExitCode {
    let provider = Arc::new(Notes::default());
    process::run(
        BINARY,
        provider,
        std::env::args_os().skip(1),
        std::env::vars_os(),
    )
}

/// The folder of the provider block. Resources and data sources share it.
#[derive(Clone, Default)]
struct Folder(Arc<RwLock<PathBuf>>);

impl Folder {
    fn path(&self) -> PathBuf {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The provider.
struct Notes {
    schema: Schema,
    folder: Folder,
}

impl Default for Notes {
    fn default() -> Self {
        let folder = required("folder", "The folder of the notes. It must exist.");
        Self {
            schema: schema("Keeps notes in a folder.", vec![folder]),
            folder: Folder::default(),
        }
    }
}

#[async_trait]
impl Provider for Notes {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Note::new(self.folder.clone()))]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![Arc::new(Index::new(self.folder.clone()))]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        vec![Arc::new(Slug::new())]
    }

    async fn configure(&self, _: &Context, request: ConfigureRequest) -> Diagnostics {
        // `folder` may be unknown during a plan. Then the path stays empty.
        let folder = request.config.get("folder").as_str().unwrap_or_default();
        *self
            .folder
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner) = folder.into();
        Diagnostics::new()
    }
}

terraform_plugin::model! {
    /// The state of a note. An import sets only the name.
    struct NoteState {
        name: String = "name",
        text: String = "text" => or(String::new()),
        path: Field<String> = "path",
    }
}

/// The resource `notes_note`.
struct Note {
    schema: Schema,
    folder: Folder,
}

impl Note {
    fn new(folder: Folder) -> Self {
        let attributes = vec![
            required("name", "The file name. A change requires replacement."),
            required("text", "The text of the note."),
            computed("path", Type::String, "The path of the file."),
        ];
        let schema = schema("A note.", attributes);
        Self { schema, folder }
    }

    /// Writes the file of a planned note.
    fn write(&self, planned: &Value) -> ApplyResult {
        let mut note = NoteState::read(planned).map_err(|error| failure("write", &error))?;
        let path = self.folder.path().join(&note.name);
        fs::write(&path, &note.text).map_err(|error| failure("write", &error))?;
        note.path = Field::Known(path.display().to_string());
        Ok(note.write().into())
    }

    /// Reads the file of a note. Returns [`None`] if the file doesn't exist.
    fn find(&self, current: &Value) -> Result<Option<Value>, Diagnostics> {
        let mut note = NoteState::read(current).map_err(|error| failure("read", &error))?;
        let path = self.folder.path().join(&note.name);
        note.text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failure("read", &error)),
        };
        note.path = Field::Known(path.display().to_string());
        Ok(Some(note.write()))
    }
}

#[async_trait]
impl Resource for Note {
    fn type_name(&self) -> &'static str {
        "notes_note"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
        match config.get("name").as_str() {
            Some(name) if name.is_empty() || name.contains(['/', '\\']) => {
                let detail = "The name must not be empty and must not contain a slash.";
                Diagnostic::error("Invalid note name", detail)
                    .at(AttributePath::new("name"))
                    .into()
            }
            _ => Diagnostics::new(),
        }
    }

    async fn plan(&self, _: &Context, request: PlanRequest) -> PlanResponse {
        let mut planned = request.proposed;
        let is_renamed = request.prior.get("name") != planned.get("name");
        if is_renamed && let Value::Object(attributes) = &mut planned {
            attributes.insert("path".to_owned(), Value::Unknown);
        }
        let replaces = is_renamed && !request.prior.is_null();
        PlanResponse {
            planned,
            requires_replace: replaces
                .then(|| AttributePath::new("name"))
                .into_iter()
                .collect(),
            ..PlanResponse::default()
        }
    }

    async fn create(&self, _: &Context, request: ApplyRequest, _: &Recorder) -> ApplyResult {
        self.write(&request.planned)
    }

    async fn read(&self, _: &Context, request: ReadRequest) -> ReadResponse {
        self.find(&request.current).into()
    }

    async fn update(&self, _: &Context, request: ApplyRequest, _: &Recorder) -> ApplyResult {
        self.write(&request.planned)
    }

    async fn delete(
        &self,
        _: &Context,
        request: ApplyRequest,
        _: &Recorder,
    ) -> Result<Diagnostics, Diagnostics> {
        let note = NoteState::read(&request.prior).map_err(|error| failure("delete", &error))?;
        match fs::remove_file(self.folder.path().join(note.name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failure("delete", &error)),
            _ => Ok(Diagnostics::new()),
        }
    }

    async fn import(&self, _: &Context, request: ImportRequest) -> Result<Imported, Diagnostics> {
        let ImportRequest::Id(name) = request else {
            return Err(failure("import", &"the resource has no identity"));
        };
        let note = NoteState {
            name,
            text: String::new(),
            path: Field::Absent,
        };
        Ok(note.write().into())
    }
}

/// The data source `notes_index`.
struct Index {
    schema: Schema,
    folder: Folder,
}

impl Index {
    fn new(folder: Folder) -> Self {
        let names = Type::List(Box::new(Type::String));
        let names = computed(
            "names",
            names,
            "The names of all notes in alphabetical order.",
        );
        let schema = schema("All notes in the folder.", vec![names]);
        Self { schema, folder }
    }
}

#[async_trait]
impl DataSource for Index {
    fn type_name(&self) -> &'static str {
        "notes_index"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn read(&self, _: &Context, _config: Value) -> ReadDataSourceResult {
        let files = fs::read_dir(self.folder.path()).map_err(|error| failure("list", &error))?;
        let mut names: Vec<String> = files
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        let names = names.into_iter().map(Value::from).collect();
        Ok(Value::object([("names", Value::List(names))]).into())
    }
}

/// The function `provider::notes::slug`.
struct Slug(Definition);

impl Slug {
    fn new() -> Self {
        let text = Parameter::new("text", Type::String, "Any text.");
        let summary = "Converts text to a note name";
        Self(Definition::new(vec![text], Type::String, summary))
    }
}

impl Function for Slug {
    fn name(&self) -> &'static str {
        "slug"
    }

    fn definition(&self) -> &Definition {
        &self.0
    }

    fn run(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let text = arguments[0].as_str().unwrap_or_default().to_lowercase();
        let words = text.split(|letter: char| !letter.is_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return Err(FunctionError::of_argument(
                0,
                "must contain a letter or digit",
            ));
        }
        Ok(words.join("-").into())
    }
}

fn schema(description: &str, attributes: Vec<Attribute>) -> Schema {
    Schema {
        version: 0,
        block: Block {
            attributes,
            description: description.to_owned(),
            ..Block::default()
        },
    }
}

fn required(name: &str, description: &str) -> Attribute {
    Attribute::new(name, Type::String, Configurability::Required, description)
}

fn computed(name: &str, kind: Type, description: &str) -> Attribute {
    Attribute::new(name, kind, Configurability::Computed, description)
}

fn failure(act: &str, error: &dyn std::fmt::Display) -> Diagnostics {
    Diagnostic::error(
        format!("Could not {act} notes"),
        format!("The operation failed: {error}."),
    )
    .into()
}
