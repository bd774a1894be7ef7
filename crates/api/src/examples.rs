//! The pipeline's operations in use: one request and one answer each, invented persons only. A test holds them against
//! the schemas, so none goes stale.

use serde_json::{Value, json};

use operations::Example;

const DEVICE: &str = "AWsxUGZ0b2RldmljZS1zZWNyZXQtb2Ytb25lLXVzZXItSUQ";
const TICKET: &str = "7.pS0c4Q5fTOIzvOFB8dGr0QyMN2DWRXnLpNKVBAxwYnE";

const CLIENT: &str = "cl_7_019abd2f5c007d3a9d6e4b1c2a3f4e5d";
const TOKEN: &str = "mdg_at_7.4h0aN2nDPYDFhg0YcTXyKbqXyTt3oZ8XlHV5YFqXb3k";

fn identity() -> Value {
    json!({
        "insurer_code": "32290413",
        "symbol": "100",
        "number": "105",
        "birth_date": "1975-04-12",
        "kana_name": "ケンポ タロウ",
    })
}

fn accepted() -> Value {
    json!({"status": "accepted"})
}

fn code_sent() -> Value {
    json!({"code_expires_at": "2026-11-24T01:10:00Z", "sent_to": "t***o@ex***.jp", "unusual": false})
}

/// The example of an operation.
pub fn of(operation: &str) -> Example {
    let (request, answer) = match operation {
        "get_insurer" => {
            return Example {
                parameters: vec![("code", json!("32290413"))],
                answer: Some(insurer()),
                ..Example::default()
            };
        }
        "identify" => (
            Some(identity()),
            Some(json!({"ticket": TICKET, "expires_at": "2026-11-24T02:00:00Z"})),
        ),
        "create_account" => (
            Some(json!({
                "ticket": TICKET,
                "user_id": "kenpo-taro",
                "password": "momiji no yama wo aruku",
                "email": "taro@example.jp",
            })),
            Some(code_sent()),
        ),
        "confirm_code" => (
            Some(json!({"ticket": TICKET, "code": "482913"})),
            Some(json!({"user_id": "kenpo-taro", "device": DEVICE})),
        ),
        "resend_code" => (Some(json!({"ticket": TICKET})), Some(code_sent())),
        "create_session" => (
            Some(json!({"user_id": "kenpo-taro", "password": "momiji no yama wo aruku"})),
            Some(json!({
                "token": "7.4h0aN2nDPYDFhg0YcTXyKbqXyTt3oZ8XlHV5YFqXb3k",
                "device": DEVICE,
                "expires_at": "2026-11-24T13:00:00Z",
                "consents_required": [{"document": "service", "revision": 1, "title": "利用規約"}],
            })),
        ),
        "request_password_reset" => (Some(json!({"user_id": "kenpo-taro"})), Some(accepted())),
        "complete_password_reset" => (Some(json!({"token": TICKET, "password": "suzume ga san wa"})), None),
        "request_user_id_reminder" => (Some(identity()), Some(accepted())),
        "list_consents" => (None, Some(consents())),
        "give_consents" => (
            Some(json!({"consents": [{"document": "service", "revision": 1}]})),
            None,
        ),
        "create_token" => (
            Some(json!({
                "grant_type": "client_credentials",
                "client_id": CLIENT,
                "client_secret": "mdg_cs_7.pS0c4Q5fTOIzvOFB8dGr0QyMN2DWRXnLpNKVBAxwYnE",
                "scope": "insurer.read members.read",
            })),
            Some(json!({
                "access_token": TOKEN,
                "token_type": "Bearer",
                "expires_in": 3600,
                "scope": "insurer.read members.read",
            })),
        ),
        "revoke_token" => (
            Some(json!({
                "token": TOKEN,
                "client_id": CLIENT,
                "client_secret": "mdg_cs_7.pS0c4Q5fTOIzvOFB8dGr0QyMN2DWRXnLpNKVBAxwYnE",
            })),
            None,
        ),
        "get_client" => (
            None,
            Some(json!({
                "client_id": CLIENT,
                "name": "基幹システム",
                "insurer": {"code": "32290413", "name": "奈良県市町村職員共済組合"},
                "sandbox": false,
                "scopes": ["insurer.read", "members.read"],
                "token_expires_at": "2026-12-05T02:00:00Z",
                "expires_on": "2027-03-31",
            })),
        ),
        _ => (None, None),
    };
    Example {
        request,
        answer,
        ..Example::default()
    }
}

fn insurer() -> Value {
    json!({
        "code": "32290413",
        "name": "奈良県市町村職員共済組合",
        "kana": "ナラケンシチョウソンショクインキョウサイクミアイ",
        "kind": "mutual_aid",
        "state": "open",
        "sandbox": false,
        "branding": {
            "color": "#0017c1",
            "strong": "#0017c1",
            "hover": "#000f8a",
            "tint": "#f0f3fd",
            "on_brand": "#ffffff",
        },
        "desk": {
            "name": "専用コールセンター",
            "phone": "050-2030-4706",
            "hours": "土日祝を除く平日 10時～17時（12時～13時を除く）",
            "open": true,
            "open_until": "2026-11-24T03:00:00Z",
            "email": "nara-kyosai@ibss.jp",
            "have_ready": "記号・番号のわかるもの",
            "other": [{"subject": "その他のお問い合わせ", "contact": "お勤め先の共済事務担当課"}],
        },
        "modules": [{"module": "medical_guide", "label": "上手な医療のかかり方", "state": "open"}],
        "terms": [{
            "document": "service",
            "revision": 1,
            "title": "利用規約",
            "effective_at": "2026-03-31T15:00:00Z",
            "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }],
        "sign_up": {
            "employee_number": false,
            "password_minimum_length": 8,
            "member_documents": ["マイナポータル", "資格情報のお知らせ", "資格確認書"],
        },
    })
}

fn consents() -> Value {
    json!({
        "given": [],
        "due": [{
            "document": "service",
            "revision": 1,
            "title": "利用規約",
            "effective_at": "2026-03-31T15:00:00Z",
            "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "body": "## 第1条（適用）\n\nこの規約は、…",
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{client, consent, insurers, log_in, oauth, recover, sign_up};
    use edge::Body;
    use operations::flaws;
    use poem_openapi::types::Type;

    fn fits<T: Type>(value: Option<&Value>) -> bool {
        value.is_some_and(|value| flaws::<T>(value).is_empty())
    }

    #[test]
    fn every_example_fits_its_schema() {
        for route in crate::rows() {
            let example = of(route.name);
            assert_eq!(example.request.is_some(), route.body != Body::Nothing, "{}", route.name);
            let (request, answer) = (example.request.as_ref(), example.answer.as_ref());
            let good = match route.name {
                "get_insurer" => fits::<insurers::Insurer>(answer),
                "identify" => fits::<sign_up::Identity>(request) && fits::<sign_up::Ticket>(answer),
                "create_account" => fits::<sign_up::NewAccount>(request) && fits::<sign_up::CodeSent>(answer),
                "confirm_code" => fits::<sign_up::TypedCode>(request) && fits::<sign_up::NewMember>(answer),
                "resend_code" => fits::<sign_up::Resend>(request) && fits::<sign_up::CodeSent>(answer),
                "create_session" => fits::<log_in::NewSession>(request) && fits::<log_in::Session>(answer),
                "request_password_reset" => {
                    fits::<recover::ForgottenPassword>(request) && fits::<recover::Taken>(answer)
                }
                "complete_password_reset" => fits::<recover::NewPassword>(request),
                "request_user_id_reminder" => fits::<sign_up::Identity>(request) && fits::<recover::Taken>(answer),
                "list_consents" => fits::<consent::Consents>(answer),
                "give_consents" => fits::<consent::NewConsents>(request),
                "create_token" => fits::<oauth::TokenForm>(request) && fits::<oauth::IssuedToken>(answer),
                "revoke_token" => fits::<oauth::RevocationForm>(request),
                "get_client" => fits::<client::OwnClient>(answer),
                other => ["end_current_session", "get_document"].contains(&other),
            };
            assert!(good, "{}", route.name);
        }
    }
}
