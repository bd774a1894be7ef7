//! tenant.toml, key by key. Every key must be there (a forgotten one is a question, not a default), but for those that
//! say so here; no other may be.

use super::{
    generics_toml::generics,
    source::{At, Section, Source},
};
use crate::{
    ApprovalAction, Approvals, Color, ContactDesk, FamilyDefault, Feature, FeatureState, Features, FormerDependants,
    Hours, InsurerKind, MemberDocument, OfficialNotice, OtherContact, PasswordSettings, RosterSettings, SenderSettings,
    SessionSettings, Settings, SharedNetwork, SignUpSettings, StatementSettings, named::wrong_code,
};
use chrono::Weekday;
use kernel::{InsurerCode, Problem, Relation, RelationWords};
use std::collections::{BTreeMap, BTreeSet};

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

/// The word of a weekday in tenant.toml.
pub fn day_word(day: Weekday) -> &'static str {
    DAYS.iter()
        .find(|(_, known)| *known == day)
        .map_or("", |(word, _)| word)
}

/// What a tenant.toml says.
pub(super) struct Read {
    pub(super) code: Option<InsurerCode>,
    /// Of which it was exported.
    pub(super) revision: Option<i64>,
    /// Where it says whether it is a sandbox.
    pub(super) sandbox_line: Option<usize>,
    pub(super) settings: Settings,
    pub(super) logo_file: Option<At<String>>,
}

/// Reads it; none only where it is no TOML at all.
pub(super) fn read(source: &Source<'_>) -> Option<Read> {
    let top = source.table()?;
    // Only the platform has an operator, and only insurers have a code.
    if top.has("operator") && !top.has("code") {
        Some(platform(top))
    } else {
        Some(insurer(top))
    }
}

fn platform(mut top: Section<'_>) -> Read {
    let revision = revision(&mut top);
    let settings = Settings {
        name: text(&mut top, "name"),
        operator: Some(text(&mut top, "operator")),
        brand_color: color(&mut top),
        sender: sender(&mut top),
        desk: desk(&mut top),
        ..Settings::default()
    };
    top.close();
    Read {
        code: None,
        revision,
        sandbox_line: None,
        settings,
        logo_file: None,
    }
}

fn insurer(mut top: Section<'_>) -> Read {
    let code = code(&mut top);
    let revision = revision(&mut top);
    let kind = kind(&mut top);
    let is_flag = |key: &&At<String>| key.value == "sandbox";
    let sandbox_line = top.keys().iter().find(is_flag).map(|key| key.line);
    if let (Some(code), Some(kind)) = (&code, kind) {
        let six = code.value.as_str().len() == 6;
        if six != (kind == InsurerKind::NationalHealth) {
            let digits = if six {
                "6 digits are for national_health alone"
            } else {
                "national_health has 6 digits"
            };
            top.wrong("code", code.line, &format!("does not fit the kind: {digits}"));
        }
    }
    let settings = Settings {
        name: text(&mut top, "name"),
        kana: kana(&mut top),
        kind: kind.unwrap_or(InsurerKind::HealthInsurance),
        sandbox: top.optional_boolean("sandbox").unwrap_or_default(),
        operator: None,
        brand_color: color(&mut top),
        points: top.boolean("points").unwrap_or_default(),
        after_loss_days: after_loss_days(&mut top),
        member_documents: member_documents(&mut top),
        relations: relations(&mut top),
        roster: roster(&mut top),
        statements: statements(&mut top),
        sign_up: within(&mut top, "sign_up", |section| SignUpSettings {
            employee_number: section.boolean("employee_number").unwrap_or_default(),
        }),
        password: within(&mut top, "password", password),
        session: within(&mut top, "session", session),
        networks: networks(&mut top),
        sender: sender(&mut top),
        desk: desk(&mut top),
        modules: modules(&mut top, kind),
        approvals: approvals(&mut top),
        ..Settings::default()
    };
    let logo_file = logo_file(&mut top);
    top.close();
    Read {
        code: code.map(|code| code.value),
        revision,
        sandbox_line,
        settings,
        logo_file,
    }
}

/// The revision that an export wrote; none in a folder that was written by hand.
fn revision(top: &mut Section<'_>) -> Option<i64> {
    top.optional_number("revision", &(0..=u32::MAX)).map(i64::from)
}

/// Reads a table within, and closes it.
fn within<T: Default>(top: &mut Section<'_>, key: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
    let Some(mut section) = top.section(key) else {
        return T::default();
    };
    let value = read(&mut section);
    section.close();
    value
}

fn text(section: &mut Section<'_>, key: &str) -> String {
    section.text(key).map(|found| found.value).unwrap_or_default()
}

fn code(top: &mut Section<'_>) -> Option<At<InsurerCode>> {
    let found = top.text("code")?;
    let reason = match InsurerCode::parse(&found.value) {
        Ok(code) if code.as_str() == found.value => {
            return Some(At {
                value: code,
                line: found.line,
            });
        }
        Err(problem @ Problem::CheckDigit) => format!("is {}", wrong_code(&found.value, &problem)),
        _ => "must be 8 digits (6 for national_health)".into(),
    };
    top.wrong("code", found.line, &reason);
    None
}

fn kind(top: &mut Section<'_>) -> Option<InsurerKind> {
    let read = |word: &str| InsurerKind::from_word(word).filter(|kind| *kind != InsurerKind::Platform);
    top.word("kind", read, "health_insurance, mutual_aid, national_health")
        .map(|found| found.value)
}

fn kana(top: &mut Section<'_>) -> String {
    let Some(found) = top.text("kana") else {
        return String::new();
    };
    if !found
        .value
        .chars()
        .all(|c| matches!(c, 'ァ'..='ヺ' | 'ー' | '・' | '　' | ' '))
    {
        top.wrong("kana", found.line, "must be katakana of full width");
    }
    found.value
}

fn color(top: &mut Section<'_>) -> Color {
    top.word(
        "brand_color",
        Color::parse,
        "the colours # and six of 0–9, a–f, as in #1b6e3c",
    )
    .map(|found| found.value)
    .unwrap_or_default()
}

/// Days of reading after a loss of coverage; none where the key is absent, as for most insurers.
fn after_loss_days(top: &mut Section<'_>) -> u16 {
    top.optional_number("after_loss_days", &(0..=366))
        .and_then(|days| u16::try_from(days).ok())
        .unwrap_or_default()
}

fn member_documents(top: &mut Section<'_>) -> Vec<MemberDocument> {
    let line = top.line;
    let mut documents = Vec::new();
    let found = top.texts("member_documents");
    for word in &found {
        match MemberDocument::from_word(&word.value) {
            Some(document) if !documents.contains(&document) => documents.push(document),
            Some(_) => top.wrong(
                "member_documents",
                word.line,
                &format!("names \"{}\" twice", word.value),
            ),
            None => top.wrong(
                "member_documents",
                word.line,
                &format!("does not know \"{}\"", word.value),
            ),
        }
    }
    if found.is_empty() {
        top.wrong("member_documents", line, "must name at least one document");
    }
    documents
}

/// How much of a roster one file may lose; as usual where the table is absent, as for most insurers.
fn roster(top: &mut Section<'_>) -> RosterSettings {
    if !top.has("roster") {
        return RosterSettings::default();
    }
    within(top, "roster", |section| {
        let percent = section.number("loss_percent", &RosterSettings::LOSS_PERCENT);
        percent
            .and_then(|percent| u8::try_from(percent).ok())
            .map_or_else(RosterSettings::default, |loss_percent| RosterSettings { loss_percent })
    })
}

/// How statements are shown; as usual where the table or a key of it is absent.
fn statements(top: &mut Section<'_>) -> StatementSettings {
    if !top.has("statements") {
        return StatementSettings::default();
    }
    within(top, "statements", |section| {
        let usual = StatementSettings::default();
        let mut family = |key, usual| {
            let said = section.optional_word(key, FamilyDefault::from_word, "household, self_only");
            said.map_or(usual, |found| found.value)
        };
        let costs_family = family("costs_family", usual.costs_family);
        let medicines_family = family("medicines_family", usual.medicines_family);
        let months_online = section.optional_number("months_online", &StatementSettings::MONTHS_ONLINE);
        let adult_age = section.optional_number("adult_age", &StatementSettings::ADULT_AGE);
        let former = section.optional_word("former_dependants", FormerDependants::from_word, "show, hide");
        let arrives_after = section.optional_number("arrives_after_months", &StatementSettings::ARRIVES_AFTER_MONTHS);
        let official = section.optional_word("official_notice", OfficialNotice::from_word, "none, paper");
        let mails = section.optional_number("mails_per_minute", &StatementSettings::MAILS_PER_MINUTE);
        StatementSettings {
            months_online: months_online.unwrap_or(usual.months_online),
            generics: generics(section),
            costs_family,
            medicines_family,
            adult_age: adult_age
                .and_then(|age| u8::try_from(age).ok())
                .unwrap_or(usual.adult_age),
            former_dependants: former.map_or(usual.former_dependants, |found| found.value),
            arrives_after_months: arrives_after.unwrap_or(usual.arrives_after_months),
            official_notice: official.map_or(usual.official_notice, |found| found.value),
            mails_per_minute: mails.unwrap_or(usual.mails_per_minute),
        }
    })
}

/// The insurer's own words for 続柄; none where the table is absent, as for all who write what everybody writes.
fn relations(top: &mut Section<'_>) -> BTreeMap<String, Relation> {
    if !top.has("relations") {
        return BTreeMap::new();
    }
    within(top, "relations", |section| {
        let known: Vec<Relation> = Relation::ALL
            .iter()
            .copied()
            .filter(|relation| *relation != Relation::Unknown)
            .collect();
        let read = |word: &str| Relation::from_word(word).filter(|relation| known.contains(relation));
        let words: Vec<&str> = known.iter().map(|relation| relation.as_str()).collect();
        let (mut relations, mut keys) = (BTreeMap::new(), BTreeSet::new());
        for word in section.keys() {
            let key = RelationWords::key(&word.value);
            if key.is_empty() || kernel::text::has_control(&word.value) {
                section.wrong_itself(word.line, "each key must be a word or code of the roster");
            } else if !keys.insert(key) {
                section.wrong(
                    &word.value,
                    word.line,
                    "is the same word as another, but for its width or script",
                );
            }
            if let Some(relation) = section.word(&word.value, read, &words.join(", ")) {
                relations.insert(word.value, relation.value);
            }
        }
        relations
    })
}

fn password(section: &mut Section<'_>) -> PasswordSettings {
    let range = PasswordSettings::RANGE;
    let ends = |end: &usize| u32::try_from(*end).unwrap_or(u32::MAX);
    section
        .number("minimum_length", &(ends(range.start())..=ends(range.end())))
        .and_then(|length| usize::try_from(length).ok())
        .map(|minimum_length| PasswordSettings { minimum_length })
        .unwrap_or_default()
}

fn session(section: &mut Section<'_>) -> SessionSettings {
    let idle_minutes = section.number("idle_minutes", &SessionSettings::IDLE_MINUTES);
    let absolute_hours = section.number("absolute_hours", &SessionSettings::ABSOLUTE_HOURS);
    match (idle_minutes, absolute_hours) {
        (Some(idle_minutes), Some(absolute_hours)) => SessionSettings {
            idle_minutes,
            absolute_hours,
        },
        _ => SessionSettings::default(),
    }
}

/// Networks that members share; absent for most insurers.
fn networks(top: &mut Section<'_>) -> Vec<SharedNetwork> {
    if !top.has("network") {
        return Vec::new();
    }
    let mut networks: Vec<SharedNetwork> = Vec::new();
    for mut section in top.sections("network") {
        let cidr = section.text("cidr");
        let factor = section.number("factor", &SharedNetwork::FACTOR);
        if let Some(found) = cidr {
            match SharedNetwork::read(&found.value) {
                Err(reason) => section.wrong("cidr", found.line, &reason),
                Ok(cidr) if networks.iter().any(|known| known.overlaps(&cidr)) => {
                    section.wrong("cidr", found.line, &format!("{cidr} overlaps one above"));
                }
                Ok(cidr) => networks.extend(factor.map(|factor| SharedNetwork { cidr, factor })),
            }
        }
        section.close();
    }
    networks
}

fn sender(top: &mut Section<'_>) -> SenderSettings {
    within(top, "sender", |section| {
        let name = text(section, "name");
        section
            .email("address")
            .map(|address| SenderSettings { name, address })
            .unwrap_or_default()
    })
}

fn modules(top: &mut Section<'_>, kind: Option<InsurerKind>) -> Features {
    within(top, "modules", |section| {
        let state = |module: &Feature| {
            let found = section.word(module.as_str(), FeatureState::from_word, "open, preparing, hidden")?;
            let for_dependants = matches!(module, Feature::Survey | Feature::Contacts);
            if for_dependants && kind == Some(InsurerKind::NationalHealth) && found.value == FeatureState::Open {
                let reason = "can't be open for national_health, which has no dependants";
                section.wrong(module.as_str(), found.line, reason);
            }
            Some((*module, found.value))
        };
        Feature::ALL.iter().filter_map(state).collect()
    })
}

/// Which actions take a second pair of eyes, where the insurer wants it otherwise than usual.
fn approvals(top: &mut Section<'_>) -> Approvals {
    if !top.has("approvals") {
        return Approvals::default();
    }
    within(top, "approvals", |section| {
        let said = ApprovalAction::SWITCHED.into_iter().filter_map(|action| {
            let key = action.as_str();
            let is_on = section.has(key).then(|| section.boolean(key)).flatten();
            is_on.map(|is_on| (action, is_on))
        });
        said.collect()
    })
}

fn logo_file(top: &mut Section<'_>) -> Option<At<String>> {
    let found = top.optional_text("logo")?;
    let plain = !found.value.contains(['/', '\\']) && !found.value.starts_with('.');
    if !plain {
        top.wrong("logo", found.line, "must name a file in this folder");
    }
    plain.then_some(found)
}

fn desk(top: &mut Section<'_>) -> ContactDesk {
    within(top, "desk", |section| ContactDesk {
        name: text(section, "name"),
        phone: phone(section),
        days: days(section),
        hours: hours(section),
        closed_on_holidays: section.boolean("closed_on_holidays").unwrap_or_default(),
        closed_dates: closed_dates(section),
        email: section.optional_email("email"),
        email_note: section.optional_text("email_note").map(|found| found.value),
        have_ready: text(section, "have_ready"),
        other: other(section),
    })
}

/// A Japanese number as printed: 10 or 11 digits in groups, the first one 0.
fn phone(section: &mut Section<'_>) -> String {
    let Some(found) = section.text("phone") else {
        return String::new();
    };
    let digits = found.value.bytes().filter(u8::is_ascii_digit).count();
    let groups = found
        .value
        .split('-')
        .all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()));
    if !groups || !(10..=11).contains(&digits) || !found.value.starts_with('0') {
        section.wrong("phone", found.line, "must be a telephone number as in 050-2030-4706");
    }
    found.value
}

fn days(section: &mut Section<'_>) -> Vec<Weekday> {
    let mut days = Vec::new();
    let found = section.texts("days");
    for word in &found {
        match DAYS.iter().find(|(known, _)| *known == word.value) {
            Some((_, day)) if !days.contains(day) => days.push(*day),
            Some(_) => section.wrong("days", word.line, &format!("names \"{}\" twice", word.value)),
            None => section.wrong("days", word.line, &format!("knows mon … sun, not \"{}\"", word.value)),
        }
    }
    if found.is_empty() {
        section.wrong("days", section.line, "must name at least one weekday");
    }
    days.sort_by_key(Weekday::num_days_from_monday);
    days
}

fn hours(section: &mut Section<'_>) -> Vec<Hours> {
    let mut hours: Vec<Hours> = Vec::new();
    for mut span in section.sections("hours") {
        let line = span.line;
        let (from, to) = (span.time("from"), span.time("to"));
        span.close();
        let (Some(from), Some(to)) = (from, to) else { continue };
        if from.value >= to.value {
            section.wrong("hours", line, "must have from before to");
        } else if hours.last().is_some_and(|before| before.to >= from.value) {
            section.wrong("hours", line, "must be in order, with a break between one and the next");
        } else {
            hours.push(Hours {
                from: from.value,
                to: to.value,
            });
        }
    }
    hours
}

fn closed_dates(section: &mut Section<'_>) -> Vec<chrono::NaiveDate> {
    let mut dates = Vec::new();
    for found in section.texts("closed_dates") {
        let Some(date) = section.as_date("closed_dates", &found) else {
            continue;
        };
        if dates.contains(&date) {
            section.wrong("closed_dates", found.line, &format!("names {date} twice"));
        }
        dates.push(date);
    }
    dates.sort();
    dates
}

fn other(section: &mut Section<'_>) -> Vec<OtherContact> {
    if !section.has("other") {
        return Vec::new();
    }
    let read = |mut contact: Section<'_>| {
        let other = OtherContact {
            subject: text(&mut contact, "subject"),
            contact: text(&mut contact, "contact"),
        };
        contact.close();
        other
    };
    section.sections("other").into_iter().map(read).collect()
}
