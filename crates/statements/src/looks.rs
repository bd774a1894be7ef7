//! 閲覧の記録: who looked at somebody's statements, and why, as it is told to themself: staff, programs, and who saved a file with
//! their rows. Nobody of the staff is named; that is the insurer's to answer for.

use crate::preview::Reason;
use access::Role;
use accounts::{Member, Proof};
use audit::read::{self, About, Filter, Lines, Recorded, Shown};
use chrono::{DateTime, Months, Utc};
use database::Database;
use ground::Ground;
use kernel::{AuditId, Clock, Outage, StaffId};
use roster::protection::is_protected;
use std::collections::{BTreeSet, HashMap};

/// Looks on a page.
const PAGE: u32 = 50;
/// For how long looks are told.
const MONTHS: Months = Months::new(12);
/// A member's files.
const COSTS: &str = "costs.export";
const MEDICINES: &str = "medicines.export";
/// What shows rows of statements: staff's and programs' pages by how they are called, and members' files.
const ROWS: Shown = Shown {
    called: "statements.",
    actions: &[COSTS, MEDICINES],
};

/// A look, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub who: String,
    /// At what.
    pub what: &'static str,
    /// Why; empty where nobody was asked.
    pub why: &'static str,
}

/// A page of looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looks {
    /// The latest first.
    pub looks: Vec<Look>,
    /// Before which line the next page begins, where there is one.
    pub more: Option<AuditId>,
}

/// The use case. Cheap to clone.
#[derive(Clone)]
pub struct LooksAt {
    database: Database,
    clock: Clock,
}

impl LooksAt {
    /// Puts it together.
    pub fn new(ground: &Ground) -> Self {
        Self {
            database: ground.database.clone(),
            clock: ground.clock.clone(),
        }
    }

    /// The looks of the last twelve months at a member's rows, before a line's where one is given. Whoever is protected and was proven
    /// by facts alone may be somebody else, and is told what they would be told if nobody had looked, at the same cost.
    pub async fn of(&self, member: &Member, before: Option<AuditId>) -> Result<Looks, Outage> {
        let (now, person) = (self.clock.now(), member.person.person_id);
        let filter = Filter {
            about: Some(About {
                person: person.0,
                lines: Lines::LooksAt(ROWS),
            }),
            from: now.checked_sub_months(MONTHS),
            ..Filter::default()
        };
        let tx = self.database.tenant(member.insurer.tenant_id).read().await?;
        let mut seen = read::list(&tx, &filter, before, i64::from(PAGE) + 1).await?;
        let is_hidden = is_protected(&tx, person).await? && member.proof == Proof::Facts;
        let staff = seen.iter().filter(|seen| seen.actor_kind == "staff");
        let staff: Vec<StaffId> = staff.filter_map(|seen| seen.actor_id.map(StaffId)).collect();
        let roles = staff::roles_of(&tx, &staff).await?;
        tx.commit().await?;
        if is_hidden {
            return Ok(Looks::default());
        }
        let is_more = seen.len() > PAGE as usize;
        seen.truncate(PAGE as usize);
        Ok(Looks {
            more: seen.last().filter(|_| is_more).map(|last| last.audit_id),
            looks: seen.iter().map(|seen| Look::of(seen, member, &roles)).collect(),
        })
    }
}

impl Look {
    fn of(seen: &Recorded, member: &Member, roles: &HashMap<StaffId, BTreeSet<Role>>) -> Self {
        let word = |name: &str| seen.detail.get(name).and_then(|word| word.as_str());
        Self {
            at: seen.at,
            who: who(seen, member, roles),
            what: match (seen.action.as_str(), word("what")) {
                (COSTS, _) => "医療費のファイル（CSV）を保存",
                (MEDICINES, _) => "お薬のファイル（CSV）を保存",
                (_, Some("statements.preview")) => "あなたやご家族に見える画面を確認",
                (_, Some(what)) if what.starts_with("statements.held") => "だれの明細かを名簿で確認",
                _ => "明細を確認",
            },
            why: word("reason").and_then(Reason::from_word).map_or("", Reason::label),
        }
    }
}

fn who(seen: &Recorded, member: &Member, roles: &HashMap<StaffId, BTreeSet<Role>>) -> String {
    match seen.actor_kind.as_str() {
        "member" if seen.actor_id == Some(member.account_id.0) => "あなた".into(),
        "member" => "ご家族".into(),
        "staff" => {
            let roles = seen.actor_id.and_then(|id| roles.get(&StaffId(id)));
            let labels: Vec<&str> = roles.into_iter().flatten().map(|role| role.label()).collect();
            if labels.is_empty() {
                "保険者の職員".into()
            } else {
                format!("保険者の職員（{}）", labels.join("、"))
            }
        }
        "support" => "運営サポートの担当者".into(),
        "client" => "連携先のシステム".into(),
        _ => "システムの運用者".into(),
    }
}
