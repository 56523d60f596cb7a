//! The runs of a group, in which the crops of its members come together.

use std::thread::{self, ThreadId};

use super::Batch;
use super::interrupt::Interrupt;
use crate::runtime::MAX_CROPS;

/// The runs of a group that collect crops, go on, or wait to be fetched.
#[derive(Debug, Default)]
pub struct Rounds {
    members: Vec<Member>,
    /// Used again and again.
    all: Vec<Round>,
    /// The one that collects crops.
    open: Option<usize>,
}

/// One who brings crops.
#[derive(Debug)]
struct Member {
    id: usize,
    /// Ends its waits.
    interrupt: Interrupt,
    /// Where it came from the last time; nothing before the first.
    thread: Option<ThreadId>,
    /// The round its crops are in.
    round: Option<usize>,
    /// Whether a round waits for it: not where one has done so in vain, until it comes again.
    is_awaited: bool,
}

#[derive(Debug)]
struct Round {
    /// Empty while the run goes on.
    batch: Batch,
    /// Members whose crops are in it and who have not fetched their completions.
    waiting: usize,
    outcome: Option<Outcome>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There are completions.
    Done,
    /// With ONNX Runtime's words.
    Failed(String),
    /// Who ran it came to an end in the middle.
    Abandoned,
}

/// A member's crops in a round.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Which round.
    pub round: usize,
    first: usize,
}

impl Share {
    /// Whether they are the first ones there, so that their member runs the round.
    pub fn leads(&self) -> bool {
        self.first == 0
    }
}

impl Rounds {
    /// Adds a member whose waits `interrupt` ends.
    pub fn add_member(&mut self, id: usize, interrupt: Interrupt) {
        self.members.push(Member {
            id,
            interrupt,
            thread: None,
            round: None,
            is_awaited: true,
        });
    }

    /// Takes a member away.
    pub fn remove_member(&mut self, id: usize) {
        self.members.retain(|member| member.id != id);
    }

    /// Puts the crops of `batch` into the round that collects, or into a new one.
    pub fn join(&mut self, member: usize, batch: &Batch) -> Share {
        let index = self.open.unwrap_or_else(|| self.vacant(batch));
        let round = &mut self.all[index];
        let crops = &mut round.batch;
        let first = crops.len();
        crops.resize(first + batch.len());
        for crop in 0..batch.len() {
            crops.copy_crop(first + crop, batch, crop);
        }
        round.waiting += 1;
        // What is full leaves without waiting.
        self.open = (crops.len() < MAX_CROPS).then_some(index);
        if let Some(member) = self.members.iter_mut().find(|m| m.id == member) {
            member.thread = Some(thread::current().id());
            member.round = Some(index);
            member.is_awaited = true;
        }
        Share {
            round: index,
            first,
        }
    }

    /// Whether `round`, run by this thread, is to collect more crops: there is a member that may
    /// bring some, and nobody in the round is in a hurry. A member that came from this very thread
    /// cannot bring any before this round is over.
    pub fn collects(&self, round: usize) -> bool {
        let here = Some(thread::current().id());
        let is_in = |member: &Member| member.round == Some(round);
        let may_come = |m: &Member| !is_in(m) && m.is_awaited && m.thread != here;
        let hurries = |m: &Member| is_in(m) && m.interrupt.is_set();
        self.open == Some(round)
            && self.members.iter().any(may_come)
            && !self.members.iter().any(hurries)
    }

    /// Nobody has come to `round` in time who is not in it: they are not waited for again before
    /// they come.
    pub fn await_no_other(&mut self, round: usize) {
        for member in &mut self.members {
            member.is_awaited &= member.round == Some(round);
        }
    }

    /// Closes the round and takes its crops to be run.
    pub fn start(&mut self, round: usize) -> Batch {
        if self.open == Some(round) {
            self.open = None;
        }
        let batch = &mut self.all[round].batch;
        let empty = batch.empty_like();
        std::mem::replace(batch, empty)
    }

    /// The run of the round has ended, with its crops in `batch`.
    pub fn finish(&mut self, round: usize, batch: Batch, outcome: Outcome) {
        self.all[round].batch = batch;
        self.all[round].outcome = Some(outcome);
    }

    /// The run of the round has come to no end, and its crops are lost.
    pub fn abandon(&mut self, round: usize) {
        self.all[round].outcome = Some(Outcome::Abandoned);
    }

    /// Whether the run of the round goes on, or has not begun.
    pub fn is_running(&self, round: usize) -> bool {
        self.all[round].outcome.is_none()
    }

    /// Copies the completions of a member's crops, where there are any.
    pub fn fetch(&mut self, member: usize, share: Share, batch: &mut Batch) -> Outcome {
        let round = &self.all[share.round];
        let outcome = round.outcome.clone().unwrap_or(Outcome::Abandoned);
        if outcome == Outcome::Done {
            batch.copy_completions(&round.batch, share.first);
        }
        self.leave(member, share.round);
        outcome
    }

    /// A member has no more to do with the round; the last one to say so frees it.
    pub fn leave(&mut self, member: usize, round: usize) {
        if let Some(member) = self.members.iter_mut().find(|m| m.id == member) {
            member.round = None;
        }
        let round = &mut self.all[round];
        round.waiting -= 1;
        if round.waiting == 0 {
            round.outcome = None;
            round.batch.resize(0);
        }
    }

    /// Whether no round collects crops.
    #[cfg(test)]
    pub fn is_closed(&self) -> bool {
        self.open.is_none()
    }

    /// A round that nobody uses, for crops like those of `batch`.
    fn vacant(&mut self, batch: &Batch) -> usize {
        let vacant = self.all.iter().position(|round| round.waiting == 0);
        vacant.unwrap_or_else(|| {
            self.all.push(Round {
                batch: batch.empty_like(),
                waiting: 0,
                outcome: None,
            });
            self.all.len() - 1
        })
    }
}
