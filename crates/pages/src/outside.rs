//! Pages for what never comes to the pages' routes: asked in another way than an address of the house takes, where it is
//! not answered, or while there is no room.

use crate::{
    console,
    cookies::Cookies,
    error_pages,
    frame::{Frame, Menu},
    mount::Side,
    visit::{self, Trouble},
};
use kernel::outcome;

use crate::services::Services;
use poem::{Request, Response};

/// An address that is there, but not for this method; these it takes.
pub async fn other_method(services: &Services, request: &Request, methods: &str) -> Response {
    page(services, request, &Trouble::Method(methods.to_owned())).await
}

/// An address that this host does not have.
pub async fn not_here(services: &Services, request: &Request) -> Response {
    page(services, request, &Trouble::NotFound).await
}

/// Too many requests are under way.
pub async fn overloaded(services: &Services, request: &Request) -> Response {
    page(services, request, &outcome::OVERLOADED.into()).await
}

async fn page(services: &Services, request: &Request, trouble: &Trouble) -> Response {
    let (now, cookies) = (services.clock.now(), Cookies::read(request.headers()));
    let frame = match Side::of(services, request) {
        Side::Console => console::strangers_frame(services, &cookies).await,
        Side::Files | Side::Portal => Frame::new(visit::look(services, &cookies).await, Menu::Visitor, now),
    };
    tracing::info!(code = trouble.code(), "refused");
    error_pages::page(frame, trouble, now)
}
