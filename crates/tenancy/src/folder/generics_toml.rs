//! What `[statements]` in tenant.toml says of generics, key by key.

use super::source::Section;
use crate::{GenericSettings, MedicineClasses, SavingBasis};

/// Which savings are proposed; as usual where a key is absent.
pub(super) fn generics(section: &mut Section<'_>) -> GenericSettings {
    let usual = GenericSettings::default();
    let mut yen = |key, usual| section.optional_number(key, &GenericSettings::MIN_YEN).unwrap_or(usual);
    let min_month_yen = yen("min_month_yen", usual.min_month_yen);
    let min_line_yen = yen("min_line_yen", usual.min_line_yen);
    let min_days = section.optional_number("min_days", &GenericSettings::MIN_DAYS);
    let min_age = section.optional_number("min_age", &GenericSettings::MIN_AGE);
    let exclude_classes = if section.has("exclude_classes") {
        medicine_classes(section)
    } else {
        usual.exclude_classes
    };
    let saving = section.optional_word("saving", SavingBasis::from_word, "most, least");
    GenericSettings {
        min_month_yen,
        min_line_yen,
        min_days: min_days
            .and_then(|days| u16::try_from(days).ok())
            .unwrap_or(usual.min_days),
        min_age: min_age.and_then(|age| u8::try_from(age).ok()).unwrap_or(usual.min_age),
        exclude_classes,
        saving: saving.map_or(usual.saving, |found| found.value),
    }
}

fn medicine_classes(section: &mut Section<'_>) -> MedicineClasses {
    let line = section.line;
    let mut digits = Vec::new();
    for word in section.texts("exclude_classes") {
        match MedicineClasses::read(&word.value) {
            Some(read) if !digits.contains(&read) => digits.push(read),
            Some(_) => section.wrong("exclude_classes", word.line, &format!("names \"{}\" twice", word.value)),
            None => {
                let reason = format!("must be of two to four digits of 薬効分類 each, not \"{}\"", word.value);
                section.wrong("exclude_classes", word.line, &reason);
            }
        }
    }
    MedicineClasses::of(&digits).unwrap_or_else(|| {
        let reason = format!("may name {} classes at most", MedicineClasses::MOST);
        section.wrong("exclude_classes", line, &reason);
        GenericSettings::default().exclude_classes
    })
}
