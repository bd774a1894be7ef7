//! The words for a relation, as certificates of residence, the forms of the health insurance laws and the cores of
//! insurers write them. Compared by [`super::RelationWords::key`], so one writing of each script is enough. Codes are
//! no words: 01 is the insured person at one insurer and the husband at the next.

use super::Relation;

/// Words by meaning, blanks between them. Numbered children (三男, 第2子) and words joined by の have rules instead.
pub(super) const WORDS: &[(Relation, &str)] = &[
    (
        Relation::Principal,
        "本人 ほんにん 本人様 自分 自身 被保険者 被保険者本人 ひほけんしゃ 組合員 組合員本人 くみあいいん \
         世帯主 せたいぬし 世帯主本人 加入者本人 会員本人 社員本人 従業員本人 任継 任意継続 任継本人 任意継続被保険者 \
         任意継続組合員 特例退職被保険者 特退",
    ),
    (
        Relation::Spouse,
        "妻 つま 夫 おっと 配偶者 配偶 はいぐうしゃ 妻配偶者 夫配偶者",
    ),
    (
        Relation::CommonLawSpouse,
        "内縁 ないえん 内縁関係 内妻 内夫 未届 みとどけ 未届出 届出なし 未届妻 未届夫 妻未届 夫未届 妻内縁 夫内縁 \
         未届配偶者 配偶者未届 事実婚 じじつこん 事実上 事実上婚姻関係 内縁妻 内縁夫 内縁配偶者 事実婚配偶者",
    ),
    (
        Relation::Child,
        "子 こ 子供 子ども こども 実子 嫡出子 長男 ちょうなん 長女 ちょうじょ 長子 次男 じなん 次女 じじょ 次子 \
         さんなん さんじょ よんなん よんじょ ごなん ごじょ 末子 末男 末女 息子 むすこ 娘 むすめ 子女 男子 女子 庶子 \
         養子 ようし 養女 ようじょ 養男 養女子 養男子 特別養子",
    ),
    (Relation::Stepchild, "連れ子 連子 つれこ つれご 継子 ままこ 継男 継女"),
    (
        Relation::ChildInLaw,
        "嫁 よめ 婿 むこ 婿養子 娘婿 義息 義息子 義娘 義理の子 義理の息子 義理の娘",
    ),
    (Relation::Grandchild, "孫 まご 孫子 孫娘 孫息子 内孫 外孫"),
    (Relation::GreatGrandchild, "曾孫 曽孫 ひ孫 ひまご 曾孫娘"),
    (
        Relation::Parent,
        "父 ちち 母 はは 父母 ふぼ 親 おや 両親 実父 じっぷ 実母 じつぼ 実父母 養父 ようふ 養母 ようぼ 養父母 養親 お父さん お母さん",
    ),
    (Relation::StepParent, "継父 けいふ 継母 けいぼ 継父母 ままはは"),
    (
        Relation::ParentInLaw,
        "義父 ぎふ 義母 ぎぼ 義父母 義親 岳父 岳母 舅 しゅうと 姑 しゅうとめ 義理の父 義理の母 義理の父母 義理の親",
    ),
    (
        Relation::Grandparent,
        "祖父 そふ 祖母 そぼ 祖父母 そふぼ 養祖父 養祖母 実祖父 実祖母",
    ),
    (
        Relation::GrandparentInLaw,
        "義祖父 義祖母 義祖父母 義理の祖父 義理の祖母",
    ),
    (
        Relation::GreatGrandparent,
        "曾祖父 曽祖父 そうそふ 曾祖母 曽祖母 そうそぼ 曾祖父母 曽祖父母 曾父母 ひ祖父 ひ祖母 高祖父 高祖母 高祖父母",
    ),
    (
        Relation::Sibling,
        "兄 あに 弟 おとうと 姉 あね 妹 いもうと 兄弟 きょうだい 姉妹 しまい 兄弟姉妹 兄妹 姉弟 実兄 実弟 実姉 実妹 \
         長兄 次兄 長姉 次姉 末弟 末妹 異父兄 異父弟 異父姉 異父妹 異母兄 異母弟 異母姉 異母妹 養兄 養弟 養姉 養妹",
    ),
    (
        Relation::SiblingInLaw,
        "義兄 ぎけい 義弟 ぎてい 義姉 義妹 義兄弟 義姉妹 義兄弟姉妹 小舅 小姑 兄嫁 弟嫁 義理の兄 義理の弟 義理の姉 義理の妹",
    ),
    (
        Relation::UncleAunt,
        "伯父 叔父 おじ 伯母 叔母 おば 伯叔父 伯叔母 伯父母 叔父母 伯叔父母 おじおば",
    ),
    (Relation::NephewNiece, "甥 おい 姪 めい 甥姪 おいめい"),
    (
        Relation::Other,
        "その他 其他 其の他 他 その他親族 その他の親族 親族 親戚 縁者 縁故者 家族 その他家族 被扶養者 扶養家族 扶養者 \
         同居人 同居者 同居 寄寓者 使用人 知人 友人 里子 \
         従兄弟 従姉妹 従兄 従弟 従姉 従妹 従兄妹 従姉弟 いとこ またいとこ 玄孫 やしゃご \
         大伯父 大叔父 大伯母 大叔母 姪孫 又甥 又姪 義甥 義姪 義伯父 義叔父 義伯母 義叔母 義孫",
    ),
    (Relation::Unknown, "不明 ふめい 未定 未設定 なし"),
];
