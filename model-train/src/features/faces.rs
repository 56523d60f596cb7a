//! Pictures of faces with their persons and attributes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, ensure};
use rand::RngExt;
use rand_pcg::Pcg64;
use tch::{Device, Tensor};

use crate::data::{Dataset, Labels};
use crate::tensors::{append_picture, from_pixels};

/// Of a person with at least so many pictures the last one is held out.
const HOLD_OUT_FROM: usize = 3;

/// Labelled pictures.
pub struct Faces {
    /// The pictures.
    pub dataset: Dataset,
    /// Names of the attributes.
    pub attributes: Vec<String>,
    /// A person's number from 0 on, for each picture.
    pub identities: Vec<usize>,
    /// How many persons there are.
    pub persons: usize,
    labels: Vec<Vec<f32>>,
}

/// Labelled pictures as tensors.
pub struct FaceBatch {
    /// `[N, 3, S, S]` f32 in `[0, 1]`, channels last.
    pub pictures: Tensor,
    /// `[N]` i64.
    pub identities: Tensor,
    /// `[N, attributes]` f32, 0 or 1.
    pub attributes: Tensor,
}

impl Faces {
    /// `dataset` with the labels in the folder `root`.
    ///
    /// # Errors
    /// Where a list is absent, cannot be read, or lacks a picture.
    pub fn new(dataset: Dataset, root: &Path) -> Result<Self> {
        let identities = Labels::identities(root)?;
        let attributes = Labels::attributes(root)?;
        let labels: Vec<Vec<f32>> = (attributes.of(&dataset)?.into_iter())
            .map(<[f32]>::to_vec)
            .collect();
        let persons = identities.of(&dataset)?;
        let mut numbers = BTreeMap::new();
        for person in &persons {
            numbers.entry(person[0] as u64).or_insert(0);
        }
        for (n, number) in numbers.values_mut().enumerate() {
            *number = n;
        }
        Ok(Self {
            identities: persons.iter().map(|p| numbers[&(p[0] as u64)]).collect(),
            persons: numbers.len(),
            attributes: attributes.columns,
            labels,
            dataset,
        })
    }

    /// Numbers of the pictures to train on, and of those held out, one of each person that has
    /// enough of them.
    ///
    /// # Errors
    /// Where there is only one person.
    pub fn split(&self) -> Result<(Vec<usize>, Vec<usize>)> {
        ensure!(
            self.persons > 1,
            "all pictures are of one person: a classifier needs several"
        );
        let mut of_person = vec![Vec::new(); self.persons];
        for (i, &person) in self.identities.iter().enumerate() {
            of_person[person].push(i);
        }
        let held: Vec<usize> = (of_person.iter())
            .filter(|pictures| pictures.len() >= HOLD_OUT_FROM)
            .map(|pictures| pictures[pictures.len() - 1])
            .collect();
        let mut train = vec![true; self.dataset.len()];
        for &i in &held {
            train[i] = false;
        }
        Ok(((0..train.len()).filter(|&i| train[i]).collect(), held))
    }

    /// The pictures `indices`, half of them mirrored where `flips` draws so.
    pub fn batch(&self, indices: &[usize], mut flips: Option<&mut Pcg64>) -> FaceBatch {
        let size = self.dataset.size();
        let mut pictures = Vec::with_capacity(indices.len() * size * size * 3);
        for &i in indices {
            let mirrored = flips.as_mut().is_some_and(|rng| rng.random());
            append_picture(&mut pictures, self.dataset.picture(i), size, mirrored);
        }
        let identities: Vec<i64> = indices.iter().map(|&i| self.identities[i] as i64).collect();
        let labels: Vec<f32> = indices
            .iter()
            .flat_map(|&i| self.labels[i].clone())
            .collect();
        FaceBatch {
            pictures: from_pixels(&pictures, indices.len(), size),
            identities: Tensor::from_slice(&identities),
            attributes: Tensor::from_slice(&labels).view([indices.len() as i64, -1]),
        }
    }

    /// Shares of the pictures that have each attribute.
    pub fn frequencies(&self) -> Vec<f64> {
        let count = self.labels.len() as f64;
        (0..self.attributes.len())
            .map(|a| self.labels.iter().map(|l| f64::from(l[a])).sum::<f64>() / count)
            .collect()
    }
}

impl FaceBatch {
    /// The batch on `device`.
    pub fn to_device(&self, device: Device) -> Self {
        Self {
            pictures: self.pictures.to_device(device),
            identities: self.identities.to_device(device),
            attributes: self.attributes.to_device(device),
        }
    }
}
