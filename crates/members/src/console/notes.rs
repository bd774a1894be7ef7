//! Notes on a person: written on their page, and struck out by whoever wrote them.

use crate::{
    Members,
    notes::{self, Author},
    subject::page,
};
use kernel::{Field, FieldError, NoteId, Problem, Refusal};
use pages::{Reply, Visit, reply::see_other, visit::Trouble};
use staff::Clerk;

const NOTE: &str = "note";
const TEXT: Field = Field::new(NOTE, "記録");
/// As long as a note may be.
const CHARS: usize = 1000;

/// `POST /console/members/:id/notes`.
pub(crate) async fn add(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let mut subject = members.subject(&visit.services.accounts, &visit, &clerk).await?;
    let text = visit.form.text(NOTE).trim();
    let problem = match text.chars().count() {
        0 => Some(Problem::Empty),
        1..=CHARS => None,
        _ => Some(Problem::TooLong { max: CHARS }),
    };
    if let Some(problem) = problem {
        let refusal = Refusal::field(FieldError::new(TEXT, problem));
        return Ok(visit.form_again(&refusal, &subject.page(), &[NOTE]).await);
    }
    let by = author(&visit, &clerk);
    notes::add(&mut subject.tx, &members.keys, visit.now, by, (subject.id, text)).await?;
    subject.tx.commit().await?;
    Ok(visit.done(see_other(&page(subject.id)), "記録しました。"))
}

/// `POST /console/members/:id/notes/:note/strike`. Another's note is not there to be struck.
pub(crate) async fn strike(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let mut subject = members.subject(&visit.services.accounts, &visit, &clerk).await?;
    let note = NoteId::parse(visit.param("note")).ok_or(Trouble::NotFound)?;
    let (by, what) = (author(&visit, &clerk), (subject.id, note));
    if !notes::strike(&mut subject.tx, visit.now, by, what).await? {
        return Err(Trouble::NotFound);
    }
    subject.tx.commit().await?;
    Ok(visit.done(see_other(&page(subject.id)), "記録を取り消しました。"))
}

fn author<'a>(visit: &'a Visit, clerk: &Clerk) -> Author<'a> {
    Author {
        staff: clerk.staff_id,
        actor: clerk.actor(),
        origin: &visit.origin,
    }
}
