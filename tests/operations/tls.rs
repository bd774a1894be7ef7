//! Encrypted to the database and to the mail server, with certificates that are checked: of an authority made here.

use super::{Installation, Node, binary, identity};
use crate::{cluster::cluster, smtp::Smtp};
use local_cluster::{DATABASE, LocalCluster};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tempfile::TempDir;
use testkit::{Client, account, unique};
use tokio::process::Command;

/// A server's certificate and its key, and the authority behind it, as PEM in files.
pub(super) struct Certificates {
    folder: TempDir,
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Certificates {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let server = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&server, &issuer)
            .unwrap();
        let made = Self {
            folder: TempDir::new().unwrap(),
            certificate: certificate.pem(),
            key: server.serialize_pem(),
        };
        std::fs::write(made.authority(), authority).unwrap();
        std::fs::write(made.file("server.crt"), &made.certificate).unwrap();
        std::fs::write(made.file("server.key"), &made.key).unwrap();
        made
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn authority(&self) -> PathBuf {
        self.file("authority.crt")
    }
}

/// Switches TLS on with a certificate, which is written by the server itself, so that the files are its own.
fn encrypt(cluster: &LocalCluster, certificates: &Certificates) {
    for (name, text) in [
        ("server.crt", &certificates.certificate),
        ("server.key", &certificates.key),
    ] {
        let lines = format!("SELECT unnest(string_to_array('{}', E'\\n'))", text.trim_end());
        let write = format!("COPY ({lines}) TO PROGRAM 'umask 077; cat > {name}'");
        cluster.sql("postgres", &write).unwrap();
    }
    cluster.sql("postgres", "ALTER SYSTEM SET ssl = on").unwrap();
    cluster.restart().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_spoken_to_by_tls_and_only_with_a_certificate_that_is_trusted() {
    let certificates = Certificates::new();
    let cluster = tokio::task::spawn_blocking(|| cluster("encrypted")).await.unwrap();
    cluster.sql("postgres", "ALTER SYSTEM SET ssl = off").unwrap();
    cluster.restart().unwrap();
    let folder = TempDir::new().unwrap();
    let command = |arguments: &[&str], query: &str, authority: &Certificates| {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(folder.path())
            .env("MADOGUCHI__DATABASE__URL", cluster.service_url(DATABASE) + query)
            .env("MADOGUCHI__DATABASE__OWNER_URL", cluster.owner_url(DATABASE) + query)
            .env("MADOGUCHI__HTTP__LISTEN", "127.0.0.1:0")
            .env("MADOGUCHI__KEYS__CURRENT", "k1")
            .env("MADOGUCHI__KEYS__RING__K1", super::KEY)
            .env("MADOGUCHI__KEYS__NAMES", super::NAMES_KEY)
            .env("SSL_CERT_FILE", authority.authority())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    };
    let migrated = async |query: &str, authority: &Certificates| {
        let output = command(&["migrate"], query, authority).output().await.unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said)
    };
    let (done, said) = migrated("?sslmode=require", &certificates).await;
    assert!(!done && said.contains("does not support TLS"), "{said}");
    encrypt(&cluster, &certificates);
    for query in ["?sslmode=require", "?sslmode=verify-full"] {
        let (done, said) = migrated(query, &certificates).await;
        assert!(done, "{query}: {said}");
        let (done, said) = migrated(query, &Certificates::new()).await;
        assert!(!done && said.contains("certificate"), "{query}: {said}");
    }
    let named = format!(
        "?sslmode=verify-full&sslrootcert={}",
        certificates.authority().display()
    );
    let (done, said) = migrated(&named, &Certificates::new()).await;
    assert!(done, "{said}");
    let registered = command(&["keys", "register"], &named, &Certificates::new())
        .output()
        .await;
    assert!(registered.unwrap().status.success());
    let node = Node::start(command(&["serve", "--no-worker"], &named, &Certificates::new())).await;
    assert_eq!(Client::new(&node.url, "192.0.2.1").get("/readyz").await.status, 200);
    let encrypted =
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'madoguchi'";
    assert_eq!(cluster.sql("postgres", encrypted).unwrap().trim(), "t");
    assert!(node.terminate().await);
}

#[tokio::test]
async fn mail_goes_by_starttls_and_smtps_to_a_server_whose_authority_the_system_trusts_and_to_no_other() {
    let installation = Installation::ready().await;
    let certificates = Certificates::new();
    let (certificate, key) = (certificates.file("server.crt"), certificates.file("server.key"));
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let insurer = installation.insurer().await;
    for (mode, scheme, query) in [("starttls", "smtp", "?tls=required"), ("smtps", "smtps", "")] {
        let options = [
            "--tls",
            mode,
            "--certificate",
            certificate.to_str().unwrap(),
            "--key",
            key.to_str().unwrap(),
        ];
        let mut smtp = Smtp::start(&options).await;
        let url = smtp.url.replace("smtp:", &format!("{scheme}:")) + query;
        let client = Client::new(&node.url, "192.0.2.1");
        client.send_form("/portal/signup", &identity()).await;
        let id = unique("user");
        let form = account(&id, &format!("{id}@example.jp"));
        let answer = client.send_form("/portal/signup/account", &form).await;
        assert_eq!(answer.location(), "/portal/signup/code", "{}", answer.text);
        let work = |authority: &Certificates| {
            let mut command = installation.command(&["work"]);
            command
                .env("MADOGUCHI__MAIL__URL", &url)
                .env("SSL_CERT_FILE", authority.authority());
            command
        };
        let distrustful = Node::start(work(&Certificates::new())).await;
        installation
            .until(insurer, 1, "mails WHERE last_error IS NOT NULL AND state = 'queued'")
            .await;
        assert!(distrustful.terminate().await);
        let trusting = Node::start(work(&certificates)).await;
        let mail = tokio::time::timeout(Duration::from_secs(20), smtp.next())
            .await
            .unwrap();
        assert_eq!(
            mail["envelope_to"],
            serde_json::json!([format!("{id}@example.jp")]),
            "{mode}"
        );
        assert_eq!(mail["encrypted"], true, "{mode}");
        assert!(trusting.terminate().await);
        // Each round is its own: the person may sign up once more.
        testkit::execute_within(&installation.owner_url(), Some(insurer), "DELETE FROM mails")
            .await
            .unwrap();
    }
}
