//! Time of the change-point detector.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use runner::history::{Detector, History, Key, Point};

/// Uniform noise of one in fifty about a level that changes every `level` points.
fn series(count: usize, level: usize) -> Vec<Point> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut base = 1000.0;
    (0..count)
        .map(|index| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if index > 0 && index % level == 0 {
                base *= [0.9, 0.95, 1.05, 1.1][(state % 4) as usize];
            }
            let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
            Point::new(base * (1.0 + 0.04 * (unit - 0.5)))
        })
        .collect()
}

fn history(c: &mut Criterion) {
    let detector = Detector::default();
    for (name, count, level) in [
        ("100 points", 100, 97),
        ("1000 points", 1000, 97),
        ("10000 points", 10_000, 97),
        ("10000 flat", 10_000, 20_000),
    ] {
        let points = series(count, level);
        c.bench_function(&format!("analyse/{name}"), |b| {
            b.iter(|| detector.analyse(Key(1), black_box(&points), &[]))
        });
    }
    let points = series(1000, 97);
    c.bench_function("analyse/339 series of 1000 points", |b| {
        b.iter(|| {
            (0..339).map(|key| detector.analyse(Key(key), black_box(&points), &[]).len()).sum::<usize>()
        });
    });
    let points = series(10_000, 97);
    c.bench_function("append/10000 points one by one", |b| {
        b.iter(|| {
            let mut history = History::new(detector, Key(1));
            points.iter().map(|point| history.append(black_box(*point), &[]).len()).sum::<usize>()
        });
    });
    let mut grown = History::new(detector, Key(1));
    for point in &points {
        grown.append(*point, &[]);
    }
    c.bench_function("append/one point to 10000", |b| {
        b.iter_batched(
            || {
                // A clone has no room to grow; the first point after it pays for moving them all.
                let mut history = grown.clone();
                history.append(points[9_989], &[]);
                history
            },
            |mut history| {
                history.append(points[9_990], &[]);
                history
            },
            BatchSize::LargeInput,
        );
    });
}

criterion_group!(benches, history);
criterion_main!(benches);
