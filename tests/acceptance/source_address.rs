//! The provider's address in the examples and the pages of the repository. It comes from [`SOURCE_ADDRESS`].

use std::path::Path;

use regex_lite::Regex;
use terraform_provider_acr::SOURCE_ADDRESS;

use crate::golden::{assert_golden, files_below, repository_file};

/// The pages that name the provider, in addition to the examples. The registry pages contain the examples.
const FILES: [&str; 2] = ["README.md", "CONTRIBUTING.md"];

/// Asserts that each of these files names the provider at its address, or writes the address into them.
pub(crate) fn assert_everywhere() {
    let below = files_below(Path::new("examples")).into_iter();
    let below = below.filter(|path| path.ends_with(".tf"));
    for path in below.chain(FILES.map(str::to_owned)) {
        let text = repository_file(&path);
        assert_golden(&path, &addressed(&text, SOURCE_ADDRESS));
    }
}

/// Replaces the address of each provider named `acr`, with and without its registry.
fn addressed(text: &str, address: &str) -> String {
    let (_, source) = address
        .split_once('/')
        .unwrap_or_else(|| panic!("{address} names no registry"));
    let pattern = Regex::new(r#""(registry\.terraform\.io/)?[0-9A-Za-z-]+/acr""#).unwrap();
    let replaced = pattern.replace_all(text, format!("\"${{1}}{source}\""));
    replaced.into_owned()
}

#[test]
fn only_the_address_of_this_provider_is_replaced() {
    let address = "registry.terraform.io/contoso/acr";
    let text = "source = \"old/acr\"\n\"registry.terraform.io/old/acr\" = \"/bin\"\nsource = \"hashicorp/azurerm\"\n";
    let expected = "source = \"contoso/acr\"\n\"registry.terraform.io/contoso/acr\" = \"/bin\"\nsource = \"hashicorp/azurerm\"\n";
    assert_eq!(addressed(text, address), expected);
}
