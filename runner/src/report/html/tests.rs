//! The page as a whole: what it must hold whatever is reported.

use std::collections::HashSet;

use super::html;
use super::policy::policy;
use crate::analysis::{BenchVerdict, Verdict};
use crate::assess::Assessment;
use crate::assess::samples::{HOSTILE, assessment, cold};
use crate::report::golden::check;
use crate::report::markdown;

/// Elements without an end tag.
const VOID: [&str; 4] = ["meta", "br", "input", "!DOCTYPE"];

/// An assessment in which every text that comes from outside is hostile.
fn hostile() -> Assessment {
    let mut assessment = assessment();
    let hostile = || HOSTILE.to_owned();
    let head = &mut assessment.run.head;
    (head.id, head.command, head.profile) = (hostile(), hostile(), Some(hostile()));
    (head.plan, head.revision) = (Some(hostile()), Some(hostile()));
    for stored in &mut assessment.run.boots {
        stored.crash_frames = vec![hostile()];
        let boot = &mut stored.boot;
        (boot.end_detail, boot.bench_running) = (hostile(), Some(hostile()));
        let machine = boot.machine.as_mut().expect("known");
        (machine.cpu.brand, machine.cpu.features) = (hostile(), vec![hostile()]);
        (machine.hypervisor, machine.firmware.vendor) = (Some(hostile()), hostile());
        let clock = boot.clock.as_mut().expect("known");
        (clock.note, clock.sources[0].name) = (hostile(), hostile());
        for bench in &mut boot.benches {
            bench.id = format!("{}/{HOSTILE}", bench.id);
            bench.reason = Some(hostile());
            bench.checksum = Some(hostile());
        }
    }
    for course in &mut assessment.courses {
        course.series.bench = format!("{}/{HOSTILE}", course.series.bench);
        course.series.points.iter_mut().for_each(|point| (point.run, point.unit) = (hostile(), hostile()));
    }
    for target in &mut assessment.targets {
        (target.bench, target.target) = (format!("{}/{HOSTILE}", target.bench), hostile());
    }
    assessment.machine = hostile();
    assessment
}

/// Everything between `start` and the next `end`, for each `start` in `page`.
fn between<'a>(page: &'a str, start: &'a str, end: char) -> impl Iterator<Item = &'a str> {
    page.split(start).skip(1).filter_map(move |rest| rest.split(end).next())
}

#[test]
fn the_page_and_the_comment_of_a_run_with_every_verdict() {
    check("report.html", &html(&assessment()));
    check("report.md", &markdown(&assessment()));
}

#[test]
fn cold_figures_stand_beside_the_hot_ones_with_their_ratio_and_their_own_verdict() {
    let mut assessment = assessment();
    let id = "memory/alloc-small/16";
    let before = html(&assessment);
    assert!(!before.contains("cold / hot"), "a run without cold figures says nothing of them");
    for stored in &mut assessment.run.boots {
        let records = stored.boot.benches.iter_mut().filter(|record| record.id == id);
        records.for_each(|record| record.cold = Some(cold(1_420)));
    }
    let comparison = assessment.comparison.as_mut().expect("compared");
    let regressed = comparison.benches.iter().find(|bench| bench.verdict == Verdict::Regressed);
    let regressed = regressed.expect("one of each").clone();
    comparison.benches.push(BenchVerdict { id: format!("{id}:cold"), ..regressed });
    let page = html(&assessment);
    // In the table of the suite, among the key figures, and in the table of the bench's page.
    assert_eq!(page.matches("cold / hot").count(), 3, "{page}");
    for text in ["10 \u{d7}", "710 ns", "caches by WBINVD, TLB by CR4.PGE", "160 ticks"] {
        assert!(page.contains(text), "{text}");
    }
    let link = "href=\"#b-memory_alloc-small_16\"><code class=\"id\">memory<span class=\"slash\">/</span>\
                alloc-small<span class=\"slash\">/</span>16:cold</code>";
    assert!(page.contains(link), "its verdict leads to the page of the bench: {page}");
}

#[test]
fn equal_assessments_give_equal_bytes() {
    assert_eq!(html(&assessment()), html(&assessment()));
}

#[test]
fn hostile_text_is_never_markup() {
    for page in [html(&hostile()), html(&assessment())] {
        assert_eq!(page.matches("<script").count(), 1, "only the page's own");
        assert!(!page.contains("alert(1)</script>\"") && !page.contains('\u{1b}'));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"));
        assert!(!page.contains(" style=") && !page.contains(" onclick=") && !page.contains("javascript:"));
    }
}

#[test]
fn every_link_has_its_place_and_every_place_its_own_name() {
    for page in [html(&hostile()), html(&assessment())] {
        let mut ids = HashSet::new();
        for id in between(&page, " id=\"", '"') {
            assert!(ids.insert(id), "{id} stands twice");
        }
        for name in [" href=\"#", " for=\"", " aria-labelledby=\"", " aria-describedby=\""] {
            for place in between(&page, name, '"') {
                assert!(ids.contains(place), "{name}{place} leads nowhere");
            }
        }
        assert_eq!(
            between(&page, " href=\"", '"').find(|place| !place.starts_with('#')),
            None,
            "a link leads out"
        );
    }
}

#[test]
fn no_element_has_an_attribute_twice() {
    let page = html(&hostile());
    for tag in between(page.split("</script>").nth(1).expect("a body"), "<", '>') {
        let names: Vec<&str> = tag.split("=\"").filter_map(|part| part.rsplit(' ').next()).collect();
        let names = &names[..names.len() - 1];
        let all: HashSet<&&str> = names.iter().collect();
        assert_eq!(all.len(), names.len(), "in <{tag}>");
    }
}

#[test]
fn every_element_is_closed_where_it_should_be() {
    let page = html(&hostile());
    let body = page.split("</script>").nth(1).expect("the body follows the script");
    let mut open = vec!["html", "head"];
    for tag in between(body, "<", '>') {
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "in {tag}"),
            None if VOID.contains(&name) => {}
            None => open.push(name),
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn the_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else() {
    let page = html(&assessment());
    let style = page.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).expect("a style");
    let script =
        page.split("<script>").nth(1).and_then(|rest| rest.split("</script>").next()).expect("a script");
    assert!(page.contains(&format!("content=\"{}\"", policy(style, script))));
    assert!(!page.contains("unsafe-inline") && !page.contains("http://") && !page.contains("https://"));
}

#[test]
fn a_whole_catalogue_stays_small_enough_to_send() {
    let mut assessment = assessment();
    let pattern = assessment.run.boots[0].boot.benches[1].clone();
    let course = assessment.courses[0].clone();
    let id = |number: u32| format!("memory/bench-{number}");
    let benches = (0..339).map(|number| {
        let mut bench = pattern.clone();
        bench.id = id(number);
        let values: Vec<u64> =
            (0..2_000).map(|at| 140 + (at * at) % 97 + u64::from(at % 100 == 0) * at).collect();
        bench.histogram = Some(perf_kernel::measure::LogLinear::of(&values).to_wire());
        bench
    });
    let benches: Vec<_> = benches.collect();
    let boot = assessment.run.boots[0].clone();
    assessment.run.boots = vec![boot.clone(), boot.clone(), boot];
    assessment.run.boots.iter_mut().for_each(|stored| stored.boot.benches.clone_from(&benches));
    assessment.courses = (0..339)
        .map(|number| {
            let mut course = course.clone();
            course.series.bench = id(number);
            course
        })
        .collect();
    let size = html(&assessment).len();
    assert!(size < 7_000_000, "{size} bytes");
}
