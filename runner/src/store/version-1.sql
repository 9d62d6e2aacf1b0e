-- A database as version 1 wrote it: two runs, of which one crashed before it told its machine. Never changed.
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    started_unix_s INTEGER NOT NULL,
    command TEXT NOT NULL,
    profile TEXT,
    plan TEXT,
    runner_version TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_time ON runs (started_unix_s);
CREATE TABLE boots (
    key INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id),
    number INTEGER NOT NULL,
    "end" TEXT NOT NULL,
    end_detail TEXT NOT NULL,
    mode TEXT,
    image_hash TEXT,
    bench_running TEXT,
    hello TEXT,
    machine TEXT,
    clock TEXT,
    ledger TEXT,
    crash TEXT,
    crash_frames TEXT NOT NULL,
    log TEXT NOT NULL,
    beacons TEXT NOT NULL,
    damage TEXT NOT NULL,
    transcript TEXT,
    transcript_hash TEXT,
    UNIQUE (run, number)
) STRICT;
CREATE INDEX boots_by_transcript ON boots (transcript_hash);
CREATE TABLE results (
    key INTEGER PRIMARY KEY,
    boot INTEGER NOT NULL REFERENCES boots (key),
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    n INTEGER,
    iterations INTEGER,
    p50 INTEGER,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX results_by_boot ON results (boot);
CREATE INDEX results_by_bench ON results (id, boot);

INSERT INTO runs VALUES ('aa000001', 1795510410, 'hosted', NULL, 'preset = "quick"
', '0.1.0');
INSERT INTO runs VALUES ('aa000002', 1795510500, 'run', 'default', NULL, '0.1.0');
INSERT INTO boots VALUES (1, 'aa000001', 1, 'done', '', 'hosted', '30ca754bfd84c4d1caada401044a2b25', NULL, '{"format_version":1,"nonce":"92d33fdebe26b213","image_hash":"30ca754bfd84c4d1caada401044a2b25","plan_hash":"3b8d36312eb8b7dfd38c460616651fab","version":"0.1.0","compiler":"rustc 1.96.0","benches_planned":3,"entry_ticks":16195478}', '{"cpu":{"vendor":"AuthenticAMD","brand":"Example 9000 Processor","family":25,"model":17,"stepping":1,"microcode":16777317,"features":["aes","avx2"],"caches":[{"level":1,"size":32768,"line":64}]},"cpus_present":2,"cpus_started":2,"memory":25276514304,"heap":1073741824,"firmware":{"kind":"linux","vendor":"6.1"},"hypervisor":"KVMKVMKVM","console":{"kind":"stdout","place":""}}', '{"mode":"hosted","frequency":2000000000,"is_invariant":true,"sources":[{"name":"clock-monotonic-raw","frequency":2000000000,"uncertainty":3}],"disagreement":0,"is_valid":true,"note":"","overhead_ticks":52}', '{"gap_count":85,"gap_ticks_max":1335906}', NULL, '[]', '[]', '[[1000,2000]]', '{"frames_damaged":0,"frames_repeated":0,"frames_missing":[],"is_manifest_kept":true}', '/data/transcripts/aa000001-1.transcript', '1f25b1f67854a441021b3b8b1fb8b9b2');
INSERT INTO boots VALUES (2, 'aa000001', 2, 'failed_benches', '', 'hosted', '30ca754bfd84c4d1caada401044a2b25', NULL, '{"format_version":1,"nonce":"92d33fdebe26b213","image_hash":"30ca754bfd84c4d1caada401044a2b25","plan_hash":"3b8d36312eb8b7dfd38c460616651fab","version":"0.1.0","compiler":"rustc 1.96.0","benches_planned":3,"entry_ticks":16195478}', '{"cpu":{"vendor":"AuthenticAMD","brand":"Example 9000 Processor","family":25,"model":17,"stepping":1,"microcode":16777317,"features":["aes","avx2"],"caches":[{"level":1,"size":32768,"line":64}]},"cpus_present":2,"cpus_started":2,"memory":25276514304,"heap":1073741824,"firmware":{"kind":"linux","vendor":"6.1"},"hypervisor":"KVMKVMKVM","console":{"kind":"stdout","place":""}}', '{"mode":"hosted","frequency":2000000000,"is_invariant":true,"sources":[{"name":"clock-monotonic-raw","frequency":2000000000,"uncertainty":3}],"disagreement":0,"is_valid":true,"note":"","overhead_ticks":52}', '{"gap_count":85,"gap_ticks_max":1335906}', NULL, '[]', '[]', '[[1000,2000]]', '{"frames_damaged":0,"frames_repeated":0,"frames_missing":[],"is_manifest_kept":true}', '/data/transcripts/aa000001-2.transcript', '2f25b1f67854a441021b3b8b1fb8b9b2');
INSERT INTO boots VALUES (3, 'aa000002', 1, 'power_lost', 'the line fell silent', NULL, '30ca754bfd84c4d1caada401044a2b25', 'env/pause', '{"format_version":1,"nonce":"92d33fdebe26b213","image_hash":"30ca754bfd84c4d1caada401044a2b25","plan_hash":"3b8d36312eb8b7dfd38c460616651fab","version":"0.1.0","compiler":"rustc 1.96.0","benches_planned":3,"entry_ticks":16195478}', NULL, NULL, NULL, NULL, '[]', '[]', '[[1000,2000]]', '{"frames_damaged":0,"frames_repeated":0,"frames_missing":[],"is_manifest_kept":true}', '/data/transcripts/aa000002-1.transcript', '3f25b1f67854a441021b3b8b1fb8b9b2');
INSERT INTO results (boot, id, status, n, iterations, p50, record) VALUES (1, 'env/pause', 'measured', 10000, 256, 16250, '{"id":"env/pause","status":"measured","unit":"ticks","iterations":256,"operations":1,"summary":{"n":10000,"min":16224,"mean_milli":16457574,"deviation_milli":3721274,"mad":0,"p50":16250,"p90":16276,"p95":16276,"p99":17160,"p999":75348,"max":162916},"windows":{"samples":1000,"ticks_total":164575736,"ticks_best":16360448,"ticks_worst":16638024},"slowest":[{"index":7457,"value":162916,"cause":"context_switch"}],"attempts":2560000,"successes":2560000,"warm_up":{"batches":1476,"is_settled":true},"overhead_ticks":52,"checksum":"0000000000000000","validity":[{"name":"result","outcome":"passed"},{"name":"checksum","outcome":"passed"},{"name":"settled","outcome":"passed"},{"name":"progress","outcome":"passed"},{"name":"overhead","outcome":"passed"},{"name":"clock","outcome":"passed"}],"memory":{"live":0,"peak":4224},"system":{"elapsed_ticks":165869522,"cpu_time_share":998246,"io_bytes":0,"context_switches":3,"interrupts":19},"interference":{"steal_ns":0}}');
INSERT INTO results (boot, id, status, n, iterations, p50, record) VALUES (1, 'env/timer-pair', 'measured', 10000, 1, 52, '{"id":"env/timer-pair","status":"measured","unit":"ticks","iterations":1,"operations":1,"summary":{"n":10000,"min":52,"mean_milli":59036,"deviation_milli":11551,"mad":0,"p50":52,"p90":78,"p95":78,"p99":78,"p999":78,"max":78},"slowest":[{"index":4,"value":78,"cause":null}],"attempts":10000,"successes":10000,"overhead_ticks":52,"checksum":"0000000000090214","validity":[{"name":"result","outcome":"passed"},{"name":"progress","outcome":"passed"},{"name":"clock","outcome":"passed"},{"name":"harness-cost","outcome":"passed"}],"memory":{"live":160016,"peak":164240},"system":{"elapsed_ticks":1876628,"cpu_time_share":1000213,"io_bytes":0,"context_switches":0,"interrupts":0},"interference":{"steal_ns":0},"figures":[{"name":"raw_pair_ticks_p50","value":52},{"name":"harness_pair_ticks_p50","value":52},{"name":"ratio_ppm","value":1000000},{"name":"raw_loop_milliticks_mean","value":121578},{"name":"harness_loop_milliticks_mean","value":127956}]}');
INSERT INTO results (boot, id, status, n, iterations, p50, record) VALUES (1, 'security/auth-login', 'skipped', NULL, 1, NULL, '{"id":"security/auth-login","status":"skipped","reason":"not built yet","unit":"ticks","iterations":1,"operations":1,"attempts":0,"successes":0,"overhead_ticks":0,"system":{"elapsed_ticks":0},"interference":{}}');
INSERT INTO results (boot, id, status, n, iterations, p50, record) VALUES (2, 'env/pause', 'measured', 10000, 256, 16250, '{"id":"env/pause","status":"measured","unit":"ticks","iterations":256,"operations":1,"summary":{"n":10000,"min":16224,"mean_milli":16457574,"deviation_milli":3721274,"mad":0,"p50":16250,"p90":16276,"p95":16276,"p99":17160,"p999":75348,"max":162916},"windows":{"samples":1000,"ticks_total":164575736,"ticks_best":16360448,"ticks_worst":16638024},"slowest":[{"index":7457,"value":162916,"cause":"context_switch"}],"attempts":2560000,"successes":2560000,"warm_up":{"batches":1476,"is_settled":true},"overhead_ticks":52,"checksum":"0000000000000000","validity":[{"name":"result","outcome":"passed"},{"name":"checksum","outcome":"passed"},{"name":"settled","outcome":"passed"},{"name":"progress","outcome":"passed"},{"name":"overhead","outcome":"passed"},{"name":"clock","outcome":"passed"}],"memory":{"live":0,"peak":4224},"system":{"elapsed_ticks":165869522,"cpu_time_share":998246,"io_bytes":0,"context_switches":3,"interrupts":19},"interference":{"steal_ns":0}}');
INSERT INTO results (boot, id, status, n, iterations, p50, record) VALUES (2, 'env/timer-pair', 'invalid', 10000, 1, 52, '{"id":"env/timer-pair","status":"invalid","unit":"ticks","iterations":1,"operations":1,"summary":{"n":10000,"min":52,"mean_milli":59036,"deviation_milli":11551,"mad":0,"p50":52,"p90":78,"p95":78,"p99":78,"p999":78,"max":78},"slowest":[{"index":4,"value":78,"cause":null}],"attempts":10000,"successes":10000,"overhead_ticks":52,"checksum":"0000000000090214","validity":[{"name":"result","outcome":"passed"},{"name":"progress","outcome":"passed"},{"name":"clock","outcome":"passed"},{"name":"harness-cost","outcome":"passed"}],"memory":{"live":160016,"peak":164240},"system":{"elapsed_ticks":1876628,"cpu_time_share":1000213,"io_bytes":0,"context_switches":0,"interrupts":0},"interference":{"steal_ns":0},"figures":[{"name":"raw_pair_ticks_p50","value":52},{"name":"harness_pair_ticks_p50","value":52},{"name":"ratio_ppm","value":1000000},{"name":"raw_loop_milliticks_mean","value":121578},{"name":"harness_loop_milliticks_mean","value":127956}],"reason":"not settled"}');
PRAGMA application_id = 1836082546;
PRAGMA user_version = 1;
