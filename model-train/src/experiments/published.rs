//! The paper's figures, to stand beside ours.

/// Table 3: PSNR (dB) of CE, GFC and MDE, then SSIM of the same, in the order of the occlusions.
pub const OCCLUSIONS: [([f64; 3], [f64; 3]); 6] = [
    ([18.6, 19.4, 21.6], [0.772, 0.804, 0.814]),
    ([18.4, 19.3, 21.8], [0.774, 0.808, 0.815]),
    ([17.9, 18.3, 21.8], [0.719, 0.731, 0.839]),
    ([19.0, 19.1, 22.4], [0.754, 0.759, 0.855]),
    ([19.1, 18.9, 22.6], [0.757, 0.755, 0.860]),
    ([19.3, 19.7, 21.9], [0.818, 0.824, 0.818]),
];

/// Table 1: landmark error and attribute error (%) after each pretraining, by the names of the
/// networks; the first has random weights.
pub const TRANSFER: [(&str, [f64; 2]); 11] = [
    ("random", [9.753, 19.79]),
    ("Col-1", [2.358, 11.69]),
    ("Col-2", [2.278, 10.92]),
    ("I-0.25", [5.411, 16.12]),
    ("RI-0.25", [1.496, 13.73]),
    ("RE-0.25", [2.039, 12.72]),
    ("RE-0.33", [1.719, 11.41]),
    ("RE-0.5", [1.759, 10.39]),
    ("REC-0.1", [1.509, 10.49]),
    ("REC-0.3", [1.451, 10.30]),
    ("REC-0.5", [1.498, 10.16]),
];

/// Table 2: attribute error (%) of other methods.
pub const ATTRIBUTES: [(&str, f64); 7] = [
    ("supervised pre-training", 13.4),
    ("single-task baseline", 10.37),
    ("multi-task baseline", 9.58),
    ("parallel order", 10.21),
    ("parallel order + landmarks", 10.29),
    ("soft order + identity", 8.64),
    ("MDE-REC(0.5), 50,000 updates", 9.17),
];

/// The tasks of Fig. 8 and Table 1 that networks are trained for.
pub const TASKS: [&str; 10] = [
    "I:0.25", "RI:0.25", "Col-1", "Col-2", "RE:0.25", "RE:0.33", "RE:0.5", "REC:0.1", "REC:0.3",
    "REC:0.5",
];
