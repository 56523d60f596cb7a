//! `mde-train`: trains generators of the Missing Data Encoder.

mod allocator;
mod commands;
mod covers;
mod data;
mod evaluation;
mod experiments;
mod features;
mod files;
mod ncnn;
mod network;
mod onnx;
mod points;
mod prototypes;
mod refine;
mod report;
mod scenes;
mod tensors;
mod training;
mod views;

use clap::Parser;

#[derive(Parser)]
#[command(version, about)]
enum Command {
    Train(commands::train::Train),
    Eval(commands::eval::Eval),
    Export(commands::export::Export),
    Features(commands::features::Features),
    Experiment(commands::experiment::RunExperiment),
    Results(commands::results::Results),
    Bench(commands::bench::Bench),
    Points(commands::points::Points),
    Covers(commands::covers::Covers),
    Views(commands::views::Views),
    Refine(commands::refine::Refine),
    Prototypes(commands::prototypes::Prototypes),
    Scenes(commands::scenes::Scenes),
    ExportLpips(commands::export_lpips::ExportLpips),
    ConvertSqueezenet(commands::convert_squeezenet::ConvertSqueezenet),
}

fn main() -> anyhow::Result<()> {
    allocator::keep_big_blocks();
    match Command::parse() {
        Command::Train(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Features(command) => command.run(),
        Command::Experiment(command) => command.run(),
        Command::Results(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Points(command) => command.run(),
        Command::Covers(command) => command.run(),
        Command::Views(command) => command.run(),
        Command::Refine(command) => command.run(),
        Command::Prototypes(command) => command.run(),
        Command::Scenes(command) => command.run(),
        Command::ExportLpips(command) => command.run(),
        Command::ConvertSqueezenet(command) => command.run(),
    }
}
