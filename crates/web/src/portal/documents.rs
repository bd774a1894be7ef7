//! The documents on which members find 記号・番号, with a drawing of where (no card is valid any more: domain.md §3).

use pages::assets;
use tenancy::{Insurer, MemberDocument};

/// A document on the page: a line that opens.
pub(crate) struct Document {
    pub label: &'static str,
    /// Where on it 記号・番号 stand.
    pub text: &'static str,
    pub drawing: String,
    /// The drawing in words.
    pub drawn: &'static str,
}

/// Those that an insurer names; all where it names none.
pub(crate) fn of(insurer: &Insurer) -> Vec<Document> {
    let documents = match insurer.member_documents.as_slice() {
        [] => MemberDocument::ALL,
        own => own,
    };
    documents.iter().copied().map(Document::new).collect()
}

impl Document {
    fn new(document: MemberDocument) -> Self {
        let (text, drawn) = match document {
            MemberDocument::MynaPortal => (
                "マイナポータルにログインし、「健康保険証」の項目を開くと、記号と番号が表示されます。",
                "マイナポータルの画面の図。「健康保険証」の項目の、保険者名の下に記号、その下に番号があります。",
            ),
            MemberDocument::EligibilityNotice => (
                "ご加入の保険者からお送りした書面です。「記号」「番号」の欄をご覧ください。",
                "資格情報のお知らせの図。表題の下の表の、1段目に記号と番号、その右に枝番があります。",
            ),
            MemberDocument::EligibilityCertificate => (
                "マイナ保険証をお持ちでない方などにお送りした書面またはカードです。「記号」「番号」の欄をご覧ください。",
                "資格確認書の図。表題の下の行に記号と番号、その右に枝番があります。",
            ),
        };
        Self {
            label: document.label(),
            text,
            drawing: assets::drawing(document),
            drawn,
        }
    }
}
