//! ECDSA over P-521 with SHA-512, the signature scheme of go-plugin's certificates. *ring* lacks it.

use p521::ecdsa::signature::Verifier as _;
use p521::ecdsa::{Signature, VerifyingKey};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

/// The name of the scheme in a TLS handshake.
pub(super) const SCHEME: SignatureScheme = SignatureScheme::ECDSA_NISTP521_SHA512;

/// The algorithms with which rustls verifies a handshake signed with [`SCHEME`].
pub(super) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[&EcdsaP521Sha512],
    mapping: &[(SCHEME, &[&EcdsaP521Sha512])],
};

#[derive(Debug)]
struct EcdsaP521Sha512;

impl SignatureVerificationAlgorithm for EcdsaP521Sha512 {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA512
    }

    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature)
            .map_err(|_| InvalidSignature)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    // Generated with OpenSSL.
    const PUBLIC_KEY: &str = "BAB5nWiYzg8g5iI8m986Oz7xgqT5MbqOQeJbo5NaXGTnz6slZyx9WC4edfUS7tfiv/Y/XynAUpiU56rE3IhcvK+T/gBoYjkygmsgINvq1KbuzUQa7XOAesp+YILM33QqkpW7IShKhUz3JegQ0mE8RE+i5lLtiUCOTPvCpJkNuRVslO32MA==";
    const SIGNATURE: &str = "MIGHAkE5uYitjY9TRaXEikUCLeOgmzeveCJnc9B2AeTOMPOHkyPs2K0nK5+j7nZk1W1BOb7f12NKkmT8/xY7s8o13FxylgJCAYKkh8Swv8sOv1lfSV/bF9gymIlV0GAZXSWFuGP2NM+0U/esZM4mY+3Ein+riSM2PECo3eSjAoJKo/ItNJRQtWmV";

    fn verify(key: &[u8], message: &str, signature: &[u8]) -> Result<(), InvalidSignature> {
        EcdsaP521Sha512.verify_signature(key, message.as_bytes(), signature)
    }

    #[test]
    fn an_openssl_signature_is_valid_only_for_its_message_and_key() {
        let key = STANDARD.decode(PUBLIC_KEY).unwrap();
        let signature = STANDARD.decode(SIGNATURE).unwrap();

        assert!(verify(&key, "signed elsewhere", &signature).is_ok());
        assert!(verify(&key, "signed nowhere", &signature).is_err());
        assert!(verify(&key, "signed elsewhere", &signature[1..]).is_err());
        assert!(verify(&key, "signed elsewhere", &[]).is_err());
        assert!(verify(&key[1..], "signed elsewhere", &signature).is_err());
    }
}
