//! Kinds of damage, as properties of the element.

use crate::settings::{self, Setting};

/// A kind of damage, which stands for properties of the element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// Colour channels that are dead, stuck, noise or displaced: damaged-channels=auto
    DeadChannel,
    /// Drop-outs of a tape, lost blocks, and bars of the digital magenta: damage=lines+blocks and
    /// damage-color=0xff00ff
    DropOuts,
    /// Dust, dirt, hairs and vertical scratches of a film: damage=dirt+scratches
    /// damage-max-size=0.05
    Film,
    /// Faces with something before them, such as hands, masks and dark glasses: occlusion=auto
    CoveredFaces,
}

impl Preset {
    /// The properties it stands for.
    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::DeadChannel => &[("damaged-channels", "auto")],
            Self::DropOuts => &[("damage", "lines+blocks"), ("damage-color", "0xff00ff")],
            Self::Film => &[("damage", "dirt+scratches"), ("damage-max-size", "0.05")],
            Self::CoveredFaces => &[("occlusion", "auto")],
        }
    }
}

/// The settings of `presets`, and then `own`, which wins where both say something.
pub fn settings(presets: &[Preset], own: &[Setting]) -> Vec<Setting> {
    let mut all: Vec<Setting> = Vec::new();
    for (index, preset) in presets.iter().enumerate() {
        if presets[..index].contains(preset) {
            continue;
        }
        for (name, value) in preset.settings() {
            match all.iter_mut().find(|setting| setting.name == *name) {
                // Presets that look for damage of other kinds look for it together.
                Some(setting) => setting.value = format!("{}+{value}", setting.value),
                None => all.push(Setting::new(name, value)),
            }
        }
    }
    all.retain(|setting| !settings::has(own, &setting.name));
    all.extend_from_slice(own);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_wins() {
        let own = [Setting::new("damage-color", "0xff0000")];
        let all = settings(&[Preset::DeadChannel, Preset::DropOuts], &own);
        assert_eq!(
            all,
            [
                Setting::new("damaged-channels", "auto"),
                Setting::new("damage", "lines+blocks"),
                Setting::new("damage-color", "0xff0000")
            ]
        );
    }

    #[test]
    fn presets_look_for_damage_together() {
        let all = settings(&[Preset::DropOuts, Preset::Film, Preset::Film], &[]);
        let found = all.iter().filter(|setting| setting.name == "damage");
        assert!(found.eq([&Setting::new("damage", "lines+blocks+dirt+scratches")]));
        let sizes = all.iter().filter(|s| s.name == "damage-max-size");
        assert_eq!(sizes.count(), 1);
    }
}
