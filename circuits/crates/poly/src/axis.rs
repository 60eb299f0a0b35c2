//! How many variables an axis has, and how many entries a cube.

/// Variables of an axis of `n` real entries: `ceil(log2 n)`, zero for one entry or none.
pub fn variables(n: usize) -> usize {
    let bits = usize::BITS - n.saturating_sub(1).leading_zeros();
    bits as usize
}

/// `2^variables`, the entries of a cube; saturates.
pub fn cube_size(variables: usize) -> usize {
    let shift = u32::try_from(variables).unwrap_or(u32::MAX);
    1usize.checked_shl(shift).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_an_axis() {
        let expected = [0, 0, 1, 2, 2, 3, 3, 3, 3, 4];
        for (n, v) in expected.iter().enumerate() {
            assert_eq!(variables(n), *v, "n = {n}");
        }
        assert_eq!(variables(usize::MAX), usize::BITS as usize);
    }

    #[test]
    fn entries_of_a_cube() {
        assert_eq!([0, 1, 5].map(cube_size), [1, 2, 32]);
        assert_eq!([64, 1 << 40, usize::MAX].map(cube_size), [usize::MAX; 3]);
    }
}
