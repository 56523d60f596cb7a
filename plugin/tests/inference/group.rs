//! Completers that share their runs, and models opened more than once.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use gstmdecomplete::completer::{Batch, Completer, Config, Interrupt, ModelSource, Sharing};
use gstmdecomplete::runtime;

use crate::models::{Model, cpu, open, with_runtime};

/// Longer than any test lasts: a member that waits so long fails its test by [`in_time`].
const FOREVER: Duration = Duration::from_secs(600);

/// Runs `test` where there is ONNX Runtime, and fails where it does not end in time: somebody then
/// waits for a member that will not come.
fn in_time(test: fn()) {
    let (done, ended) = channel();
    let running = thread::spawn(move || {
        with_runtime(test);
        drop(done);
    });
    match ended.recv_timeout(FOREVER / 10) {
        Err(RecvTimeoutError::Timeout) => panic!("a member waits for ever"),
        // Through, or failed.
        Err(RecvTimeoutError::Disconnected) | Ok(()) => {}
    }
    if let Err(panic) = running.join() {
        std::panic::resume_unwind(panic);
    }
}

fn member(group: &str, model: &Model, timeout: Duration) -> Completer {
    member_with(group, model, timeout, &Interrupt::default())
}

fn member_with(group: &str, model: &Model, timeout: Duration, interrupt: &Interrupt) -> Completer {
    let config = Config {
        options: cpu(),
        sharing: Some(Sharing {
            group: group.to_owned(),
            timeout,
            interrupt: interrupt.clone(),
        }),
        ..Default::default()
    };
    let source = ModelSource::Memory(model.to_bytes().into());
    Completer::open(source, config, &mut |_| ()).expect("a generator")
}

/// A batch of crops of one colour each, with a hole over the upper half.
fn batch(colours: &[f32]) -> Batch {
    let mut batch = Batch::new((16, 16));
    batch.resize(colours.len());
    for (crop, colour) in colours.iter().enumerate() {
        let (image, mask) = batch.crop_mut(crop);
        image.fill(*colour);
        for plane in mask.chunks_mut(256) {
            plane[..128].fill(0.0);
        }
    }
    batch
}

/// What the completer fills the holes with, and what it leaves of the rest.
fn fill(completer: &mut Completer, colours: &[f32]) -> Vec<[f32; 2]> {
    let mut batch = batch(colours);
    completer.complete(&mut batch).expect("completions");
    let values = |crop: usize| {
        let completed = batch.completed(crop).expect("a finite completion");
        [completed[0], completed[255]]
    };
    (0..colours.len()).map(values).collect()
}

fn assert_close(found: &[[f32; 2]], wanted: &[[f32; 2]]) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().flatten().zip(wanted.iter().flatten()) {
        assert!((found - wanted).abs() < 1e-5, "{found} and {wanted}");
    }
}

#[test]
fn members_share_runs_and_each_gets_its_own() {
    in_time(|| {
        // It fills every hole with the mean of all crops of the run, so sharing shows.
        let model = Model::mean_of_batch(16, 16);
        let completers = [0, 1, 2].map(|_| member("shared", &model, FOREVER));
        thread::scope(|scope| {
            for (stream, mut completer) in completers.into_iter().enumerate() {
                scope.spawn(move || {
                    for frame in 0..50 {
                        // Streams 0 and 1 bring one crop a frame, stream 2 brings two.
                        let own = [0.1 * stream as f32, 0.01 * frame as f32];
                        let crops = if stream == 2 { 2 } else { 1 };
                        let all = [0.0, 0.1, 0.2, 0.01 * frame as f32];
                        let mean = all.iter().sum::<f32>() / 4.0;
                        let wanted = own.map(|colour| [mean, colour]);
                        let found = fill(&mut completer, &own[..crops]);
                        assert_close(&found, &wanted[..crops]);
                    }
                });
            }
        });
    });
}

#[test]
fn nobody_waits_longer_than_the_timeout() {
    in_time(|| {
        let model = Model::mean_of_batch(16, 16);
        let mut one = member("waits", &model, Duration::from_millis(1));
        let _silent = member("waits", &model, FOREVER);
        assert_close(&fill(&mut one, &[0.25]), &[[0.25, 0.25]]);
        assert_close(&fill(&mut one, &[]), &[]);
    });
}

#[test]
fn members_in_series_do_not_wait_for_each_other() {
    with_runtime(|| {
        let model = Model::mean_of_batch(16, 16);
        let timeout = Duration::from_secs(1);
        let mut members = [0, 1].map(|_| member("series", &model, timeout));
        let start = Instant::now();
        for frame in 0..20 {
            let colour = 0.04 * frame as f32;
            for member in &mut members {
                assert_close(&fill(member, &[colour]), &[[colour; 2]]);
            }
        }
        // The first one cannot know yet whether the second comes meanwhile.
        let waits = start.elapsed().as_secs_f64() / timeout.as_secs_f64();
        assert!(waits < 2.0, "{waits}");
    });
}

#[test]
fn who_is_silent_is_waited_for_once() {
    with_runtime(|| {
        let model = Model::mean_of_batch(16, 16);
        let timeout = Duration::from_secs(1);
        let mut one = member("once", &model, timeout);
        let _silent = member("once", &model, timeout);
        let start = Instant::now();
        for _ in 0..20 {
            assert_close(&fill(&mut one, &[0.5]), &[[0.5, 0.5]]);
        }
        let waits = start.elapsed().as_secs_f64() / timeout.as_secs_f64();
        assert!(waits < 2.0, "{waits}");
    });
}

#[test]
fn an_interrupt_ends_waits_until_it_is_cleared() {
    in_time(|| {
        let model = Model::mean_of_batch(16, 16);
        let interrupt = Interrupt::default();
        let mut one = member_with("interrupted", &model, FOREVER, &interrupt);
        let mut other = member("interrupted", &model, FOREVER);
        interrupt.set();
        // Neither a wait that begins afterwards ...
        assert_close(&fill(&mut one, &[0.25]), &[[0.25, 0.25]]);
        interrupt.clear();
        // ... nor one that goes on; whether this is the one or the other, it ends.
        thread::scope(|scope| {
            let waiting = scope.spawn(|| fill(&mut one, &[0.5]));
            interrupt.set();
            let found = waiting.join().expect("a completion");
            assert_close(&found, &[[0.5, 0.5]]);
        });
        interrupt.clear();
        // Cleared, they share again.
        thread::scope(|scope| {
            let first = scope.spawn(|| fill(&mut one, &[0.2]));
            let second = scope.spawn(|| fill(&mut other, &[0.4]));
            assert_close(&first.join().expect("a completion"), &[[0.3, 0.2]]);
            assert_close(&second.join().expect("a completion"), &[[0.3, 0.4]]);
        });
    });
}

#[test]
fn who_leaves_is_not_waited_for() {
    in_time(|| {
        let model = Model::mean_of_batch(16, 16);
        let mut one = member("leaves", &model, FOREVER);
        let other = member("leaves", &model, FOREVER);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| fill(&mut one, &[0.5]));
            drop(other);
            let found = waiting.join().expect("a completion");
            assert_close(&found, &[[0.5, 0.5]]);
        });
    });
}

#[test]
fn other_groups_and_other_models_are_not_waited_for() {
    in_time(|| {
        let model = Model::mean_of_batch(16, 16);
        let mut one = member("mine", &model, FOREVER);
        let _other_group = member("yours", &model, FOREVER);
        let _other_model = member("mine", &Model::mean_fill(16, 16), FOREVER);
        assert_close(&fill(&mut one, &[0.5]), &[[0.5, 0.5]]);
    });
}

#[test]
fn more_crops_than_a_run_takes_are_not_waited_for() {
    in_time(|| {
        let model = Model::mean_fill(16, 16);
        let mut one = member("full", &model, FOREVER);
        let _silent = member("full", &model, FOREVER);
        let colours = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
        assert_close(
            &fill(&mut one, &colours),
            &colours.map(|colour| [colour; 2]),
        );
    });
}

#[test]
fn a_run_that_fails_fails_for_all_members_and_the_next_one_succeeds() {
    in_time(|| {
        let model = Model::fails_on_white(16, 16);
        let completers = [0.9, 0.5].map(|colour| (colour, member("fails", &model, FOREVER)));
        thread::scope(|scope| {
            for (colour, mut completer) in completers {
                scope.spawn(move || {
                    for (white, fails) in [(false, false), (true, true), (false, false)] {
                        let mut batch = batch(&[colour]);
                        if white {
                            let (image, mask) = batch.crop_mut(0);
                            image.fill(2.0);
                            mask.fill(1.0);
                        }
                        assert_eq!(completer.complete(&mut batch).is_err(), fails);
                    }
                });
            }
        });
    });
}

#[test]
fn the_same_model_is_open_once_and_closed_by_the_last_user() {
    with_runtime(|| {
        let same = Model::flat(16, 16, 0.123).to_bytes();
        let other = Model::flat(16, 16, 0.321).to_bytes();
        let first = runtime::open(&same, &cpu()).expect("a model");
        let weak = std::sync::Arc::downgrade(&first);
        let second = runtime::open(&same, &cpu()).expect("a model");
        assert!(std::sync::Arc::ptr_eq(&first, &second));
        // By way of `auto` too, where that ends on the same provider.
        let by_auto = runtime::open(&same, &Default::default()).expect("a model");
        assert_eq!(
            by_auto.active() == first.active(),
            std::sync::Arc::ptr_eq(&first, &by_auto)
        );
        drop(by_auto);

        let threads = runtime::RuntimeOptions {
            threads: Some(1),
            ..cpu()
        };
        for different in [
            runtime::open(&other, &cpu()),
            runtime::open(&same, &threads),
        ] {
            let different = different.expect("a model");
            assert!(!std::sync::Arc::ptr_eq(&first, &different));
        }
        drop((first, second));
        assert!(weak.upgrade().is_none());
    });
}

#[test]
fn completers_of_one_model_run_from_several_threads() {
    with_runtime(|| {
        let model = Model::mean_fill(16, 16).to_bytes();
        thread::scope(|scope| {
            for stream in 0..4 {
                let mut completer = open(&model, &cpu()).expect("a generator");
                scope.spawn(move || {
                    for frame in 0..50 {
                        let colour = 0.2 * stream as f32 + 0.001 * frame as f32;
                        assert_close(&fill(&mut completer, &[colour]), &[[colour; 2]]);
                    }
                });
            }
        });
    });
}
