//! 秘密鍵 and アクセストークン as their holders have them: 256 random bits with their insurer, behind a prefix by which a leaked
//! one is recognised. Kept as keyed hashes; a secret, which lives long, is hashed anew on use.

use crate::schema::client_secrets;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ClientId, ClientSecretId, Keys, TenantId, TenantSecret};
use subtle::ConstantTimeEq as _;

/// What every secret begins with.
pub const SECRET_PREFIX: &str = "mdg_cs_";
/// What every token begins with.
pub const TOKEN_PREFIX: &str = "mdg_at_";

const SECRET: &str = "client_secret";
pub(crate) const TOKEN: &str = "client_token";

/// A secret of somebody who asks; of what is none of ours, one that nobody has.
pub(crate) fn typed(secret: &str, home: TenantId) -> TenantSecret {
    let read = secret.strip_prefix(SECRET_PREFIX).and_then(TenantSecret::parse);
    read.filter(|read| read.tenant == home)
        .unwrap_or_else(|| TenantSecret::random(home))
}

/// A token as it is sent; anything but the exact form is `None`.
pub fn token(text: &str) -> Option<TenantSecret> {
    text.strip_prefix(TOKEN_PREFIX).and_then(TenantSecret::parse)
}

/// A row that is still good.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub secret_id: ClientSecretId,
    pub hash: Vec<u8>,
}

/// Which of these secrets was sent. All are compared under every key, whether there are any or not.
pub(crate) fn which<'a>(keys: &Keys, sent: &TenantSecret, live: &'a [Live]) -> Option<&'a Live> {
    let hashes: Vec<Vec<u8>> = sent.secret.hashes(keys, SECRET).collect();
    let is_sent = |live: &&Live| {
        let equal = hashes.iter().map(|hash| hash.ct_eq(&live.hash));
        bool::from(equal.fold(subtle::Choice::from(0), |any, one| any | one))
    };
    // One after the other: which of a client's own two it was tells nothing.
    live.iter().find(is_sent)
}

/// Makes one; its text is for its holder alone, once.
pub(crate) async fn make(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    client: ClientId,
) -> Result<String, DatabaseError> {
    let secret = TenantSecret::random(tx.tenant());
    diesel::insert_into(client_secrets::table)
        .values((
            client_secrets::tenant_id.eq(tx.tenant()),
            client_secrets::client_id.eq(client),
            client_secrets::secret_id.eq(ClientSecretId::new(now)),
            client_secrets::secret_hash.eq(secret.secret.hash(keys, SECRET)),
            client_secrets::made_at.eq(now),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(format!("{SECRET_PREFIX}{}", secret.reveal()))
}

/// Hashes a secret anew that was just used, where another key is current by now.
pub(crate) async fn rehash(
    tx: &TenantTransaction,
    keys: &Keys,
    client: ClientId,
    sent: &TenantSecret,
    used: &Live,
) -> Result<(), DatabaseError> {
    diesel::update(client_secrets::table)
        .filter(client_secrets::tenant_id.eq(tx.tenant()))
        .filter(client_secrets::client_id.eq(client))
        .filter(client_secrets::secret_id.eq(used.secret_id))
        .set(client_secrets::secret_hash.eq(sent.secret.hash(keys, SECRET)))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(keys: &Keys, secret: &TenantSecret) -> Live {
        Live {
            secret_id: ClientSecretId::new(DateTime::UNIX_EPOCH),
            hash: secret.secret.hash(keys, SECRET),
        }
    }

    fn ring(current: &str) -> Keys {
        Keys::new(current, ["a", "b"].map(|id| (id.to_owned(), [id.as_bytes()[0]; 32]))).unwrap()
    }

    // security.md 61
    #[test]
    fn a_secret_is_found_under_the_key_that_hashed_it_and_another_is_not() {
        let home = TenantId(7);
        let (mine, other) = (TenantSecret::random(home), TenantSecret::random(home));
        let kept = [live(&ring("a"), &other), live(&ring("a"), &mine)];
        for keys in [ring("a"), ring("b")] {
            let found = which(&keys, &mine, &kept).unwrap();
            assert_eq!(found.hash, kept[1].hash);
            assert!(which(&keys, &TenantSecret::random(home), &kept).is_none());
            assert!(which(&keys, &mine, &[]).is_none());
        }
    }

    #[test]
    fn a_secret_is_read_with_its_prefix_and_at_its_home_alone() {
        let secret = TenantSecret::random(TenantId(7));
        let text = format!("{SECRET_PREFIX}{}", secret.reveal());
        assert_eq!(typed(&text, TenantId(7)).reveal(), secret.reveal());
        assert_ne!(typed(&text, TenantId(8)).reveal(), secret.reveal());
        assert_ne!(typed(&secret.reveal(), TenantId(7)).reveal(), secret.reveal());
        assert!(token(&text).is_none());
        assert!(token(&format!("{TOKEN_PREFIX}{}", secret.reveal())).is_some());
    }
}
