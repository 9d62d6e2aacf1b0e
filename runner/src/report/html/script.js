"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("script");

  // Storage may be forbidden for files: then the choice lasts as long as the page.
  const kept = {
    read() { try { return localStorage.getItem("multios-perf-theme"); } catch { return null; } },
    write(value) { try { localStorage.setItem("multios-perf-theme", value); } catch { /* see above */ } },
  };
  const themes = ["auto", "light", "dark"];
  let theme = themes.includes(kept.read()) ? kept.read() : "auto";
  const show = () => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
  };
  show();

  const start = () => {
    const $ = (id) => document.getElementById(id);
    const all = (selector, within = document) => [...within.querySelectorAll(selector)];

    const button = $("theme");
    const name = () => {
      button.textContent = theme[0].toUpperCase() + theme.slice(1);
      const now = theme === "auto" ? "as the system has them" : theme;
      button.setAttribute("aria-label", "Colours: " + now + ". Press to change.");
    };
    button.addEventListener("click", () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      kept.write(theme);
      show();
      name();
    });
    name();

    // Every word must be found somewhere in the id, the verdict or the status.
    const filter = $("filter");
    const findable = all("[data-find]");
    const tree = document.querySelector(".tree");
    const folds = all("details", tree);
    const before = new Map();
    const narrow = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (item) => words.every((word) => item.dataset.find.includes(word));
      findable.forEach((item) => { item.hidden = !fits(item); });
      tree.classList.toggle("searched", words.length > 0);
      folds.forEach((fold) => {
        if (!before.has(fold)) before.set(fold, fold.open);
        const found = all("li:not([hidden])", fold).length > 0;
        fold.hidden = words.length > 0 && !found;
        fold.open = words.length > 0 ? found : before.get(fold);
      });
      if (words.length === 0) before.clear();
      all("section.suite").forEach((suite) => {
        suite.hidden = words.length > 0 && !suite.querySelector("tbody tr:not([hidden])");
      });
      const number = all("li[data-find]:not([hidden])", tree).length;
      $("filter-result").textContent = words.length ? number + (number === 1 ? " bench" : " benches") : "";
    };
    filter.addEventListener("input", narrow);
    filter.addEventListener("keydown", (event) => {
      const first = tree.querySelector("li:not([hidden]) a");
      if (event.key === "Escape") { filter.value = ""; narrow(); filter.blur(); }
      if (event.key === "Enter" && filter.value && first) first.click();
    });

    // Numbers sort by the value behind them, words by themselves; what has neither stays last.
    const sorting = (table) => {
      const heads = all("thead th", table);
      const body = table.tBodies[0];
      heads.forEach((head, column) => {
        if ("unsortable" in head.dataset) return;
        const press = document.createElement("button");
        press.type = "button";
        press.append(...head.childNodes);
        head.append(press);
        press.addEventListener("click", () => {
          const isNumber = head.classList.contains("number");
          const now = head.getAttribute("aria-sort");
          const order = now === "descending" || (!now && !isNumber) ? "ascending" : "descending";
          heads.forEach((other) => other.removeAttribute("aria-sort"));
          head.setAttribute("aria-sort", order);
          const value = (row) => {
            const cell = row.cells[column];
            if (!cell || cell.colSpan > 1) return null;
            if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
            const text = cell.textContent.trim();
            return text === "" ? null : isNumber && !Number.isNaN(Number(text)) ? Number(text) : text;
          };
          const sign = order === "ascending" ? 1 : -1;
          const compare = (a, b) => {
            if (a === null || b === null) return (a === null) - (b === null);
            if (typeof a === "number" && typeof b === "number") return sign * (a - b);
            return sign * String(a).localeCompare(String(b), "en", { numeric: true });
          };
          const rows = [...body.rows].map((row) => [value(row), row]);
          rows.sort((a, b) => compare(a[0], b[0]));
          body.append(...rows.map((pair) => pair[1]));
        });
      });
    };
    all("table[data-sortable]").forEach(sorting);

    // The place that is shown is marked in the list, and read out when it is a bench.
    const links = new Map(all(".side a").map((link) => [link.getAttribute("href").slice(1), link]));
    const arrive = (isFirst) => {
      const id = decodeURIComponent(location.hash.slice(1));
      links.forEach((link, name) => {
        if (name === id) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
      });
      const link = links.get(id);
      if (link && link.closest("details")) { link.closest("details").open = true; link.scrollIntoView({ block: "nearest" }); }
      const place = id && $(id);
      if (!place || !place.classList.contains("bench")) { document.title = title; return; }
      const heading = place.querySelector("h2");
      document.title = heading.textContent + " \u2013 " + title;
      if (!isFirst) heading.focus({ preventScroll: true });
      place.scrollIntoView();
    };
    const title = document.title;
    window.addEventListener("hashchange", () => arrive(false));
    arrive(true);

    const step = (rel) => {
      const bench = document.querySelector("article.bench:target");
      const link = bench && bench.querySelector("a[rel='" + rel + "']");
      if (link) link.click();
    };
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof HTMLInputElement) return;
      if (event.key === "/") { event.preventDefault(); filter.focus(); }
      if (event.key === "j") step("next");
      if (event.key === "k") step("prev");
    });

    // On paper everything is open, and afterwards as it was.
    const closed = [];
    window.addEventListener("beforeprint", () => {
      all("main details:not([open])").forEach((fold) => { fold.open = true; closed.push(fold); });
    });
    window.addEventListener("afterprint", () => closed.splice(0).forEach((fold) => { fold.open = false; }));
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
