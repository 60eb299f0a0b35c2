//! The operation table: tensors, constraints, layout, and the claims that follow from them.
//!
//! `docs/protocol.md` is the specification. *All linear structure is virtual*: a table lists tensors of
//! which some are committed and all others are linear in them, or an einsum of two linear ones.
//! A verifier never computes a tensor. It starts from a claim (a weight for each entry of a tensor)
//! and pulls the weights back through the table to committed blocks, as reverse-mode
//! differentiation does.
//!
//! Everything here is used by prover and verifier alike; nothing here sees a witness. A table may come
//! from a stranger: reading it never panics, and its size is bounded by [`limits`].
//!
//! | module | idea |
//! |---|---|
//! | [`limits`] | how much a table may ask for |
//! | [`json`] | the canonical JSON form |
//! | [`node`] | validated nodes, and their expansion for a batch |
//! | [`validate`](mod@validate) | the rules |
//! | [`error`] | what can be wrong with a table |
//! | [`tiles`] | how a tensor lies in the address space; packing |
//! | [`region`] | the parts of the address space |
//! | [`layout`](mod@layout) | blocks, lookup groups, the cube of the zerocheck |
//! | [`weights`] | weights on a tensor: terms over groups of axes |
//! | [`pullback`] | pulling weights back through a node |
//! | [`claim`] | a claim: constant + linear form in the committed blocks |
//! | [`initial_claims`] | the claims that constraints start |
//! | [`words`](mod@words) | public words, and the ids in them |
//! | [`work`] | the budget of a verification |

#![forbid(unsafe_code)]

pub mod claim;
pub mod error;
pub mod initial_claims;
pub mod json;
pub mod layout;
pub mod limits;
pub mod node;
pub mod pullback;
pub mod region;
pub mod tiles;
pub mod validate;
pub mod weights;
pub mod words;
pub mod work;

pub use claim::{BlockTerm, Claim};
pub use error::{PullError, TableError};
pub use layout::{Block, Layout};
pub use node::{Circuit, Kind, Map, Node};
pub use pullback::Instance;
pub use region::Region;
pub use tiles::{positions, Tile};
pub use validate::read;
pub use weights::{strides, Group, Term};
pub use words::{Ids, Words};
pub use work::Work;
