//! The whole argument over the sumcheck crate, with commitments idealised: the verifier reads
//! committed values directly, after they were fixed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use verifai_field::{from_i64, inner_product, random::random_vec, One, Zero, F};
use verifai_lookup::{
    helpers, multiplicities, relation, table_helpers, Challenges, Column, Group, LookupError,
    Selectors, TableClaim, BLOCK, ENTRY_VARIABLES, RELATION_DEGREE,
};
use verifai_poly::{eq_table_real, evaluate};
use verifai_sumcheck::{prove, verify, Dense, Labels};
use verifai_transcript::{Label, ProofReader, ProofWriter, Transcript};

const LABELS: Labels = Labels {
    batch: Label::new("eta"),
    message: Label::new("round"),
    challenge: Label::new("t"),
};
const ROWS: usize = 13;
const VARIABLES: usize = 4;
const ALL_TABLES: u32 = 0b1_1111_1110;

/// What a prover commits: four columns of limbs, multiplicities, helpers.
#[derive(Clone)]
struct Witness {
    bits: [u32; 4],
    limbs: [Vec<i32>; 4],
    counts: Vec<i32>,
    h: Vec<F>,
    ht: Vec<F>,
}

fn challenges() -> Challenges {
    let v = random_vec(2).unwrap();
    Challenges {
        alpha: v[0],
        beta: v[1],
    }
}

fn group<'a>(bits: &[u32; 4], limbs: &'a [Vec<i32>; 4]) -> Group<'a> {
    let columns = bits.iter().zip(limbs).map(|(bits, values)| Column {
        bits: *bits,
        values,
    });
    Group::new(columns.collect()).unwrap()
}

fn limbs(bits: &[u32; 4]) -> [Vec<i32>; 4] {
    bits.map(|b| (0..ROWS as i32).map(|i| (i * 37 + 5) % (1 << b)).collect())
}

fn honest(c: &Challenges) -> Witness {
    let bits = [8, 3, 1, 8];
    let limbs = limbs(&bits);
    let counts = multiplicities(&[group(&bits, &limbs)]).unwrap();
    build(bits, limbs, counts, c)
}

/// Helpers computed as the formulas say, whatever the limbs are.
fn build(bits: [u32; 4], limbs: [Vec<i32>; 4], counts: Vec<i32>, c: &Challenges) -> Witness {
    let h = helpers(&group(&bits, &limbs), c).unwrap();
    let ht = table_helpers(&counts, c).unwrap();
    Witness {
        bits,
        limbs,
        counts,
        h,
        ht,
    }
}

fn padded(values: impl Iterator<Item = F>) -> Vec<F> {
    let mut v: Vec<F> = values.collect();
    v.resize(1 << VARIABLES, F::zero());
    v
}

/// Zerocheck, side claim and total.
fn accepts(w: &Witness, key_bits: &[u32; 4], c: &Challenges) -> bool {
    let tau = random_vec(VARIABLES).unwrap();
    let selector = padded(eq_table_real(&tau, ROWS).into_iter());
    let columns: Vec<Vec<F>> = w
        .limbs
        .iter()
        .map(|l| padded(l.iter().map(|v| from_i64(i64::from(*v)))))
        .collect();
    let h = padded(w.h.iter().copied());
    let tables = [
        columns[0].clone(),
        columns[1].clone(),
        columns[2].clone(),
        columns[3].clone(),
        h.clone(),
        selector.clone(),
    ];
    let term = |v: &[F; 6]| {
        let d = [0, 1, 2, 3].map(|i| c.denominator(v[i], key_bits[i]));
        let selectors = Selectors {
            enabled: v[5],
            numerators: [v[5]; 4],
        };
        relation(&selectors, &d, v[4])
    };
    let mut instance = Dense::new(tables, RELATION_DEGREE, term).unwrap();
    let mut writer = ProofWriter::new(Transcript::new("lookup test"));
    prove(&mut [&mut instance], &[], &LABELS, &mut writer).unwrap();
    let proof = writer.finish();

    let shape = verifai_sumcheck::Shape {
        variables: VARIABLES,
        degree: RELATION_DEGREE,
    };
    let mut reader = ProofReader::new(Transcript::new("lookup test"), &proof);
    let reduction = verify(&[shape], &LABELS, &mut reader).unwrap();
    let at = |t: &[F]| evaluate(t, reduction.instance_point(0)).unwrap();
    let values = [
        at(&columns[0]),
        at(&columns[1]),
        at(&columns[2]),
        at(&columns[3]),
        at(&h),
        at(&selector),
    ];
    let zerocheck = reduction.value(&[F::zero()]) == Ok(term(&values));

    let point: [F; ENTRY_VARIABLES] = random_vec(ENTRY_VARIABLES).unwrap().try_into().unwrap();
    let claim = TableClaim {
        challenges: c,
        tables: ALL_TABLES,
        point: &point,
    };
    let weights = claim.weights();
    let counts: Vec<F> = w.counts.iter().map(|m| from_i64(i64::from(*m))).collect();
    let side = inner_product(&weights.helper, &w.ht) + inner_product(&weights.count, &counts);
    let total = w.h.iter().sum::<F>() - w.ht.iter().skip(2).sum::<F>();
    zerocheck && side.is_zero() && total.is_zero()
}

#[test]
fn honest_lookups() {
    let c = challenges();
    let w = honest(&c);
    assert!(accepts(&w, &w.bits, &c));
    assert_eq!(w.counts.iter().sum::<i32>(), 4 * ROWS as i32);
}

/// A value outside its table: no multiplicities make the sums agree, not even those that count it
/// somewhere else.
#[test]
fn values_out_of_range() {
    let c = challenges();
    let w = honest(&c);
    for (column, value) in [(0, 256), (0, -1), (1, 8), (2, 2), (3, i32::MAX)] {
        let mut limbs = w.limbs.clone();
        limbs[column][7] = value;
        assert_eq!(
            multiplicities(&[group(&w.bits, &limbs)]),
            Err(LookupError::OutOfRange {
                column,
                row: 7,
                value,
                bits: w.bits[column]
            })
        );
        for counted in [None, Some(2), Some(256), Some(BLOCK - 1)] {
            let mut counts = w.counts.clone();
            if let Some(at) = counted {
                counts[at] += 1;
            }
            let bad = build(w.bits, limbs.clone(), counts, &c);
            assert!(!accepts(&bad, &w.bits, &c), "{column} {value}");
        }
    }
}

/// 9 is an entry of the 8-bit table, not of the 3-bit one: tags come from the key (H12).
#[test]
fn swapped_tags() {
    let c = challenges();
    let key_bits = [8, 3, 1, 8];
    let wide = [8, 8, 1, 8];
    let mut l = limbs(&key_bits);
    l[1][0] = 9;
    let counts = multiplicities(&[group(&wide, &l)]).unwrap();
    let cheat = build(wide, l, counts, &c);
    assert!(accepts(&cheat, &wide, &c));
    assert!(!accepts(&cheat, &key_bits, &c));
}

#[test]
fn forged_helpers_and_multiplicities() {
    let c = challenges();
    let w = honest(&c);
    let change = |f: &dyn Fn(&mut Witness)| {
        let mut bad = w.clone();
        f(&mut bad);
        assert!(!accepts(&bad, &w.bits, &c));
    };
    change(&|w| w.h[3] += F::one());
    change(&|w| w.ht[300] += F::one());
    change(&|w| w.counts[300] += 1);
    // errors that cancel in the total are seen by the zerocheck or by the side claim
    change(&|w| {
        w.h[3] += F::one();
        w.h[4] -= F::one();
    });
    change(&|w| {
        w.h[3] += F::one();
        w.ht[300] += F::one();
    });
    change(&|w| {
        w.ht[300] += F::one();
        w.ht[301] -= F::one();
    });
    change(&|w| {
        w.counts[300] += 1;
        w.counts[301] -= 1;
    });
}

/// A negative multiplicity cannot be used up by anything.
#[test]
fn multiplicities_of_either_sign() {
    let c = challenges();
    let w = honest(&c);
    let mut counts = w.counts.clone();
    counts[400] -= 1;
    let bad = build(w.bits, w.limbs.clone(), counts, &c);
    assert!(!accepts(&bad, &w.bits, &c));
}

/// The shift trick on committed limbs is unsound (H6): hi = 255 / 16 in F passes the scaled check
/// "16 hi is a byte". With an exact table the limb itself has to be an entry.
#[test]
fn fractional_limbs() {
    let c = challenges();
    let hi = F::from(255u64) / F::from(16u64);
    assert_eq!(hi * F::from(16u64), F::from(255u64));
    let fingerprint = c.denominator(hi, 4);
    for t in 0..16u64 {
        assert_ne!(fingerprint, c.denominator(F::from(t), 4));
    }
}

#[test]
fn impossible_groups() {
    let v = [1, 2, 3];
    let column = Column {
        bits: 8,
        values: &v,
    };
    let short = Column {
        bits: 8,
        values: &v[1..],
    };
    assert_eq!(Group::new(vec![]).err(), Some(LookupError::Columns(0)));
    assert_eq!(
        Group::new(vec![column; 5]).err(),
        Some(LookupError::Columns(5))
    );
    assert_eq!(
        Group::new(vec![column, short]).err(),
        Some(LookupError::Rows {
            column: 1,
            got: 2,
            expected: 3
        })
    );
    for bits in [0, 9] {
        let bad = Column { bits, values: &v };
        assert_eq!(Group::new(vec![bad]).err(), Some(LookupError::Bits(bits)));
    }
    let g = Group::new(vec![column]).unwrap();
    let alpha_hits = Challenges {
        alpha: F::from(2u64) + F::from(8u64),
        beta: F::one(),
    };
    assert_eq!(
        helpers(&g, &alpha_hits),
        Err(LookupError::DegenerateChallenge)
    );
    let counts = multiplicities(&[g]).unwrap();
    assert_eq!(
        table_helpers(&counts, &alpha_hits),
        Err(LookupError::DegenerateChallenge)
    );
}
