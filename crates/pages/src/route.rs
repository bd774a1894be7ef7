//! Rows of the pages' route table, and the table: the pipeline's rows and every module's, joined at start. It mounts the
//! routes, tells log-in where it may lead back to, and feeds the isolation test. An address that is not in it does not
//! exist.

use crate::{reply::Reply, visit::Visit};
use access::Permission;
use accounts::Member;
use edge::{Body, Rights, Route};
use poem::http::Method;
use staff::Clerk;
use std::{future::Future, pin::Pin, sync::Arc};

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

/// A page for anybody.
pub fn public<F>(
    method: Method,
    path: &'static str,
    name: &'static str,
    handler: impl Fn(Visit) -> F + Send + Sync + 'static,
) -> Row
where
    F: Future<Output = Reply> + Send + 'static,
{
    row(method, path, name, Rights::Public, for_anybody(handler))
}

/// A post that may come from elsewhere than a page of ours, such as a mail program's: it goes by its address alone, and its
/// body is not read.
pub fn foreign<F>(path: &'static str, name: &'static str, handler: impl Fn(Visit) -> F + Send + Sync + 'static) -> Row
where
    F: Future<Output = Reply> + Send + 'static,
{
    Route {
        body: Body::Nothing,
        foreign: true,
        ..row(Method::POST, path, name, Rights::Public, for_anybody(handler))
    }
}

/// A page for the holder of a sign-up ticket; the use case checks it.
pub fn ticket<F>(
    method: Method,
    path: &'static str,
    name: &'static str,
    handler: impl Fn(Visit) -> F + Send + Sync + 'static,
) -> Row
where
    F: Future<Output = Reply> + Send + 'static,
{
    row(method, path, name, Rights::Ticket, for_anybody(handler))
}

/// A page for a member, whether or not the terms are accepted.
pub fn session<F>(
    method: Method,
    path: &'static str,
    name: &'static str,
    handler: impl Fn(Visit, Member) -> F + Send + Sync + 'static,
) -> Row
where
    F: Future<Output = Reply> + Send + 'static,
{
    row(method, path, name, Rights::Session, for_member(handler))
}

/// A page for a member who has accepted the terms in force.
pub fn member<F>(
    method: Method,
    path: &'static str,
    name: &'static str,
    handler: impl Fn(Visit, Member) -> F + Send + Sync + 'static,
) -> Row
where
    F: Future<Output = Reply> + Send + 'static,
{
    row(method, path, name, Rights::Member, for_member(handler))
}

/// A page for staff whose second factor is not proven yet, or who are inside.
pub fn staff_pending<F>(
    method: Method,
    path: &'static str,
    name: &'static str,
    handler: impl Fn(Visit, Clerk) -> F + Send + Sync + 'static,
) -> Row
where
    F: Future<Output = Reply> + Send + 'static,
{
    row(method, path, name, Rights::StaffPending, for_clerk(handler))
}

/// A page for staff inside, whatever they may do.
pub fn staff_session<F>(
    method: Method,
    path: &'static str,
    name: &'static str,
    handler: impl Fn(Visit, Clerk) -> F + Send + Sync + 'static,
) -> Row
where
    F: Future<Output = Reply> + Send + 'static,
{
    row(method, path, name, Rights::StaffSession, for_clerk(handler))
}

/// A page for staff who may do this.
pub fn staff<F>(
    method: Method,
    path: &'static str,
    name: &'static str,
    permission: Permission,
    handler: impl Fn(Visit, Clerk) -> F + Send + Sync + 'static,
) -> Row
where
    F: Future<Output = Reply> + Send + 'static,
{
    row(method, path, name, Rights::staff(permission), for_clerk(handler))
}

/// A page for staff who may do this and have just proven a second factor.
pub fn staff_proven<F>(
    method: Method,
    path: &'static str,
    name: &'static str,
    permission: Permission,
    handler: impl Fn(Visit, Clerk) -> F + Send + Sync + 'static,
) -> Row
where
    F: Future<Output = Reply> + Send + 'static,
{
    row(method, path, name, Rights::staff_proven(permission), for_clerk(handler))
}

/// A form of staff's that brings a file of so many bytes at most; the handler reads it as it comes.
pub fn staff_file<F>(
    path: &'static str,
    name: &'static str,
    (permission, limit): (Permission, u64),
    handler: impl Fn(Visit, Clerk) -> F + Send + Sync + 'static,
) -> Row
where
    F: Future<Output = Reply> + Send + 'static,
{
    Row {
        body: Body::File(limit),
        ..staff(Method::POST, path, name, permission, handler)
    }
}

/// A post brings a form, a page nothing.
fn row(method: Method, path: &'static str, name: &'static str, rights: Rights, handler: Handler) -> Row {
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
        handler,
    }
}

fn for_anybody<F>(handler: impl Fn(Visit) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = Reply> + Send + 'static,
{
    Handler::Open(Arc::new(move |visit| Box::pin(handler(visit))))
}

fn for_member<F>(handler: impl Fn(Visit, Member) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = Reply> + Send + 'static,
{
    Handler::Member(Arc::new(move |visit, member| Box::pin(handler(visit, member))))
}

fn for_clerk<F>(handler: impl Fn(Visit, Clerk) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = Reply> + Send + 'static,
{
    Handler::Clerk(Arc::new(move |visit, clerk| Box::pin(handler(visit, clerk))))
}
