//! What the net said of a face, smoothed in time.

use std::time::Duration;

/// Time in which two thirds of a small change are taken over.
const PACE: Duration = Duration::from_millis(120);

/// A change of a probability from which on it is no wavering: something has come or gone, and is
/// taken over at once.
const COMES: f32 = 0.4;

/// The mean change of the probabilities up to which an answer is the one before.
const SETTLED: f32 = 0.002;

/// The net's answers for one face, as they were and smoothed. Crops are aligned, so that an answer
/// moves with the face.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    steady: Vec<f32>,
    /// When the last one was given.
    at: Duration,
    is_settled: bool,
}

impl Answers {
    /// The smoothed one, `[5, S/2, S/2]`; empty where there is none.
    pub fn steady(&self) -> &[f32] {
        &self.steady
    }

    /// Whether the last one was as the one before, so that the next one will be too, if the face is.
    pub fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Takes over what the net says `now`.
    pub fn take(&mut self, answer: &[f32], now: Duration) {
        let elapsed = now.saturating_sub(self.at).as_secs_f32() / PACE.as_secs_f32();
        self.at = now;
        let share = 1.0 - (-elapsed).exp();
        if self.steady.len() != answer.len() {
            answer.clone_into(&mut self.steady);
            self.is_settled = false;
        } else {
            let mut sum = 0.0;
            for (steady, new) in self.steady.iter_mut().zip(answer) {
                let change = new - *steady;
                sum += change.abs();
                *steady += match change.abs() >= COMES {
                    true => change,
                    false => change * share,
                };
            }
            self.is_settled = sum <= SETTLED * answer.len() as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wavers_is_smoothed_and_what_comes_is_there_at_once() {
        let mut answers = Answers::default();
        let mut next = |number: u64, value: f32| {
            answers.take(&[value], Duration::from_millis(40 * number));
            (answers.steady()[0], answers.is_settled())
        };
        assert_eq!(next(0, 0.1), (0.1, false));
        let mut far = 0.0f32;
        for number in 1..20 {
            let (steady, _) = next(number, 0.5 + 0.15 * (-1f32).powi(number as i32));
            if number > 10 {
                far = far.max((steady - 0.5).abs());
            }
        }
        assert!(far < 0.05, "{far}");
        assert_eq!(next(20, 1.0), (1.0, false));
        assert_eq!(next(21, 1.0), (1.0, true));
        assert_eq!(next(22, 0.0), (0.0, false));
    }
}
