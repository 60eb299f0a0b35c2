//! Files as strangers may hand them in.

use ark_bn254::Fq;
use std::io::Cursor;
use verifai_curve::{AffineRepr, CurveGroup, G1Affine, G2Affine};
use verifai_field::{powers, BigInteger, PrimeField, F};
use verifai_srs::{check_powers, development, Srs, SrsError};
use verifai_transcript::MessageError;

fn word(c: &Fq) -> Vec<u8> {
    c.0.to_bytes_le() // the Montgomery representative
}

fn g1(p: &G1Affine) -> Vec<u8> {
    [word(&p.x), word(&p.y)].concat()
}

fn g2(p: &G2Affine) -> Vec<u8> {
    [word(&p.x.c0), word(&p.x.c1), word(&p.y.c0), word(&p.y.c1)].concat()
}

fn tau() -> F {
    F::from(123_456_789u64)
}

fn points(n: usize) -> (Vec<G1Affine>, Vec<G2Affine>) {
    let at = |t: F| (G1Affine::generator() * t).into_affine();
    let at2 = |t: F| (G2Affine::generator() * t).into_affine();
    (
        powers(tau()).take(n).map(at).collect(),
        powers(tau()).take(n).map(at2).collect(),
    )
}

fn halo2(log: u32) -> Vec<u8> {
    let (p, q) = points(1 << log);
    let mut out = log.to_le_bytes().to_vec();
    out.extend(p.iter().flat_map(g1));
    out.extend(p.iter().flat_map(g1)); // stands for the Lagrange basis, which is not read
    out.extend(g2(&q[0]));
    out.extend(g2(&q[1]));
    out
}

fn section(kind: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = kind.to_le_bytes().to_vec();
    out.extend((payload.len() as u64).to_le_bytes());
    out.extend(payload);
    out
}

fn ptau_sections(log: u32) -> Vec<Vec<u8>> {
    let n = 1usize << log;
    let (p, q) = points(2 * n - 1);
    let mut header = 32u32.to_le_bytes().to_vec();
    header.extend(Fq::MODULUS.to_bytes_le());
    header.extend(log.to_le_bytes());
    header.extend(log.to_le_bytes());
    let g1s: Vec<u8> = p.iter().flat_map(g1).collect();
    let g2s: Vec<u8> = q[..n].iter().flat_map(g2).collect();
    vec![section(1, &header), section(2, &g1s), section(3, &g2s)]
}

fn ptau(sections: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"ptau".to_vec();
    out.extend(1u32.to_le_bytes());
    out.extend((sections.len() as u32).to_le_bytes());
    out.extend(sections.concat());
    out
}

fn read(bytes: &[u8]) -> Result<Srs, SrsError> {
    Srs::read(&mut Cursor::new(bytes), usize::MAX)
}

#[test]
fn both_formats_hold_the_same_srs() {
    let a = read(&halo2(3)).unwrap();
    let b = read(&ptau(&ptau_sections(3))).unwrap();
    assert_eq!(a.powers(), &b.powers()[..8]);
    assert_eq!(b.powers().len(), 15);
    assert_eq!(a.id(), b.id());
    assert_ne!(a.id(), development(2).unwrap().id());
    let few = Srs::read(&mut Cursor::new(halo2(3)), 3).unwrap();
    assert_eq!(few.powers(), &a.powers()[..3]);
    assert_eq!(few.id(), a.id());
    assert_eq!(few.tau_g1(), a.powers()[1]);
}

#[test]
fn unknown_sections_are_skipped_and_order_is_free() {
    let mut sections = ptau_sections(2);
    sections.insert(0, section(7, b"contributions"));
    sections.reverse();
    assert!(read(&ptau(&sections)).is_ok());
}

#[test]
fn every_byte_that_is_read_matters() {
    let good = halo2(2);
    let lagrange = 4 + 4 * 64..4 + 8 * 64;
    for i in 0..good.len() {
        let mut bad = good.clone();
        bad[i] ^= 0x10;
        assert_eq!(read(&bad).is_ok(), lagrange.contains(&i), "halo2 byte {i}");
    }
    let sections = ptau_sections(2);
    let good = ptau(&sections);
    let unread = good.len() - 2 * 128; // the further powers in G2
    let ceremony_power = 12 + 12 + 40;
    for i in 0..good.len() {
        let mut bad = good.clone();
        bad[i] ^= 0x10;
        let harmless = i >= unread || i == ceremony_power;
        assert_eq!(read(&bad).is_ok(), harmless, "ptau byte {i}");
    }
}

#[test]
fn sizes_are_exact() {
    for good in [halo2(2), ptau(&ptau_sections(2))] {
        for cut in [0, 1, 3, 4, 11, 12, good.len() - 1] {
            assert!(read(&good[..cut]).is_err(), "cut at {cut}");
        }
        let mut long = good;
        long.push(0);
        assert!(matches!(read(&long), Err(SrsError::Size { .. })));
    }
}

#[test]
fn headers_are_bounded() {
    for log in [0u32, 29, u32::MAX] {
        assert!(matches!(
            read(&log.to_le_bytes()),
            Err(SrsError::Header { .. })
        ));
    }
    let mut many = ptau(&ptau_sections(1));
    many[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(read(&many), Err(SrsError::Header { .. })));
    let mut huge = ptau(&ptau_sections(1));
    huge[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(read(&huge), Err(SrsError::Size { .. })));
}

#[test]
fn sections_come_once() {
    let s = ptau_sections(1);
    for missing in 0..3 {
        let mut fewer = s.clone();
        fewer.remove(missing);
        assert!(matches!(
            read(&ptau(&fewer)),
            Err(SrsError::Section { times: 0, .. })
        ));
        let mut twice = s.clone();
        twice.push(s[missing].clone());
        assert!(matches!(
            read(&ptau(&twice)),
            Err(SrsError::Section { times: 2, .. })
        ));
    }
}

/// x + q stands for the same coordinate as x, and is not canonical.
#[test]
fn coordinates_are_below_q() {
    let good = halo2(2);
    for at in [4, 4 + 64, 4 + 64 + 32, good.len() - 128] {
        let mut bad = good.clone();
        let mut carry = 0;
        for (byte, q) in bad[at..at + 32].iter_mut().zip(Fq::MODULUS.to_bytes_le()) {
            let sum = u16::from(*byte) + u16::from(q) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        assert!(matches!(
            read(&bad),
            Err(SrsError::Point {
                reason: MessageError::Field(_),
                ..
            })
        ));
    }
}

#[test]
fn another_tau_in_g2_is_refused() {
    let mut bad = halo2(2);
    let at = bad.len() - 128;
    let other = (G2Affine::generator() * F::from(5u64)).into_affine();
    bad[at..].copy_from_slice(&g2(&other));
    assert!(matches!(read(&bad), Err(SrsError::NotPowers)));
}

#[test]
fn the_first_points_are_the_generators() {
    let (p, q) = points(5);
    let mut out = 2u32.to_le_bytes().to_vec();
    out.extend(p[1..].iter().flat_map(g1));
    out.extend(p[1..].iter().flat_map(g1));
    let mut other_g2 = out.clone();
    out.extend(g2(&q[0]));
    out.extend(g2(&q[1]));
    assert!(matches!(read(&out), Err(SrsError::NotGenerator("G1"))));
    other_g2[4..4 + 256].copy_from_slice(&p[..4].iter().flat_map(g1).collect::<Vec<u8>>());
    other_g2.extend(g2(&q[1]));
    other_g2.extend(g2(&q[2]));
    assert!(matches!(read(&other_g2), Err(SrsError::NotGenerator("G2"))));
}

#[test]
fn swapped_points_are_refused() {
    let (mut p, q) = points(8);
    assert!(check_powers(&p, &q[1]).is_ok());
    p.swap(6, 7);
    assert!(matches!(check_powers(&p, &q[1]), Err(SrsError::NotPowers)));
    assert!(matches!(
        check_powers(&p[..1], &q[1]),
        Err(SrsError::TooFew(1))
    ));
    assert!(matches!(check_powers(&[], &q[1]), Err(SrsError::TooFew(0))));
}

#[test]
fn the_development_srs_has_one_name_wherever_it_comes_from() {
    let dev = development(8).unwrap();
    assert_eq!(dev.id(), development(2).unwrap().id());
    let mut file = 3u32.to_le_bytes().to_vec();
    file.extend(dev.powers().iter().flat_map(g1));
    file.extend(dev.powers().iter().flat_map(g1));
    file.extend(g2(&G2Affine::generator()));
    file.extend(g2(&dev.tau_g2()));
    assert_eq!(read(&file).unwrap().id(), dev.id());
    assert!(development(1).is_err());
    let id: String = dev.id().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        id,
        include_str!("../../../vectors/development_srs_id.txt").trim()
    );
}

#[test]
fn the_plain_form_comes_back_and_is_checked() {
    let srs = verifai_srs::development(8).unwrap();
    let bytes = srs.to_points(5);
    let back = verifai_srs::Srs::from_points(&bytes).unwrap();
    assert_eq!(back.powers(), &srs.powers()[..5]);
    assert_eq!((back.id(), back.tau_g2()), (srs.id(), srs.tau_g2()));
    for bad in [&bytes[1..], &bytes[..127], &[], &bytes[64..]] {
        assert!(verifai_srs::Srs::from_points(bad).is_err());
    }
    let mut swapped = bytes.clone();
    swapped[128..256].copy_from_slice(&[&bytes[192..256], &bytes[128..192]].concat());
    assert!(verifai_srs::Srs::from_points(&swapped).is_err());
}
