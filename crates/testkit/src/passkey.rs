//! A passkey without a device: what it answers a page's challenge, as a browser would send it (`WebAuthn`, ES256).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ENROLS: u8 = 0x40;

/// A key, and how it behaves.
pub struct Passkey {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    /// Whom the browser shows: `http://localhost:8080`.
    pub origin: String,
    /// How often it has signed; the next answer says one more.
    pub counter: u32,
    /// Whether it looks who holds it.
    pub verifies: bool,
}

impl Passkey {
    /// A new one, in a browser at this address.
    pub fn new(origin: &str) -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).unwrap();
        Self {
            id: Sha256::digest(pair.public_key().as_ref()).to_vec(),
            pair,
            origin: origin.to_owned(),
            counter: 0,
            verifies: true,
        }
    }

    /// What it answers a page that enrols it.
    pub fn enrol(&mut self, page: &str) -> String {
        let asked = asked(page);
        let mut data = self.data(&asked["publicKey"]["rp"]["id"], ENROLS);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        // COSE: an EC2 key for ES256 on P-256, x and y.
        let point = self.pair.public_key().as_ref();
        data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 32]);
        data.extend(&point[33..65]);
        // CBOR: fmt none, attStmt {}, authData.
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        let client = self.client("webauthn.create", &asked);
        self.answer(&json!({ "attestationObject": text(&object), "clientDataJSON": text(&client) }))
    }

    /// What it answers a page that asks who is there.
    pub fn prove(&mut self, page: &str) -> String {
        let asked = asked(page);
        let data = self.data(&asked["publicKey"]["rpId"], 0);
        let client = self.client("webauthn.get", &asked);
        let signed = [&data[..], &Sha256::digest(&client)].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        self.answer(&json!({
            "authenticatorData": text(&data),
            "clientDataJSON": text(&client),
            "signature": text(signature.as_ref()),
            "userHandle": null,
        }))
    }

    fn data(&mut self, host: &Value, more: u8) -> Vec<u8> {
        self.counter += 1;
        let verified = if self.verifies { VERIFIED } else { 0 };
        let mut data = Sha256::digest(host.as_str().unwrap()).to_vec();
        data.push(PRESENT | verified | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client(&self, kind: &str, asked: &Value) -> Vec<u8> {
        let challenge = &asked["publicKey"]["challenge"];
        let client = json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false });
        client.to_string().into_bytes()
    }

    fn answer(&self, response: &Value) -> String {
        let id = text(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
    }
}

/// What a page's button asks.
fn asked(page: &str) -> Value {
    let (_, rest) = page.split_once("data-asked=\"").unwrap();
    let escaped = rest.split('"').next().unwrap();
    let plain = escaped.replace("&#34;", "\"").replace("&#38;", "&");
    serde_json::from_str(&plain).unwrap()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
