//! Points as the segmentation wants them.

use super::types::Point;

/// The finite values of a stretch of one unit, with what is known about the places between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    /// Finite values.
    pub(super) values: Vec<f64>,
    /// Whether a boundary may stand before each value: not within a commit.
    pub(super) allowed: Vec<bool>,
    /// Index of each value among the points of the history.
    pub(super) indexes: Vec<usize>,
}

impl Series {
    /// Takes the points from index `start` to before `end`.
    pub(super) fn of(points: &[Point], start: usize, end: usize) -> Self {
        let mut series = Self::default();
        let mut last: Option<&Point> = None;
        for (index, point) in points.iter().enumerate().take(end).skip(start) {
            if !point.value.is_finite() {
                continue;
            }
            let is_same_commit =
                last.is_some_and(|last| last.commit.is_some() && last.commit == point.commit);
            series.values.push(point.value);
            series.allowed.push(last.is_some() && !is_same_commit);
            series.indexes.push(index);
            last = Some(point);
        }
        series
    }

    /// Place among the values of the first one at or after an index of the history.
    pub(super) fn place(&self, index: usize) -> usize {
        self.indexes.partition_point(|known| *known < index)
    }

    /// Index of the history of a place among the values.
    pub(super) fn index(&self, place: usize) -> usize {
        self.indexes.get(place).copied().unwrap_or(0)
    }
}

/// First indexes of the stretches of one unit: 0 and wherever two known units differ.
pub(super) fn unit_starts(points: &[Point]) -> Vec<usize> {
    let mut starts = vec![0];
    let mut unit = None;
    for (index, point) in points.iter().enumerate() {
        match (unit, point.unit) {
            (Some(old), Some(new)) if old != new => {
                starts.push(index);
                unit = point.unit;
            }
            (None, Some(_)) => unit = point.unit,
            _ => {}
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::super::types::Key;
    use super::*;

    #[test]
    fn missing_points_are_left_out_and_runs_of_one_commit_stay_together() {
        let (a, b) = (Key::of("a"), Key::of("b"));
        let points = [
            Point::new(1.0).at_commit(a),
            Point::new(f64::NAN).at_commit(b),
            Point::new(2.0).at_commit(a),
            Point::new(3.0).at_commit(b),
            Point::new(f64::INFINITY),
            Point::new(4.0),
        ];
        let series = Series::of(&points, 0, points.len());
        assert_eq!(series.values, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(series.allowed, [false, false, true, true]);
        assert_eq!((series.place(3), series.index(3)), (2, 5));
    }

    #[test]
    fn a_unit_that_is_not_named_is_the_last_one_named() {
        let (ns, us) = (Key::of("ns"), Key::of("us"));
        let point = Point::new(1.0);
        let points = [point, point.in_unit(ns), point, point.in_unit(us), point.in_unit(us)];
        assert_eq!(unit_starts(&points), [0, 3]);
    }
}
