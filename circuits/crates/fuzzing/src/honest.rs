//! Honest proofs of two small circuits, as files: what the targets change.

use std::sync::OnceLock;
use verifai_verifier::{verify_encoded, VerifyingKey};

/// A key, a statement and a proof of it.
#[derive(Debug)]
pub struct Honest {
    /// The digest of what the key says to people.
    pub header: [u8; 32],
    /// The operation table.
    pub table: &'static [u8],
    /// The commitments of its weights.
    pub commitments: &'static [u8],
    /// tau H2 of the development reference string.
    pub tau_g2: &'static [u8],
    /// The public words, 32 bytes each.
    pub words: &'static [u8],
    /// The proof.
    pub proof: &'static [u8],
    /// The key, read.
    pub key: VerifyingKey,
}

/// The batch of both proofs.
pub const BATCH: usize = 1;
/// The header of both keys.
pub const HEADER: [u8; 32] = [3; 32];
/// Their context.
pub const CONTEXT: [u8; 32] = [7; 32];

macro_rules! case {
    ($name:literal) => {
        Honest::read(
            include_bytes!(concat!("../honest/", $name, ".table")),
            include_bytes!(concat!("../honest/", $name, ".commitments")),
            include_bytes!(concat!("../honest/", $name, ".words")),
            include_bytes!(concat!("../honest/", $name, ".proof")),
        )
    };
}

impl Honest {
    #[expect(
        clippy::expect_used,
        reason = "the files belong to this crate, and a test reads them"
    )]
    fn read(
        table: &'static [u8],
        commitments: &'static [u8],
        words: &'static [u8],
        proof: &'static [u8],
    ) -> Self {
        let tau_g2 = include_bytes!("../honest/tau_g2");
        let key = VerifyingKey::read(HEADER, table, commitments, tau_g2).expect("an honest key");
        Self {
            header: HEADER,
            table,
            commitments,
            tau_g2,
            words,
            proof,
            key,
        }
    }

    /// Whether these bytes prove its statement.
    pub fn accepts(&self, proof: &[u8]) -> bool {
        verify_encoded(&self.key, BATCH, CONTEXT, self.words, proof).is_ok()
    }
}

/// One proof that does not hide, one that does.
pub fn cases() -> &'static [Honest; 2] {
    static CASES: OnceLock<[Honest; 2]> = OnceLock::new();
    CASES.get_or_init(|| [case!("plain"), case!("hiding")])
}

/// The case that a byte stands for.
pub fn case(byte: u8) -> &'static Honest {
    let [plain, hiding] = cases();
    if byte % 2 == 0 {
        plain
    } else {
        hiding
    }
}

/// The first byte chooses the key, the others are a proof: only the honest one is accepted.
pub fn proof(data: &[u8]) {
    let Some((which, bytes)) = data.split_first() else {
        return;
    };
    let honest = case(*which);
    assert_eq!(honest.accepts(bytes), bytes == honest.proof);
}
