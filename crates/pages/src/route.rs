//! Rows of the pages' route table, and the table: the pipeline's rows and every module's, joined at start. It mounts the
//! routes, tells log-in where it may lead back to, and feeds the isolation test. An address that is not in it does not
//! exist.

use crate::{reply::Reply, visit::Visit};
use accounts::Member;
use edge::{Body, Rights, Route};
use poem::http::Method;
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
