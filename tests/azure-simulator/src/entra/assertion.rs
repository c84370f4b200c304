//! Client assertions: JWTs in place of a client secret, signed by a certificate or a trusted issuer.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::entra::application::{Application, Registered};
use crate::entra::refusal::{Refusal, stamp};
use crate::jwt::{Jwt, Mistrust};
use crate::state::World;

/// The allowed clock skew of a client.
const SKEW_S: i64 = 300;
const CERTIFICATE_DOCS: &str = "Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials";
const FEDERATION_DOCS: &str = "Check your federated identity credential Subject, Audience and Issuer against the presented \
    assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

/// Checks that the assertion authenticates the application. `endpoints` are the URLs of the token endpoint.
///
/// # Errors
/// Entra's error for the first failed check.
pub(crate) fn check(
    world: &World,
    application: &Application,
    endpoints: &[String],
    text: &str,
) -> Result<(), Refusal> {
    let jwt = Jwt::parse(text).ok_or_else(malformed)?;
    let claim = |name| jwt.claim(name).ok_or_else(malformed);
    // This also refuses an array of audiences.
    let (issuer, subject, audience) = (claim("iss")?, claim("sub")?, claim("aud")?);
    jwt.time("exp").ok_or_else(malformed)?;
    let by_certificate = jwt.named("x5t").or(jwt.named("x5t#S256")).is_some();
    match (
        is_client(application, issuer),
        is_client(application, subject),
    ) {
        (true, true) => {
            claim("jti")?;
            check_signature(application, &jwt)?;
            if !endpoints.iter().any(|endpoint| endpoint == audience) {
                return Err(Refusal::client(
                    700_023,
                    format!(
                        "Client assertion audience claim does not match Realm issuer. {CERTIFICATE_DOCS}."
                    ),
                ));
            }
            // `advance` does not move the client's clock, so an assertion valid by the machine's clock is
            // accepted too.
            let clocks = [world.now(), Timestamp::now()];
            let fits = |now: &Timestamp| is_in_time(&jwt, *now, SKEW_S);
            clocks
                .iter()
                .any(fits)
                .then_some(())
                .ok_or_else(|| untimely(world, &jwt))
        }
        (true, false) | (false, true) => Err(Refusal::request(
            50048,
            "Subject must match the issuer claim in the client assertion.",
        )),
        (false, false) if by_certificate => Err(Refusal::client(
            700_021,
            format!(
                "Client assertion application identifier doesn't match 'client_id' parameter. {CERTIFICATE_DOCS}."
            ),
        )),
        (false, false) => check_federated(world, application, &jwt, [issuer, subject, audience]),
    }
}

fn is_client(application: &Application, name: &str) -> bool {
    name.eq_ignore_ascii_case(&application.client_id)
}

fn check_signature(application: &Application, jwt: &Jwt) -> Result<(), Refusal> {
    let not_registered = |thumbprint: &str| {
        Refusal::client(
            700_027,
            format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. \
                 [Reason - The key was not found., Thumbprint of key used by client: '{}', Please visit the Azure Portal, \
                 Graph Explorer or directly use MS Graph to see configured keys for app Id '{}'].",
                hexadecimal(thumbprint),
                application.client_id
            ),
        )
    };
    let (name, thumbprint) = [
        ("x5t#S256", jwt.named("x5t#S256")),
        ("x5t", jwt.named("x5t")),
    ]
    .into_iter()
    .find_map(|(name, value)| Some((name, value?)))
    .ok_or_else(|| not_registered(""))?;
    let is_it = |registered: &&Registered| {
        let certificate = registered.certificate;
        let own = match name {
            "x5t" => certificate.legacy_thumbprint(),
            _ => certificate.thumbprint(),
        };
        own == thumbprint
    };
    let registered = application.certificates.iter().find(is_it);
    let registered = registered.ok_or_else(|| not_registered(thumbprint))?;
    jwt.verify(&registered.key).map_err(|mistrust| match mistrust {
        Mistrust::Unfit => Refusal::request(
            5_002_730,
            "Invalid JWT token. Unsupported key for the signing algorithm.",
        ),
        Mistrust::Wrong => Refusal::client(
            700_027,
            format!(
                "Client assertion contains an invalid signature. [Reason - The key was found, but use of the key to verify \
                 the signature failed., Thumbprint of key used by client: '{}'].",
                hexadecimal(thumbprint)
            ),
        ),
    })
}

fn check_federated(
    world: &World,
    application: &Application,
    jwt: &Jwt,
    [issuer, subject, audience]: [&str; 3],
) -> Result<(), Refusal> {
    let mut trusted = application.federated.clone();
    // Entra checks issuer, audience and subject in this order, and compares letter case.
    type Part = fn(&crate::oidc::FederatedCredential) -> &str;
    let parts: [(u32, &str, &str, Part); 3] = [
        (700_211, "issuer", issuer, |known| &known.issuer),
        (700_212, "audience", audience, |known| &known.audience),
        (700_213, "subject", subject, |known| &known.subject),
    ];
    for (code, name, presented, part) in parts {
        trusted.retain(|known| part(known) == presented);
        if trusted.is_empty() {
            return Err(Refusal::client(
                code,
                format!(
                    "No matching federated identity record found for presented assertion {name} '{presented}'. {FEDERATION_DOCS}"
                ),
            ));
        }
    }
    if world.issuer.vouches_for(jwt) {
        is_in_time(jwt, world.now(), 0)
            .then_some(())
            .ok_or_else(|| untimely(world, jwt))
    } else {
        Err(Refusal::client(
            50013,
            "Assertion failed signature validation. [Reason - The key was not found.]",
        ))
    }
}

fn is_in_time(jwt: &Jwt, now: Timestamp, skew: i64) -> bool {
    let now = now.as_second();
    let begun = jwt.time("nbf").is_none_or(|begin| begin <= now + skew);
    begun && jwt.time("exp").is_some_and(|end| end > now - skew)
}

fn untimely(world: &World, jwt: &Jwt) -> Refusal {
    let why = format!(
        "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of \
         assertion {}. {CERTIFICATE_DOCS}.",
        stamp(world.now().as_second()),
        stamp(jwt.time("nbf").unwrap_or(0)),
        stamp(jwt.time("exp").unwrap_or(0)),
    );
    Refusal::client(700_024, why)
}

fn malformed() -> Refusal {
    Refusal::request(50027, "JWT token is invalid or malformed.")
}

/// Returns a thumbprint in hexadecimal, as the portal shows it.
fn hexadecimal(thumbprint: &str) -> String {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(thumbprint)
        .unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
