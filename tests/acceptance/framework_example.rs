//! The framework's example, a complete provider in another crate, under real hosts.

use std::path::{Path, PathBuf};

use host_cli::{Host, Plan, Provider, Workspace};

use crate::stage::hosts;

const ADDRESS: &str = "registry.terraform.io/example/notes";

/// The resource of the configuration.
const NOTE: &str = "notes_note.shopping";

/// The example's binary. Cargo puts examples next to the folder of the test binaries.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples/notes");
    assert!(
        binary.exists(),
        "{} is missing. Run `cargo build -p terraform-plugin --examples` to build it.",
        binary.display()
    );
    binary
}

fn configuration(notes: &Path, text: &str) -> String {
    let source = Provider::new(ADDRESS, Path::new("")).source().to_owned();
    format!(
        r#"
terraform {{
  required_providers {{
    notes = {{ source = "{source}" }}
  }}
}}

provider "notes" {{
  folder = {notes:?}
}}

resource "notes_note" "shopping" {{
  name = "shopping-list"
  text = "{text}"
}}

data "notes_index" "all" {{
  depends_on = [notes_note.shopping]
}}

output "names" {{
  value = data.notes_index.all.names
}}
"#
    )
}

/// A workspace with the example provider, which stores its notes in the folder `notes`.
async fn workspace(host: &Host, notes: &Path, text: &str) -> Workspace {
    eprintln!("under {host}");
    let provider = Provider::new(ADDRESS, &example());
    let files = [("main.tf", &*configuration(notes, text))];
    let workspace = Workspace::new(host, &provider, &files).unwrap();
    workspace.init().await.unwrap();
    workspace
}

async fn assert_no_changes(workspace: &Workspace) {
    let plan = workspace.plan(&[]).await.unwrap();
    assert!(matches!(plan, Plan::Empty(_)), "{}", plan.finished());
}

#[tokio::test]
async fn the_example_creates_updates_and_destroys_a_note() {
    for host in hosts() {
        let notes = tempfile::tempdir().unwrap();
        let file = notes.path().join("shopping-list");
        let workspace = workspace(host, notes.path(), "milk").await;

        workspace.apply().await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "milk");
        let state = workspace.state().await.unwrap();
        let names = &state["values"]["outputs"]["names"]["value"];
        assert_eq!(*names, serde_json::json!(["shopping-list"]));
        assert_no_changes(&workspace).await;

        let changed = configuration(notes.path(), "milk and bread");
        workspace.write("main.tf", &changed).unwrap();
        workspace.apply().await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "milk and bread");
        assert_no_changes(&workspace).await;

        std::fs::remove_file(&file).unwrap();
        let plan = workspace.plan(&[]).await.unwrap();
        assert!(matches!(plan, Plan::Changes(_)), "{}", plan.finished());
        workspace.apply().await.unwrap();

        workspace.destroy().await.unwrap();
        assert!(!file.exists());
    }
}

#[tokio::test]
async fn the_example_imports_a_note() {
    for host in hosts() {
        let notes = tempfile::tempdir().unwrap();
        std::fs::write(notes.path().join("shopping-list"), "milk").unwrap();
        let workspace = workspace(host, notes.path(), "milk").await;

        let imported = workspace.import(NOTE, "shopping-list").await.unwrap();
        imported.ended_with(0).unwrap();
        let plan = workspace.plan(&[]).await.unwrap();
        // The plan may add the output, but not the note.
        assert!(!plan.finished().text().contains("will be created"));
        workspace.destroy().await.unwrap();
    }
}

#[tokio::test]
async fn the_example_calls_its_function() {
    // Terraform supports provider functions since 1.8, OpenTofu since 1.7.
    for host in hosts().iter().filter(|host| host.is_at_least(8)) {
        let notes = tempfile::tempdir().unwrap();
        let workspace = workspace(host, notes.path(), "milk").await;
        let named = configuration(notes.path(), "milk")
            .replace("\"shopping-list\"", "provider::notes::slug(\"My List!\")");
        workspace.write("main.tf", &named).unwrap();
        workspace.apply().await.unwrap();
        assert!(notes.path().join("my-list").exists());
        workspace.destroy().await.unwrap();
    }
}
