//! The learning curve of a lesson: few points, however many steps there are.

use super::report::CurvePoint;

/// Points without an accuracy at most.
const MOST: usize = 400;

/// Every so many steps a point, and one wherever the watched photos were looked at. Which points there are depends on the
/// steps alone: a lesson that was stopped and went on has those of one that was not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Points {
    /// A power of two.
    pub every: u64,
    pub kept: Vec<CurvePoint>,
    /// The newest one, unless it is among them.
    pub last: Option<CurvePoint>,
}

impl Default for Points {
    fn default() -> Self {
        Self { every: 1, kept: Vec::new(), last: None }
    }
}

impl Points {
    /// Adds what a step came to.
    pub fn push(&mut self, point: CurvePoint) {
        if !self.is_of(&point) {
            self.last = Some(point);
            return;
        }
        self.last = None;
        self.kept.push(point);
        while self.kept.iter().filter(|point| point.accuracy.is_none()).count() > MOST {
            self.every *= 2;
            let every = self.every;
            self.kept.retain(|point| is_of(point, every));
        }
    }

    /// All of them, by step.
    pub fn points(&self) -> Vec<CurvePoint> {
        self.kept.iter().chain(&self.last).cloned().collect()
    }

    fn is_of(&self, point: &CurvePoint) -> bool {
        is_of(point, self.every)
    }
}

fn is_of(point: &CurvePoint, every: u64) -> bool {
    point.accuracy.is_some() || point.step.saturating_sub(1).is_multiple_of(every)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: u64) -> CurvePoint {
        CurvePoint { step, loss: 1.0 / step as f64, accuracy: step.is_multiple_of(500).then_some(50.0) }
    }

    #[test]
    fn a_long_lesson_has_few_points_among_them_the_first_the_last_and_each_accuracy() {
        let mut points = Points::default();
        for step in 1..=12_345 {
            points.push(point(step));
            let all = points.points();
            assert!(all.len() <= MOST + 26 && all[0].step == 1 && all.last() == Some(&point(step)), "step {step}");
        }
        let all = points.points();
        assert!(all.len() > MOST / 2 && all.is_sorted_by_key(|point| point.step));
        assert_eq!(all.iter().filter(|point| point.accuracy.is_some()).count(), 24);
    }
}
