//! What is to be proven, and the proof.

use crate::error::ProveError;
use crate::interrupt::Interrupt;
#[cfg(feature = "testing")]
use crate::masks::Spoiled;
use verifai_field::F;
use verifai_table::{Circuit, Kind};

/// What is to be proven.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// How many inferences.
    pub batch: usize,
    /// The values of each committed node, in the order of nodes, row-major with the batch axis first.
    pub values: Vec<Vec<i64>>,
    /// What the proof is bound to.
    pub context: [u8; 32],
    /// Blindings of the rows of each linked tensor: those of the proof that it is linked to, or fresh
    /// ones. Empty to draw them here, for tensors that nobody will open or link.
    pub linked: Vec<Vec<F>>,
    /// Additions to entries of the committed vector, by address: how tests make a prover lie. Empty for
    /// an honest prover, which refuses a witness that proves nothing.
    #[cfg(feature = "testing")]
    pub lies: Vec<(usize, i64)>,
    /// Go on with a witness that proves nothing.
    #[cfg(feature = "testing")]
    pub stubborn: bool,
    /// What tests of hiding take away. Empty for an honest prover.
    #[cfg(feature = "testing")]
    pub spoiled: Spoiled,
    /// Whoever waits for the proof raises it to wait no longer.
    pub interrupt: Interrupt,
}

/// A proof with the public words that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Words of the public tensors.
    pub words: Vec<F>,
    /// The messages.
    pub bytes: Vec<u8>,
}

/// The tensors of the nodes of a kind, by node, from those given in the order of nodes; empty for all others.
pub(crate) fn by_node<T: Clone>(
    circuit: &Circuit,
    of_kind: impl Fn(&Kind) -> bool,
    given: Vec<Vec<T>>,
) -> Result<Vec<Vec<T>>, ProveError> {
    let nodes = circuit.nodes.iter().enumerate();
    let nodes = nodes.filter(|(_, node)| of_kind(&node.kind));
    let (got, expected) = (given.len(), nodes.clone().count());
    if got != expected {
        return Err(ProveError::Nodes { got, expected });
    }
    let mut out = vec![Vec::new(); circuit.nodes.len()];
    for ((node, of), values) in nodes.zip(given) {
        let (got, expected) = (values.len(), of.dims.iter().product());
        if got != expected {
            return Err(ProveError::Shape {
                node,
                got,
                expected,
            });
        }
        out[node] = values;
    }
    Ok(out)
}
