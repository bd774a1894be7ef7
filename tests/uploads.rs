//! Files that people bring in pieces: what is taken, refused, given back, and gone.

use audit::{Actor, Origin};
use chrono::TimeDelta;
use database::Resealed;
use kernel::Keys;
use roster::import::{ImportError, Options, Report, import};
use std::{fmt::Write as _, io::Read as _};
use tabular::uploads::{self, KEPT, PIECE, Received, Refused, Upload};
use testkit::{KEY, TestDatabase, owner_url, pool};
use uuid::Uuid;

const WHOSE: (&str, Uuid) = ("roster", Uuid::from_u128(7));
const MOST: u64 = 8 << 20;

/// An insurer to whom somebody brings a file.
struct Counter {
    test: TestDatabase,
}

impl Counter {
    async fn new() -> Self {
        let test = TestDatabase::new().await;
        Self { test }
    }

    async fn begin(&self, bytes: usize) -> Upload {
        let mut tx = self.test.write(self.test.tenant).await;
        let begun = uploads::begin(&mut tx, self.test.clock.now(), WHOSE, bytes as u64, MOST).await;
        tx.commit().await.unwrap();
        begun.unwrap().unwrap()
    }

    async fn send(&self, upload: &Upload, nth: u32, piece: &[u8]) -> Result<Received, Refused> {
        let mut tx = self.test.write(self.test.tenant).await;
        let answer = uploads::receive(&mut tx, &self.test.keys, self.test.clock.now(), upload, nth, piece).await;
        tx.commit().await.unwrap();
        answer.unwrap()
    }

    /// Begun and sent to its end.
    async fn bring(&self, file: &[u8]) -> Upload {
        let upload = self.begin(file.len()).await;
        for (nth, piece) in file.chunks(PIECE).enumerate() {
            self.send(&upload, u32::try_from(nth).unwrap(), piece).await.unwrap();
        }
        upload
    }

    async fn source(&self, upload: &Upload) -> Result<tabular::Source, Refused> {
        let mut tx = self.test.write(self.test.tenant).await;
        let database = self.test.database.tenant(self.test.tenant);
        let (with, now) = ((&database, &self.test.keys), self.test.clock.now());
        let source = uploads::source(&mut tx, with, now, upload, "加入者.csv").await;
        tx.commit().await.unwrap();
        source.unwrap()
    }

    async fn read(&self, upload: &Upload) -> std::io::Result<Vec<u8>> {
        let source = self.source(upload).await.unwrap();
        let (_, reading) = tabular::in_batches::<(), _>(source, |mut opened, _| {
            let mut bytes = Vec::new();
            opened.stream.read_to_end(&mut bytes)?;
            assert_eq!(opened.of, bytes.len() as u64);
            Ok(bytes)
        });
        reading.await.unwrap()
    }

    async fn erase(&self, upload: &Upload) {
        let mut tx = self.test.write(self.test.tenant).await;
        uploads::erase(&mut tx, upload).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn import(&self, upload: &Upload) -> Result<Report, ImportError> {
        let by = (Actor::Operator, Origin::command());
        let source = self.source(upload).await.unwrap();
        let (test, options) = (&self.test, Options::default());
        let stores = (&test.database, &test.keys);
        import(stores, &test.insurer, source, options, by, &test.clock, |_| ()).await
    }

    /// Uploads and pieces that are kept.
    async fn kept(&self) -> (usize, usize) {
        (
            self.test.count("uploads", "true").await,
            self.test.count("upload_pieces", "true").await,
        )
    }
}

/// Bytes of which no two pieces are the same.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|nth| u8::try_from(nth * 31 % 251).unwrap()).collect()
}

/// A roster of so many people, larger than a piece.
fn roster(people: usize) -> Vec<u8> {
    let mut file = String::from("被保険者証記号,番号,対象者氏名（カナ）,生年月日,続柄名称,備考\r\n");
    for nth in 0..people {
        writeln!(file, "12,{nth},ケンポ タロウ,19850401,本人,{}\r", "あ".repeat(40_000)).unwrap();
    }
    file.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_given_back_as_it_was_brought() {
    let counter = Counter::new().await;
    for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 7] {
        let file = bytes(size);
        let upload = counter.bring(&file).await;
        assert!(counter.read(&upload).await.unwrap() == file, "{size}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_brought_in_pieces_is_imported_like_one_on_disk_and_erased_at_the_end() {
    let counter = Counter::new().await;
    let upload = counter.bring(&roster(15)).await;
    assert_eq!(counter.kept().await, (1, 2));
    assert_eq!(counter.import(&upload).await.unwrap().new, 15);
    counter.erase(&upload).await;
    assert_eq!(counter.kept().await, (0, 0));
    let name = "SELECT file_name AS line FROM roster_imports";
    assert_eq!(counter.test.lines(name).await, ["加入者.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_taken_in_order_and_a_file_is_whole_with_its_last() {
    let counter = Counter::new().await;
    let file = bytes(2 * PIECE + 7);
    let upload = counter.begin(file.len()).await;
    let next = |next, bytes| Ok(Received { next, bytes });
    let missing = |next| Err(Refused::Missing { next });
    assert_eq!(counter.send(&upload, 1, &file[PIECE..2 * PIECE]).await, missing(0));
    assert_eq!(counter.send(&upload, 0, &file[..PIECE]).await, next(1, PIECE));
    assert_eq!(counter.source(&upload).await.err(), missing(1).err());
    assert_eq!(counter.send(&upload, 2, &file[2 * PIECE..]).await, missing(1));
    assert_eq!(counter.send(&upload, 1, &file[PIECE..2 * PIECE]).await, next(2, 7));
    assert_eq!(counter.send(&upload, 2, &file[2 * PIECE..]).await, next(3, 0));
    for behind in [3, 4, u32::MAX] {
        assert_eq!(counter.send(&upload, behind, b"more").await, missing(3));
    }
    assert!(counter.read(&upload).await.unwrap() == file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_sent_again_is_taken_once_and_another_one_under_its_number_ends_the_upload() {
    let counter = Counter::new().await;
    let file = bytes(PIECE + 7);
    let upload = counter.begin(file.len()).await;
    let again = (
        counter.send(&upload, 0, &file[..PIECE]),
        counter.send(&upload, 0, &file[..PIECE]),
    );
    let (first, second) = tokio::join!(again.0, again.1);
    let taken = Ok(Received { next: 1, bytes: 7 });
    assert_eq!((first, second), (taken, taken));
    assert_eq!(counter.kept().await, (1, 1));
    let mut changed = file.clone();
    changed[3] ^= 1;
    assert_eq!(counter.send(&upload, 0, &changed[..PIECE]).await, Err(Refused::Changed));
    assert_eq!(counter.kept().await, (0, 0));
    assert_eq!(counter.send(&upload, 1, &file[PIECE..]).await, Err(Refused::NotFound));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_not_begun_and_no_piece_is_longer_or_shorter_than_its_place() {
    let counter = Counter::new().await;
    let mut tx = counter.test.write(counter.test.tenant).await;
    for bytes in [MOST + 1, u64::MAX] {
        let begun = uploads::begin(&mut tx, counter.test.clock.now(), WHOSE, bytes, MOST)
            .await
            .unwrap();
        assert_eq!(begun, Err(Refused::TooLarge { most: MOST }));
    }
    tx.commit().await.unwrap();
    assert_eq!(counter.kept().await, (0, 0));
    let file = bytes(PIECE + 7);
    let upload = counter.begin(file.len()).await;
    for wrong in [0, 1, PIECE - 1, PIECE + 1] {
        let answer = counter.send(&upload, 0, &file[..wrong]).await;
        assert_eq!(answer, Err(Refused::Length { bytes: PIECE }), "{wrong}");
    }
    counter.send(&upload, 0, &file[..PIECE]).await.unwrap();
    for wrong in [6, 8] {
        let answer = counter.send(&upload, 1, &file[..wrong]).await;
        assert_eq!(answer, Err(Refused::Length { bytes: 7 }), "{wrong}");
    }
    assert_eq!(counter.kept().await, (1, 1));
}

// security.md 51
#[tokio::test(flavor = "multi_thread")]
async fn another_insurers_persons_or_purposes_upload_is_not_there() {
    let (counter, other) = (Counter::new().await, Counter::new().await);
    let file = bytes(7);
    let upload = counter.bring(&file).await;
    let (purpose, brought_by) = ("statements", Uuid::from_u128(8));
    for (counter, upload) in [
        (&other, upload),
        (&counter, Upload { purpose, ..upload }),
        (&counter, Upload { brought_by, ..upload }),
    ] {
        assert_eq!(counter.send(&upload, 0, &file).await, Err(Refused::NotFound));
        assert_eq!(counter.source(&upload).await.err(), Some(Refused::NotFound));
        counter.erase(&upload).await;
    }
    assert!(counter.read(&upload).await.unwrap() == file);
}

// security.md 70
#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_sealed_and_open_nowhere_else() {
    let (counter, other) = (Counter::new().await, Counter::new().await);
    let file = roster(1);
    let (upload, theirs) = (counter.bring(&file).await, other.bring(&file).await);
    let sealed = counter
        .test
        .lines("SELECT encode(sealed, 'hex') AS line FROM upload_pieces")
        .await;
    let plain = "ケンポ"
        .bytes()
        .fold(String::new(), |plain, byte| format!("{plain}{byte:02x}"));
    assert!(!sealed[0].contains(&plain));
    testkit::sql(
        other.test.tenant,
        &format!("UPDATE upload_pieces SET sealed = '\\x{}'", sealed[0]),
    )
    .await;
    assert!(other.read(&theirs).await.is_err());
    assert!(counter.read(&upload).await.unwrap() == file);
}

// security.md 70
#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_sealed_anew_a_few_megabytes_at_a_time() {
    let mut counter = Counter::new().await;
    let file = bytes(7 * PIECE);
    let upload = counter.bring(&file).await;
    let next = ("next".to_owned(), [9; 32]);
    let rotated = Keys::new("next", [("test".to_owned(), KEY), next.clone()]).unwrap();
    let owner = pool(&owner_url());
    let done = uploads::KEYED[0]
        .reseal(&owner, counter.test.tenant, &rotated)
        .await
        .unwrap();
    assert_eq!(done, Resealed { values: 7, closed: 0 });
    assert_eq!(owner.transactions(), 3, "of four pieces, of three, and of none");
    counter.test.keys = Keys::new("next", [next]).unwrap();
    assert!(counter.read(&upload).await.unwrap() == file);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_there_for_seven_days_and_no_longer() {
    let counter = Counter::new().await;
    let upload = counter.bring(&bytes(7)).await;
    counter.test.clock.advance(KEPT - TimeDelta::seconds(1));
    let sweep = async || {
        let mut tx = counter.test.write(counter.test.tenant).await;
        let swept = uploads::sweep(&mut tx, counter.test.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        swept
    };
    assert_eq!(sweep().await, 0);
    assert!(counter.source(&upload).await.is_ok());
    counter.test.clock.advance(TimeDelta::seconds(1));
    assert_eq!(counter.source(&upload).await.err(), Some(Refused::NotFound));
    assert_eq!((sweep().await, counter.kept().await), (1, (0, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_erased_while_it_is_read_is_no_shorter_file() {
    let counter = Counter::new().await;
    let upload = counter.bring(&roster(15)).await;
    testkit::sql(counter.test.tenant, "DELETE FROM upload_pieces WHERE nth = 1").await;
    assert!(matches!(counter.import(&upload).await, Err(ImportError::File(_))));
    assert_eq!(counter.test.count("persons", "true").await, 0);
}
