//! The order in which tasks are submitted: depth first, and what frees memory before what takes some.
//!
//! The goal is that of `dask.order`: few values at once. Finding the best order is hard (it is the register allocation of
//! compilers); for trees this gives it, for other graphs it is good.
//!
//! - For each wanted task, what it needs is finished input by input, the input first that needs most memory on its way
//!   (Sethi and Ullman's rule). So a tree holds as many values as it is deep, not as it is wide.
//! - Whenever a task has been placed, all those are placed that can run now and free at least as much as they take. So a value
//!   that several parts of a graph take, such as a chunk that goes into a sum and into a sum of squares, goes
//!   through all of them while it is there.
//! - If all that the last taker of a value waits for is small, such as a row that a chunk is multiplied with, that is placed
//!   for its sake.

use std::cmp::Reverse;

use crate::graph::graph::{Graph, Task};

/// The places of the tasks, in the order in which to submit them.
pub(crate) fn order(graph: &Graph) -> Vec<usize> {
    let mut order = Order::new(graph);
    // Also what nobody asked for, if it is there.
    let ends = (0..graph.tasks.len()).filter(|place| order.takers[*place].is_empty());
    let targets: Vec<usize> = graph.wanted.iter().copied().chain(ends).collect();
    targets.into_iter().for_each(|target| order.reach(target));
    order.placed
}

struct Order {
    inputs: Vec<Vec<usize>>,
    takers: Vec<Vec<usize>>,
    /// About how much memory each value takes, in any unit.
    weight: Vec<u64>,
    /// How much memory is held on the way to each, about.
    need: Vec<u64>,
    /// Whether a value stays whoever takes it: it was asked for.
    stays: Vec<bool>,
    /// How many inputs of each are not placed.
    missing: Vec<usize>,
    /// How many of those that take each are not placed.
    left: Vec<usize>,
    is_placed: Vec<bool>,
    placed: Vec<usize>,
}

impl Order {
    fn new(graph: &Graph) -> Self {
        let mut inputs: Vec<Vec<usize>> = graph.tasks.iter().map(Task::inputs).collect();
        let mut takers = vec![Vec::new(); inputs.len()];
        for (place, inputs) in inputs.iter().enumerate() {
            inputs.iter().for_each(|input| takers[*input].push(place));
        }
        let weight = weights(&graph.tasks);
        let need = sort_by_need(&mut inputs, &weight);
        Self {
            missing: inputs.iter().map(Vec::len).collect(),
            left: takers.iter().map(Vec::len).collect(),
            stays: graph.tasks.iter().map(|task| task.is_wanted).collect(),
            is_placed: vec![false; inputs.len()],
            placed: Vec::with_capacity(inputs.len()),
            inputs,
            takers,
            weight,
            need,
        }
    }

    /// Places a task, and before it what it needs. After each goes what can run then and takes no memory.
    fn reach(&mut self, target: usize) {
        self.walk(target, Self::place);
    }

    fn walk(&mut self, target: usize, mut place_next: impl FnMut(&mut Self, usize)) {
        let mut path = vec![target];
        while let Some(place) = path.last().copied() {
            if self.is_placed[place] {
                path.pop();
            } else if self.missing[place] == 0 {
                path.pop();
                place_next(self, place);
            } else {
                // The first of them on top.
                path.extend(self.inputs[place].iter().rev().filter(|input| !self.is_placed[**input]));
            }
        }
    }

    /// Places a task, and after it what can run then, or lacks little for it, and takes no memory.
    fn place(&mut self, place: usize) {
        let mut candidates = Vec::new();
        self.place_one(place, &mut candidates);
        while let Some(candidate) = candidates.pop() {
            if !self.is_placed[candidate] && self.is_near(candidate) && self.growth(candidate) <= 0 {
                self.walk(candidate, |order, place| order.place_one(place, &mut candidates));
            }
        }
    }

    /// Places a task. Those for whom it makes a difference go to `candidates`, the best of them last.
    fn place_one(&mut self, place: usize, candidates: &mut Vec<usize>) {
        self.is_placed[place] = true;
        self.placed.push(place);
        let first = candidates.len();
        for index in 0..self.inputs[place].len() {
            let input = self.inputs[place][index];
            self.left[input] -= 1;
            if self.left[input] == 1 {
                // From now on the last of them frees it. Looked for once for each value.
                candidates.extend(self.takers[input].iter().find(|taker| !self.is_placed[**taker]));
            }
        }
        for taker in &self.takers[place] {
            self.missing[*taker] -= 1;
            if self.missing[*taker] == 0 {
                candidates.push(*taker);
            }
        }
        let mut new = candidates.split_off(first);
        new.retain(|candidate| self.is_near(*candidate));
        new.sort_by_key(|candidate| Reverse((self.growth(*candidate), *candidate)));
        candidates.append(&mut new);
    }

    /// Whether a task can run now, or lacks a few things only that take little memory beside what it has.
    fn is_near(&self, place: usize) -> bool {
        if self.missing[place] == 0 {
            return true;
        }
        if self.inputs[place].len() > NEAR_INPUTS_MAX {
            return false;
        }
        let (mut there, mut lacking) = (0_u64, 0_u64);
        for input in &self.inputs[place] {
            match self.is_placed[*input] {
                true => there = there.saturating_add(self.weight[*input]),
                false => lacking = lacking.saturating_add(self.need[*input]),
            }
        }
        lacking <= there / 8
    }

    /// How much more memory is held once a task has run.
    fn growth(&self, place: usize) -> i64 {
        let is_freed = |input: &&usize| self.left[**input] == 1 && !self.stays[**input];
        let freed = self.inputs[place].iter().filter(is_freed).map(|input| self.weight[*input]).sum::<u64>();
        let is_kept = self.stays[place] || !self.takers[place].is_empty();
        let taken = if is_kept { self.weight[place] } else { 0 };
        taken as i64 - freed as i64
    }
}

/// How many inputs are looked at for what a task lacks. What takes from more has most of its values from elsewhere.
const NEAR_INPUTS_MAX: usize = 8;

/// Largest weight of a value: sums of as many as there can be stay far from overflowing.
const WEIGHT_MAX: u64 = 1 << 40;

fn weights(tasks: &[Task]) -> Vec<u64> {
    let known = |task: &Task| if task.is_future() { Some(0) } else { task.last().header().hints.nbytes };
    let told = || tasks.iter().filter(|task| !task.is_future()).filter_map(known);
    let (count, sum) = told().fold((0_u64, 0_u64), |(count, sum), nbytes| (count + 1, sum.saturating_add(nbytes)));
    let usual = sum.checked_div(count).unwrap_or(1).max(1);
    tasks.iter().map(|task| known(task).unwrap_or(usual).min(WEIGHT_MAX)).collect()
}

/// Sorts the inputs of each task: the one first that needs most on its way beyond what it leaves. Equal ones stay
/// neighbours in the order in which they are given, and so do those that differ by less than an eighth: what each link
/// of a chain adds, such as the last row of a block, must not turn the order from across many chains to along each of
/// them, in which one waits for the other.
fn sort_by_need(inputs: &mut [Vec<usize>], weight: &[u64]) -> Vec<u64> {
    let mut need = vec![0_u64; inputs.len()];
    for place in 0..inputs.len() {
        inputs[place].sort_by_key(|input| Reverse(roughly(need[*input].saturating_sub(weight[*input]))));
        let (mut held, mut most) = (0_u64, 0_u64);
        for input in &inputs[place] {
            most = most.max(held.saturating_add(need[*input]));
            held = held.saturating_add(weight[*input]);
        }
        need[place] = most.max(held.saturating_add(weight[place]));
    }
    need
}

/// The number without all but its first four binary digits.
fn roughly(number: u64) -> u64 {
    let left_out = (u64::BITS - number.leading_zeros()).saturating_sub(4);
    number >> left_out << left_out
}
