//! Who an insurer is: public, asked before anybody signs up.

use operations::Tag;
use operations::answer::Done;
use operations::call::{Call, up};
use operations::failure::Failure;
use operations::params::{CodeSegment, Segment};
use operations::text::Time;

use chrono::{DateTime, Utc};
use kernel::{Field, FieldError, InsurerCode, Refusal, TenantId};
use poem_openapi::{Object, OpenApi};
use tenancy::{DeskStatus, Feature, FeatureState};

pub struct InsurersApi;

/// An insurer as its members see it.
#[derive(Object)]
pub struct Insurer {
    /// 保険者指定コード.
    pub code: String,
    /// As members know it.
    pub name: String,
    /// The name in katakana.
    pub kana: String,
    /// `health_insurance` (健康保険組合), `mutual_aid` (共済組合) or `national_health` (国民健康保険組合).
    pub kind: String,
    /// `open`, or `suspended`: then nobody signs up or logs in for now.
    pub state: String,
    /// True of a sandbox: its people are invented, and its mails are kept instead of sent.
    pub sandbox: bool,
    /// How its pages look.
    pub branding: Branding,
    /// お問い合わせ先.
    pub desk: Desk,
    /// What its my page offers; hidden modules are left out.
    pub modules: Vec<ModuleInfo>,
    /// The terms in force for its members.
    pub terms: Vec<Terms>,
    /// What sign-up asks here.
    pub sign_up: SignUpInfo,
}

/// Colours, each `#rrggbb`, and the logo.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Branding {
    /// As the insurer chose it: for decoration, not for text.
    pub color: String,
    /// For text and buttons: readable on white and on the tint.
    pub strong: String,
    /// The darker colour of a link or button under the pointer.
    pub hover: String,
    /// A pale surface.
    pub tint: String,
    /// White or black, whichever is readable on `color`.
    pub on_brand: String,
    /// None where the insurer gave none.
    pub logo: Option<Logo>,
}

/// A PNG.
#[derive(Object)]
pub struct Logo {
    /// Relative to the portal; never changes its content.
    pub path: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A contact desk.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Desk {
    /// As printed.
    pub name: String,
    /// As printed.
    pub phone: String,
    /// When it answers, in Japanese.
    pub hours: String,
    /// True while somebody answers.
    pub open: bool,
    /// While open: until when.
    pub open_until: Option<Time>,
    /// While closed: when it opens next.
    pub opens_at: Option<Time>,
    /// Where mail may be sent.
    pub email: Option<String>,
    /// When mail is answered, in Japanese.
    pub email_note: Option<String>,
    /// What to have at hand, in Japanese.
    pub have_ready: String,
    /// Who answers other questions.
    pub other: Vec<OtherDesk>,
}

/// Who answers what the desk does not.
#[derive(Object)]
pub struct OtherDesk {
    /// What about.
    pub subject: String,
    /// Whom to ask.
    pub contact: String,
}

/// A module of the my page.
#[derive(Object)]
pub struct ModuleInfo {
    /// `survey`, `flu_subsidy`, `applications`, `contacts`, `cost_statements`, `medical_guide`, `generic_savings` or
    /// `medicine_guide`.
    pub module: String,
    /// Its name on pages.
    pub label: String,
    /// `open` or `preparing`.
    pub state: String,
}

/// A terms document in force.
#[derive(Object)]
pub struct Terms {
    /// `service`, `points` or `addendum`.
    pub document: String,
    /// The revision in force.
    pub revision: i32,
    /// As members see it.
    pub title: String,
    /// Midnight in Japan of its first day.
    pub effective_at: Time,
    /// SHA-256 of what members read, in hex.
    pub content_hash: String,
}

/// What sign-up asks beyond the usual.
#[derive(Object)]
pub struct SignUpInfo {
    /// True where 社員番号 is asked too.
    pub employee_number: bool,
    /// Characters that a password needs at least.
    pub password_minimum_length: u32,
    /// Where members find 記号 and 番号, in Japanese, the likeliest first.
    pub member_documents: Vec<String>,
}

#[OpenApi(tag = "Tag::Insurers")]
impl InsurersApi {
    /// One insurer
    ///
    /// By its designated code. A code whose check digit does not fit is told apart from one that belongs to no insurer
    /// here: both are public.
    #[oai(path = "/insurers/:code", method = "get", operation_id = "get_insurer")]
    async fn get_insurer(
        &self,
        call: Call,
        /// 保険者指定コード: 8 digits, or 6 for 国民健康保険組合.
        code: Segment<CodeSegment>,
    ) -> poem::Result<Done<Insurer>> {
        let code = InsurerCode::parse(&code.text).map_err(|problem| {
            Failure::refused(
                &Refusal::field(FieldError::new(Field::new("code", "保険者指定コード"), problem)),
                call.now(),
            )
        })?;
        let directory = call.accounts().directory();
        let insurer = up(directory.by_code(&code).await)?.ok_or_else(|| Failure::of("not_found"))?;
        let platform = up(directory.by_tenant(TenantId::PLATFORM).await)?.ok_or_else(|| Failure::of("unavailable"))?;
        Ok(Done(view(&code, &insurer, &platform, call.now())))
    }
}

fn view(code: &InsurerCode, insurer: &tenancy::Insurer, platform: &tenancy::Insurer, now: DateTime<Utc>) -> Insurer {
    let brand = &insurer.brand;
    Insurer {
        code: code.to_string(),
        name: insurer.name.clone(),
        kana: insurer.kana.clone(),
        kind: insurer.kind.as_str().into(),
        state: insurer.state.as_str().into(),
        sandbox: insurer.is_sandbox,
        branding: Branding {
            color: brand.color.to_string(),
            strong: brand.strong.to_string(),
            hover: brand.hover.to_string(),
            tint: brand.tint.to_string(),
            on_brand: brand.on_brand.to_string(),
            logo: insurer.logo.as_ref().map(|logo| Logo {
                path: format!("/portal/logo/{code}/{}", logo.hash),
                width: logo.width,
                height: logo.height,
            }),
        },
        desk: desk(&insurer.desk, now),
        modules: modules(insurer),
        terms: tenancy::terms_in_force(insurer, platform, now)
            .into_iter()
            .map(|in_force| Terms {
                document: in_force.terms.document,
                revision: in_force.terms.revision,
                title: in_force.terms.title,
                effective_at: in_force.terms.effective_at.into(),
                content_hash: in_force.terms.content_hash,
            })
            .collect(),
        sign_up: SignUpInfo {
            employee_number: insurer.sign_up.employee_number,
            password_minimum_length: u32::try_from(insurer.password.minimum_length).unwrap_or(u32::MAX),
            member_documents: insurer
                .member_documents
                .iter()
                .map(|document| document.label().into())
                .collect(),
        },
    }
}

fn desk(desk: &tenancy::ContactDesk, now: DateTime<Utc>) -> Desk {
    let (open_until, opens_at) = match desk.status(now) {
        DeskStatus::Open { until } => (Some(Time::from(until)), None),
        DeskStatus::Closed { opens_at } => (None, opens_at.map(Time::from)),
    };
    Desk {
        name: desk.name.clone(),
        phone: desk.phone.clone(),
        hours: desk.hours_text(),
        open: open_until.is_some(),
        open_until,
        opens_at,
        email: desk.email.as_ref().map(|email| email.as_str().to_owned()),
        email_note: desk.email_note.clone(),
        have_ready: desk.have_ready.clone(),
        other: desk
            .other
            .iter()
            .map(|other| OtherDesk {
                subject: other.subject.clone(),
                contact: other.contact.clone(),
            })
            .collect(),
    }
}

fn modules(insurer: &tenancy::Insurer) -> Vec<ModuleInfo> {
    Feature::ALL
        .iter()
        .map(|module| (module, insurer.modules.state(*module)))
        .filter(|(_, state)| *state != FeatureState::Hidden)
        .map(|(module, state)| ModuleInfo {
            module: module.as_str().into(),
            label: module.label().into(),
            state: state.as_str().into(),
        })
        .collect()
}
