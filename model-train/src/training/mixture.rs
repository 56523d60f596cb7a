//! Which tasks a run trains on, and how often each.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use mde_core::mask::Task;
use mde_core::occlusion::Occlusion;
use rand::{Rng, RngExt};

/// Tasks with positive weights; a picture's task is drawn in proportion.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    tasks: Vec<(Task, f64)>,
}

impl Mixture {
    /// What the embedded face model is trained on: 35 % REC, 50 % named occlusions moved by up to
    /// 4 pixels, 15 % rectangles.
    pub fn faces() -> Self {
        let occlusion = |occlusion| {
            (
                Task::Occlusion {
                    occlusion,
                    jitter: 4,
                },
                50.0 / 6.0,
            )
        };
        let mut tasks = vec![(Task::Rec(0.1), 35.0), (Task::RandomBlock, 15.0)];
        tasks.extend(Occlusion::ALL.map(occlusion));
        Self { tasks }
    }

    /// `task` alone.
    pub fn of(task: Task) -> Self {
        Self {
            tasks: vec![(task, 1.0)],
        }
    }

    /// Draws a task.
    pub fn draw(&self, rng: &mut (impl Rng + ?Sized)) -> Task {
        let total: f64 = self.tasks.iter().map(|(_, w)| w).sum();
        let mut left = total * rng.random::<f64>();
        let drawn = self.tasks.iter().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        drawn.unwrap_or(&self.tasks[self.tasks.len() - 1]).0
    }
}

impl FromStr for Mixture {
    type Err = anyhow::Error;

    /// `faces`, or `TASK=WEIGHT,...` such as `REC:0.1=35,eyes~4=50,block=15`; a weight left out
    /// is 1.
    fn from_str(text: &str) -> Result<Self> {
        if text == "faces" {
            return Ok(Self::faces());
        }
        let entry = |part: &str| {
            let (task, weight) = part.split_once('=').unwrap_or((part, "1"));
            let weight: f64 = weight
                .parse()
                .with_context(|| format!("'{weight}' in '{part}' is not a weight"))?;
            ensure!(
                weight > 0.0 && weight.is_finite(),
                "the weight in '{part}' is not positive"
            );
            Ok((task.parse::<Task>()?, weight))
        };
        let tasks = text
            .split(',')
            .map(|p| entry(p.trim()))
            .collect::<Result<_>>()?;
        Ok(Self { tasks })
    }
}

impl fmt::Display for Mixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (task, weight)) in self.tasks.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{task}={weight}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::mask::Mask;
    use rand::SeedableRng;
    use rand_pcg::Pcg64;

    #[test]
    fn a_mixture_reads_back_what_it_prints() {
        let faces = Mixture::faces();
        assert_eq!(faces.to_string().parse::<Mixture>().unwrap(), faces);
        assert!("eyes=0".parse::<Mixture>().is_err());
        assert!("eyes=1,nonsense".parse::<Mixture>().is_err());
    }

    #[test]
    fn tasks_are_drawn_in_proportion() {
        let mixture: Mixture = "Col-1=3,eyes=1".parse().unwrap();
        let mut rng = Pcg64::seed_from_u64(1);
        let channel_lost =
            |m: Mask| !m.is_known(0, 0, 0) || !m.is_known(1, 0, 0) || !m.is_known(2, 0, 0);
        let lost = (0..4000)
            .filter(|_| channel_lost(mixture.draw(&mut rng).sample(32, 32, &mut rng)))
            .count();
        // Binomial: 3000, standard deviation 27.
        assert!(
            (2860..3140).contains(&lost),
            "{lost} of 4000 were colourisation"
        );
    }
}
