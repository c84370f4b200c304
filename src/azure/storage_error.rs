//! Parses the error bodies of blob storage, which are XML.

/// Returns the code and the message of an error of blob storage. The request ID and the time at the end of
/// the message are omitted, because a header has the ID.
pub(crate) fn described(body: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(body).ok()?;
    let error = element(text, "Error")?;
    let code = element(error, "Code")?;
    let message = element(error, "Message").unwrap_or_default();
    let message = message.split("\nRequestId:").next().unwrap_or_default();
    let expired =
        element(error, "AuthenticationErrorDetail").filter(|detail| is_about_time(detail));
    let message = match expired {
        Some(detail) => format!("{} ({})", message.trim(), detail.trim()),
        None => message.trim().to_owned(),
    };
    Some((unescaped(code.trim()), unescaped(&message)))
}

/// Whether the detail names the time frame of a signed link. Other details can quote parts of the link,
/// which is a credential.
fn is_about_time(detail: &str) -> bool {
    detail.starts_with("Signature not valid in the specified time frame")
}

/// Returns the content of the first element with this name and without attributes.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>"))
        .map(|(content, _)| content)
}

fn unescaped(text: &str) -> String {
    const ENTITIES: [(&str, &str); 5] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        // The last one, so that `&amp;lt;` becomes `&lt;`.
        ("&amp;", "&"),
    ];
    let mut text = text.to_owned();
    for (entity, character) in ENTITIES {
        text = text.replace(entity, character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(inner: &str) -> Option<String> {
        let body = format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>{inner}");
        described(body.as_bytes()).map(|(code, message)| format!("{code}|{message}"))
    }

    #[test]
    fn reads_the_code_and_the_message_without_the_request_id() {
        assert_eq!(
            said("<Error><Code>BlobNotFound</Code><Message>The blob &amp;lt;x&gt; doesn&apos;t exist.\nRequestId:r\nTime:t</Message></Error>").as_deref(),
            Some("BlobNotFound|The blob &lt;x> doesn't exist.")
        );
        assert_eq!(said("<Error><Code>A</Code></Error>").as_deref(), Some("A|"));
    }

    #[test]
    fn a_detail_that_can_quote_the_link_is_omitted() {
        let quoted = "<Error><Code>A</Code><Message>No.</Message><AuthenticationErrorDetail>Signature did not match. String to sign used was planted</AuthenticationErrorDetail></Error>";
        assert_eq!(said(quoted).as_deref(), Some("A|No."));
    }

    #[test]
    fn another_page_is_not_an_error_of_storage() {
        for page in [
            "<html>token=planted</html>",
            "<Error>planted</Error>",
            "",
            "<Error><Code>A",
        ] {
            assert_eq!(said(page), None);
        }
    }
}
