//! The line before the hashing threads: first come, first served, and nobody's network takes all of it. A network that
//! comes alone may have every place; where others stand in line as well, each has its equal share (security.md 66), so
//! that a crowd behind one address keeps nobody else out.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// What waits in line.
pub(crate) trait Waiting {
    /// True where nobody waits for the answer any more: the work is spared.
    fn is_abandoned(&self) -> bool;
}

/// Who stands in line, by network: with a task, or with a place kept for one that comes in a moment.
pub(crate) struct Line<T> {
    room: usize,
    tasks: VecDeque<(Arc<str>, T)>,
    standing: HashMap<Arc<str>, usize>,
}

impl<T: Waiting> Line<T> {
    /// An empty line of `room` places, and as many again for those who come while others fill the first.
    pub(crate) fn new(room: usize) -> Self {
        Self {
            room: room.max(1),
            tasks: VecDeque::new(),
            standing: HashMap::new(),
        }
    }

    /// Takes a place where there is one; those who gave up make room before anybody is sent away.
    pub(crate) fn enter(&mut self, network: &Arc<str>) -> bool {
        if !self.has_room_for(network) {
            self.forget_abandoned();
        }
        let enters = self.has_room_for(network);
        if enters {
            self.count(network);
        }
        enters
    }

    /// Gives a place back.
    pub(crate) fn leave(&mut self, network: &str) {
        if let Some(standing) = self.standing.get_mut(network) {
            *standing -= 1;
            if *standing == 0 {
                self.standing.remove(network);
            }
        }
    }

    /// Stands a task at the end, beside the place that was kept for it.
    pub(crate) fn push(&mut self, network: &Arc<str>, task: T) {
        self.count(network);
        self.tasks.push_back((Arc::clone(network), task));
    }

    /// The next task that somebody waits for.
    pub(crate) fn pop(&mut self) -> Option<T> {
        while let Some((network, task)) = self.tasks.pop_front() {
            self.leave(&network);
            if !task.is_abandoned() {
                return Some(task);
            }
        }
        None
    }

    /// Tasks in line.
    pub(crate) fn waiting(&self) -> usize {
        self.tasks.len()
    }

    fn has_room_for(&self, network: &str) -> bool {
        let own = self.standing.get(network).copied().unwrap_or_default();
        let networks = self.standing.len() + usize::from(own == 0);
        let share = (self.room / networks).max(1);
        own < share && self.standing.values().sum::<usize>() < 2 * self.room
    }

    fn count(&mut self, network: &Arc<str>) {
        *self.standing.entry(Arc::clone(network)).or_default() += 1;
    }

    fn forget_abandoned(&mut self) {
        let tasks = std::mem::take(&mut self.tasks);
        let (gone, waiting): (VecDeque<_>, VecDeque<_>) = tasks.into_iter().partition(|(_, task)| task.is_abandoned());
        self.tasks = waiting;
        for (network, _) in gone {
            self.leave(&network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// True: given up.
    impl Waiting for bool {
        fn is_abandoned(&self) -> bool {
            *self
        }
    }

    /// How many of `wanted` places a network gets.
    fn take(line: &mut Line<bool>, network: &str, wanted: usize) -> usize {
        let network = Arc::from(network);
        (0..wanted).filter(|_| line.enter(&network)).count()
    }

    // security.md 66
    #[test]
    fn a_network_alone_has_every_place_and_keeps_nobody_else_out() {
        let mut line = Line::new(64);
        assert_eq!(take(&mut line, "crowd", 100), 64);
        assert_eq!(take(&mut line, "one", 1), 1);
        assert_eq!(take(&mut line, "another", 100), 21);
        // What the crowd has beyond its share it keeps, but it gets no more before others are served.
        for _ in 0..43 {
            line.leave("crowd");
            assert_eq!(take(&mut line, "crowd", 1), 0);
        }
        line.leave("crowd");
        assert_eq!(take(&mut line, "crowd", 5), 1);
        for _ in 0..22 {
            line.leave("another");
            line.leave("one");
        }
        assert_eq!(take(&mut line, "crowd", 100), 64 - 21);
    }

    #[test]
    fn more_networks_than_places_have_one_each_until_twice_the_places_are_taken() {
        let mut line = Line::new(4);
        let taken: usize = (0..20).map(|n| take(&mut line, &n.to_string(), 3)).sum();
        assert_eq!(taken, 8);
    }

    #[test]
    fn tasks_come_in_order_and_who_gave_up_leaves_room() {
        let mut line = Line::new(2);
        let network = Arc::from("one");
        for given_up in [true, false] {
            line.push(&network, given_up);
        }
        assert!(line.enter(&network) && !line.enter(&network));
        assert_eq!((line.pop(), line.pop(), line.waiting()), (Some(false), None, 0));
    }

    proptest! {
        #[test]
        fn whatever_others_do_a_network_gets_its_share_and_the_line_stays_short(
            steps in prop::collection::vec((0..6_u8, any::<bool>()), 0..400),
        ) {
            let mut line = Line::<bool>::new(12);
            for (network, enters) in steps {
                let name = network.to_string();
                if enters { take(&mut line, &name, 1); } else { line.leave(&name); }
                prop_assert!(line.standing.values().all(|standing| (1..=12).contains(standing)));
                prop_assert!(line.standing.values().sum::<usize>() <= 24);
                // Six others at the most, each of whom took all it could: there is room left for one who comes now.
                prop_assert!(line.has_room_for("newcomer") || line.standing.values().sum::<usize>() == 24);
            }
        }
    }
}
