//! Ends a list whose link to the next page leads back.

use std::collections::HashSet;

use url::Url;

use crate::azure::{Error, Operation};

/// The pages of one list that have been read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadPages(HashSet<Url>);

impl ReadPages {
    /// Adds a page that is about to be read.
    ///
    /// # Errors
    /// If the page has been read already. The list would never end.
    pub(crate) fn add(&mut self, operation: &Operation, page: &Url) -> Result<(), Error> {
        if self.0.insert(page.clone()) {
            return Ok(());
        }
        Err(Error::unexpected(
            operation,
            format!("its link to the next page leads to a page that was already read: {page}"),
        ))
    }
}
