//! Two measurements in turns, A B A B, compared pair by pair: what the machine does beside us meets both of a pair alike.

use crate::stage::Failed;

/// The medians of both sides, and of what each pair compares.
#[derive(Debug, Clone, Copy)]
pub struct Medians {
    /// Of the first.
    pub a: f64,
    /// Of the second.
    pub b: f64,
    /// Of the second by the first.
    pub ratio: f64,
}

/// Runs both `rounds` times in turns.
pub fn alternate(
    rounds: usize,
    mut a: impl FnMut() -> Result<f64, Failed>,
    mut b: impl FnMut() -> Result<f64, Failed>,
) -> Result<Medians, Failed> {
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        of_a.push(a()?);
        of_b.push(b()?);
    }
    let mut ratios: Vec<f64> = of_a.iter().zip(&of_b).map(|(a, b)| b / a).collect();
    Ok(Medians {
        ratio: median(&mut ratios),
        a: median(&mut of_a),
        b: median(&mut of_b),
    })
}

/// The median; of an even number the greater of the middle two.
pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// The smallest value that at least `share` of all do not exceed; not a number without values.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a length is a place in it"
    )]
    let place = (values.len() as f64 * share) as usize;
    values
        .get(place.min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        let mut hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert!((quantile(&mut hundred, 0.99) - 100.0).abs() < f64::EPSILON);
        assert!(median(&mut []).is_nan());
    }
}
