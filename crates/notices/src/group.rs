//! The group of an insurer's members whom a notice is for, as its row keeps it.

use crate::schema::notices;
use diesel::prelude::*;
use roster::Group;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = notices)]
pub(crate) struct GroupColumns {
    workplace_code: Option<String>,
    age_from: Option<i16>,
    age_to: Option<i16>,
    with_dependants: bool,
}

impl GroupColumns {
    pub(crate) fn into_group(self) -> Group {
        Group {
            workplace_code: self.workplace_code,
            age_from: self.age_from,
            age_to: self.age_to,
            with_dependants: self.with_dependants,
        }
    }
}

impl From<&Group> for GroupColumns {
    fn from(group: &Group) -> Self {
        Self {
            workplace_code: group.workplace_code.clone(),
            age_from: group.age_from,
            age_to: group.age_to,
            with_dependants: group.with_dependants,
        }
    }
}
