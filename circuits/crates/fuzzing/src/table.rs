//! Operation tables from strangers.

use crate::honest::cases;
use verifai_table::{read, Block, Circuit, Layout, Region};
use verifai_transcript::ReadError;
use verifai_verifier::size::word_count;
use verifai_verifier::{proof_bytes, verify_encoded, VerifyError, VerifyingKey};

/// Elements of all tensors together, up to which claims are derived too: a fuzzer wants many
/// small circuits, and time grows with the elements.
const MAX_ELEMENTS: usize = 1 << 16;
/// Bytes of a proof, up to which a verifier is run.
const MAX_PROOF: usize = 1 << 16;

/// A table is refused or read, laid out for any batch, and a proof of zeros has its length.
pub fn table(data: &[u8]) {
    let Ok(circuit) = read(data) else { return };
    for batch in [1, 2, 3, 1 << 10, 1 << 22] {
        let Ok(layout) = Layout::new(&circuit, batch) else {
            continue;
        };
        let length = proof_bytes(&layout);
        assert_eq!(length % 32, 0);
        assert!(layout.blocks.iter().all(|b| inside(b, layout.variables)));
        if batch <= 3 && length <= MAX_PROOF && elements(&layout.circuit) <= MAX_ELEMENTS {
            read_zeros(data, batch, length, &layout);
        }
    }
}

/// A verifier derives all claims of a table whatever the proof says, and the proof is neither
/// shorter nor longer than `proof_bytes`. (Zeros may well be an honest proof of a table that
/// demands nothing.)
fn read_zeros(table: &[u8], batch: usize, length: usize, layout: &Layout) {
    let [plain, _] = cases();
    let rows = layout.region_rows(Region::Weight).len();
    let key = VerifyingKey::read(plain.header, table, &vec![0; rows * 64], plain.tau_g2);
    assert!(key.is_ok() || batch > 1, "{key:?}");
    let Ok(key) = key else { return };
    let words = vec![0; 32 * word_count(&layout.circuit)];
    let error = verify_encoded(&key, batch, [0; 32], &words, &vec![0; length]).err();
    let cut = matches!(
        error,
        Some(VerifyError::Read(
            ReadError::Truncated { .. } | ReadError::Trailing { .. }
        ))
    );
    assert!(!cut, "{error:?}");
}

fn elements(circuit: &Circuit) -> usize {
    let sizes = (0..circuit.nodes.len()).map(|n| circuit.dims(n).iter().product::<usize>());
    sizes.fold(0, usize::saturating_add)
}

fn inside(block: &Block, variables: usize) -> bool {
    let end = block.base.checked_add(block.shape.size());
    end.is_some_and(|end| end <= 1 << variables)
}
