// Live progress. Everything else works without a script.
"use strict";

// Text only ever becomes text: nothing that a kernel says is read as HTML.
const set = (id, text) => {
  const element = document.getElementById(id);
  if (element && element.textContent !== String(text)) element.textContent = text;
};

const make = (name, text, className) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
};

const plannedOf = (progress) => (progress.planned === null ? "?" : progress.planned);

// Lines of the log that stay in the page.
const LOG_LINES_MAX = 500;

function followRun(root) {
  const source = new EventSource(root.dataset.events);
  const benches = document.getElementById("benches");
  const log = document.getElementById("log");
  const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("boot", () => {
    benches.replaceChildren();
    log.replaceChildren();
  });
  on("bench", (bench) => {
    const row = make("tr");
    const head = make("th");
    head.scope = "row";
    head.append(make("code", bench.id));
    row.append(head, make("td", bench.status), make("td", bench.figure, "number"));
    benches.prepend(row);
  });
  on("log", (line) => {
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    log.append(make("span", line.text + "\n", line.is_warning ? "warning" : undefined));
    while (log.childElementCount > LOG_LINES_MAX) log.firstElementChild.remove();
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  });
  on("progress", (progress) => {
    const bar = document.getElementById("bar");
    bar.max = progress.planned || 1;
    bar.value = progress.done;
    set("count", `${progress.done} of ${plannedOf(progress)}`);
    set("boot", progress.boot);
    set("mode", progress.mode || "not told yet");
    set("measured", progress.measured);
    set("skipped", progress.skipped);
    set("bad", progress.bad);
    set("lost", progress.frames_lost);
    set("doing", progress.doing);
  });
  on("over", () => {
    source.close();
    document.getElementById("over").hidden = false;
  });
}

function rowOf(progress) {
  const row = make("li");
  row.dataset.run = progress.run;
  const link = make("a", "Run ");
  link.href = `/live/${encodeURIComponent(progress.run)}`;
  link.append(make("code", progress.run));
  const bar = make("progress");
  bar.setAttribute("aria-label", `Benches of run ${progress.run}`);
  row.append(link, make("span", "", "boot"), bar, make("span", "", "count"), make("span", "", "doing"));
  return row;
}

function followAll(root) {
  const list = root.querySelector("ul");
  const status = root.querySelector("[role=status]");
  const source = new EventSource(root.dataset.live);
  source.addEventListener("runs", (event) => {
    const runs = JSON.parse(event.data);
    const known = new Map([...list.children].map((row) => [row.dataset.run, row]));
    const ended = [...known.keys()].filter((run) => !runs.some((progress) => progress.run === run));
    for (const run of ended) known.get(run).remove();
    let began = 0;
    runs.forEach((progress, place) => {
      const row = known.get(progress.run) || rowOf(progress);
      began += known.has(progress.run) ? 0 : 1;
      const bar = row.querySelector("progress");
      bar.max = progress.planned || 1;
      bar.value = progress.done;
      row.querySelector(".boot").textContent = progress.boot;
      row.querySelector(".count").textContent = `${progress.done} of ${plannedOf(progress)}`;
      row.querySelector(".doing").textContent = progress.doing;
      // Rows that stay are not moved, so that the one with the focus keeps it.
      if (list.children[place] !== row) list.insertBefore(row, list.children[place] || null);
    });
    root.querySelector(".none").hidden = runs.length > 0;
    const counted = (number, what) => number > 0 && `${number} ${number === 1 ? "run" : "runs"} ${what}`;
    const said = [counted(began, "began"), counted(ended.length, "ended")].filter(Boolean).join(", ");
    if (said) status.textContent = said;
  });
}

const run = document.querySelector("[data-events]");
if (run) followRun(run);
const all = document.querySelector("[data-live]");
if (all) followAll(all);
