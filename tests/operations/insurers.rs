//! A platform of two thousand insurers: what a node asks of the directory while members of all of them come.

use super::Installation;
use kernel::{InsurerCode, TenantId};
use std::fmt::Write as _;
use testkit::{TestApp, execute, service_url, url_of};

const INSURERS: u32 = 2_000;

/// Copies of an insurer, with codes and tenants of their own.
async fn copies(installation: &Installation, of: TenantId) -> Vec<(TenantId, InsurerCode)> {
    let mut codes = String::new();
    let mut made = Vec::new();
    for number in 1..INSURERS {
        let code = InsurerCode::with_check_digit(&format!("33{number:05}")).unwrap();
        let tenant = TenantId(1_000 + i32::try_from(number).unwrap());
        write!(codes, "{}({tenant}, '{code}')", if number == 1 { "" } else { ", " }).unwrap();
        made.push((tenant, code));
    }
    let copy = format!(
        "INSERT INTO insurers
         SELECT made.tenant, made.code, name, kind, state, revision, settings, created_at, updated_at, applied_by
         FROM insurers, (VALUES {codes}) AS made (tenant, code) WHERE tenant_id = {of}"
    );
    execute(&installation.owner_url(), &copy).await.unwrap();
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_insurers_are_looked_at_in_one_statement_and_loaded_once_each() {
    let installation = Installation::new().await;
    let service = url_of(&service_url(), &installation.database);
    let app = TestApp::on(&installation.owner_url(), &service).await;
    let insurers = copies(&installation, app.tenant()).await;
    // Past what was seen of them before.
    app.later(2);
    let loads = u64::try_from(insurers.len()).unwrap();
    for (round, cost) in [loads, 0, 0].into_iter().enumerate() {
        let before = app.ground.database.statements();
        for (tenant, code) in &insurers {
            let insurer = app.ground.directory.by_tenant(*tenant).await.unwrap().unwrap();
            assert_eq!(insurer.code.as_ref(), Some(code));
            assert_eq!(
                app.ground.directory.by_code(code).await.unwrap().unwrap().tenant_id,
                *tenant
            );
        }
        let looks = app.ground.database.statements() - before - cost;
        // One, and one more for every two seconds that this machine takes.
        assert!((1..=15).contains(&looks), "round {round}: {looks}");
        app.later(2);
    }
}
