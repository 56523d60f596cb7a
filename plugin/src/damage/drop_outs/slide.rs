//! The greatest and the least of rows that lie below each other.

/// Replaces each row of `width` values by what `pick` makes of it and the rows below it, `count` in
/// all; at the bottom of those that there are.
pub fn down(values: &mut [u8], width: usize, count: usize, pick: impl Fn(u8, u8) -> u8 + Copy) {
    let rows = values.len() / width;
    for step in steps(count) {
        for y in 0..rows.saturating_sub(step) {
            let (upper, lower) = values.split_at_mut((y + step) * width);
            join(&mut upper[y * width..][..width], &lower[..width], pick);
        }
    }
}

/// The same of the rows above it.
pub fn up(values: &mut [u8], width: usize, count: usize, pick: impl Fn(u8, u8) -> u8 + Copy) {
    let rows = values.len() / width;
    for step in steps(count) {
        for y in (step..rows).rev() {
            let (upper, lower) = values.split_at_mut(y * width);
            join(
                &mut lower[..width],
                &upper[(y - step) * width..][..width],
                pick,
            );
        }
    }
}

/// Takes `pick` of each value and the one at its place.
pub fn join(values: &mut [u8], others: &[u8], pick: impl Fn(u8, u8) -> u8) {
    for (value, other) in values.iter_mut().zip(others) {
        *value = pick(*value, *other);
    }
}

/// How far off the rows are that are joined, one after the other, until each is joined with the next
/// `count` - 1.
fn steps(count: usize) -> impl Iterator<Item = usize> {
    let mut joined = 1;
    std::iter::from_fn(move || {
        let step = joined.min(count - joined);
        joined += step;
        (step > 0).then_some(step)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_that_of_its_window() {
        let values: Vec<u8> = (0..23).map(|i| (i * 37 % 101) as u8).collect();
        for count in 1..9 {
            let (mut below, mut above) = (values.clone(), values.clone());
            down(&mut below, 1, count, u8::max);
            up(&mut above, 1, count, u8::min);
            for i in 0..values.len() {
                let window = &values[i..(i + count).min(values.len())];
                assert_eq!(Some(&below[i]), window.iter().max());
                let window = &values[(i + 1).saturating_sub(count)..=i];
                assert_eq!(Some(&above[i]), window.iter().min());
            }
        }
    }
}
