//! Rows of the pages' route table, and the table: the pipeline's rows and every module's, joined at start. It mounts the
//! routes, tells log-in where it may lead back to, and feeds the isolation test. An address that is not in it does not
//! exist.

use crate::{reply::Reply, visit::Visit};
use access::Permission;
use accounts::Member;
use edge::{Body, Rights, Route};
use poem::http::Method;
use staff::Clerk;
use std::{pin::Pin, sync::Arc};

/// A handler's answer under way.
type Answer = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// What serves a page. Which kind it is says what the mounting code finds out before.
#[derive(Clone)]
pub enum Handler {
    /// For anybody.
    Open(Arc<dyn Fn(Visit) -> Answer + Send + Sync>),
    /// For a member.
    Member(Arc<dyn Fn(Visit, Member) -> Answer + Send + Sync>),
    /// For staff.
    Clerk(Arc<dyn Fn(Visit, Clerk) -> Answer + Send + Sync>),
}

/// A page's route.
pub type Row = Route<Handler>;

/// All pages' routes.
#[derive(Clone)]
pub struct Table(Arc<[Row]>);

impl Table {
    /// Joins rows.
    pub fn new(rows: impl IntoIterator<Item = Row>) -> Self {
        Self(rows.into_iter().collect())
    }

    /// The rows, in the order they were joined.
    pub fn rows(&self) -> &[Row] {
        &self.0
    }
}

/// The answer that a handler works on.
pub trait Answering: Future<Output = Reply> + Send + 'static {}
impl<F: Future<Output = Reply> + Send + 'static> Answering for F {}

/// Serves anybody.
pub trait ForAnybody<F>: Fn(Visit) -> F + Send + Sync + 'static {}
impl<F, H: Fn(Visit) -> F + Send + Sync + 'static> ForAnybody<F> for H {}

/// Serves a member.
pub trait ForMember<F>: Fn(Visit, Member) -> F + Send + Sync + 'static {}
impl<F, H: Fn(Visit, Member) -> F + Send + Sync + 'static> ForMember<F> for H {}

/// Serves staff.
pub trait ForClerk<F>: Fn(Visit, Clerk) -> F + Send + Sync + 'static {}
impl<F, H: Fn(Visit, Clerk) -> F + Send + Sync + 'static> ForClerk<F> for H {}

type Path = &'static str;
type Name = &'static str;

/// A page for anybody.
pub fn public<F: Answering>(method: Method, path: Path, name: Name, handler: impl ForAnybody<F>) -> Row {
    row(method, path, name, Rights::Public, by_anybody(handler))
}

/// A post that may come from elsewhere than a page of ours, such as a mail program's: it goes by its address alone, and its
/// body is not read.
pub fn foreign<F: Answering>(path: Path, name: Name, handler: impl ForAnybody<F>) -> Row {
    Route {
        body: Body::Nothing,
        foreign: true,
        ..public(Method::POST, path, name, handler)
    }
}

/// A page for the holder of a sign-up ticket; the use case checks it.
pub fn ticket<F: Answering>(method: Method, path: Path, name: Name, handler: impl ForAnybody<F>) -> Row {
    row(method, path, name, Rights::Ticket, by_anybody(handler))
}

/// A page for a member, whether or not the terms are accepted.
pub fn session<F: Answering>(method: Method, path: Path, name: Name, handler: impl ForMember<F>) -> Row {
    row(method, path, name, Rights::Session, by_member(handler))
}

/// A page for a member who has accepted the terms in force.
pub fn member<F: Answering>(method: Method, path: Path, name: Name, handler: impl ForMember<F>) -> Row {
    row(method, path, name, Rights::Member, by_member(handler))
}

/// A page for staff whose second factor is not proven yet, or who are inside.
pub fn staff_pending<F: Answering>(method: Method, path: Path, name: Name, handler: impl ForClerk<F>) -> Row {
    row(method, path, name, Rights::StaffPending, by_clerk(handler))
}

/// A page for staff inside, whatever they may do.
pub fn staff_session<F: Answering>(method: Method, path: Path, name: Name, handler: impl ForClerk<F>) -> Row {
    row(method, path, name, Rights::StaffSession, by_clerk(handler))
}

/// A page for staff who may do this.
pub fn staff<F: Answering>(
    method: Method,
    path: Path,
    name: Name,
    permission: Permission,
    handler: impl ForClerk<F>,
) -> Row {
    row(method, path, name, Rights::staff(permission), by_clerk(handler))
}

/// A page for staff who may do this and have just proven a second factor.
pub fn staff_proven<F: Answering>(
    method: Method,
    path: Path,
    name: Name,
    permission: Permission,
    handler: impl ForClerk<F>,
) -> Row {
    row(method, path, name, Rights::staff_proven(permission), by_clerk(handler))
}

/// A form of staff's that brings a file of so many bytes at most; the handler reads it as it comes.
pub fn staff_file<F: Answering>(
    path: Path,
    name: Name,
    (permission, limit): (Permission, u64),
    handler: impl ForClerk<F>,
) -> Row {
    Row {
        body: Body::File(limit),
        ..staff(Method::POST, path, name, permission, handler)
    }
}

/// A post brings a form, a page nothing.
fn row(method: Method, path: Path, name: Name, rights: Rights, handler: Handler) -> Row {
    let body = if method == Method::POST {
        Body::FORM
    } else {
        Body::Nothing
    };
    Route {
        method,
        path,
        name,
        rights,
        body,
        foreign: false,
        keeps: &[],
        for_former: false,
        handler,
    }
}

fn by_anybody<F: Answering>(handler: impl ForAnybody<F>) -> Handler {
    Handler::Open(Arc::new(move |visit| Box::pin(handler(visit))))
}

fn by_member<F: Answering>(handler: impl ForMember<F>) -> Handler {
    Handler::Member(Arc::new(move |visit, member| Box::pin(handler(visit, member))))
}

fn by_clerk<F: Answering>(handler: impl ForClerk<F>) -> Handler {
    Handler::Clerk(Arc::new(move |visit, clerk| Box::pin(handler(visit, clerk))))
}
