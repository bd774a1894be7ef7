//! What a member is told once staff have made sure that an account is theirs.

use super::Letterhead;
use chrono::{DateTime, Utc};
use kernel::calendar;
use mail::message;

message!(
    /// The desk has recorded that the account is its owner's.
    ProofRecorded, "proof_recorded", Bulk, "【マイページ】本人確認を記録しました", {
        /// When.
        at: DateTime<Utc>,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{} に、窓口で、マイページの登録がご本人のものであることの確認（本人確認）を記録しました。\n\
             ご本人だけが選べる設定を、マイページで変えられるようになりました。",
            calendar::moment(self.at)
        ))
        .url("マイページ", &self.letterhead.portal)
        .paragraph("窓口で本人確認のお手続きをしたお心当たりのない場合は、すぐに下記の窓口へお知らせください。")
);
