// Looks at the dashboard in a browser. browser.rs starts it, and makes a run go on whenever it prints "next".

import assert from "node:assert/strict";
import readline from "node:readline";
import { chromium } from "playwright-core";
import { accessible, fitting, guarded, picture } from "./looking.mjs";

const { BROWSER, DASHBOARD, HOSTILE_DASHBOARD, DASHBOARD_TOKEN, SCREENSHOTS } = process.env;
const LIVE = "dd000001";
const PATIENCE_MS = 15_000;

// Whatever hangs, the test ends.
setTimeout(() => process.exit(1), 180_000).unref();

const input = readline.createInterface({ input: process.stdin });
const answers = input[Symbol.asyncIterator]();
async function next() {
  console.log("next");
  await answers.next();
}

const troubles = [];
const isRoot = process.getuid() === 0;
const browser = await chromium.launch({ executablePath: BROWSER, args: isRoot ? ["--no-sandbox"] : [] });

async function within(base, options, look) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await guarded(context, base, troubles);
  await look(page, (place) => page.goto(base + place));
  await context.close();
}

const machines = await (await fetch(`${DASHBOARD}/api/machines`)).json();
const machine = machines.find((one) => one.runs > 1).name;
const PAGES = {
  overview: "/",
  runs: "/runs",
  run: "/runs/aa000020",
  machines: "/machines",
  machine: `/machines/${machine}`,
  benches: "/benches",
  bench: "/benches/memory/alloc-small/64",
  "compare-form": "/compare",
  compare: "/compare?a=aa000029&b=aa000030",
  unlike: "/compare?a=aa000020&b=bb000000",
  findings: "/findings?state=all",
  search: "/search?q=pause",
  login: "/login",
  live: `/live/${LIVE}`,
  missing: "/runs/ffffffff",
};

async function everyPage(name, options) {
  await within(DASHBOARD, options, async (page, go) => {
    for (const [title, place] of Object.entries(PAGES)) {
      await go(place);
      await accessible(page, troubles);
      await fitting(page, troubles);
      await picture(page, SCREENSHOTS, `${title}-${name}`);
    }
  });
}

async function keyboard() {
  await within(DASHBOARD, {}, async (page, go) => {
    await go("/");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await go("/");
    for (let presses = 0; presses < 20; presses += 1) {
      await page.keyboard.press("Tab");
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(outline, "none", "what has the focus shows it");
      if ((await page.evaluate(() => document.activeElement.textContent)) === "Findings") break;
    }
    await page.keyboard.press("Enter");
    await page.waitForURL("**/findings");
    await page.locator("input[name=q]").first().focus();
    await page.keyboard.type("pause");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/search?q=pause");
  });
}

async function triage() {
  await within(DASHBOARD, {}, async (page, go) => {
    await go("/findings");
    assert.equal(await page.getByRole("button", { name: "Acknowledge" }).count(), 0, "not before signing in");
    await page.getByRole("link", { name: "Sign in" }).first().click();
    await page.getByLabel("Token").fill("not the token at all");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await accessible(page, troubles);
    await picture(page, SCREENSHOTS, "login-refused");
    await page.getByLabel("Token").fill(DASHBOARD_TOKEN);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/findings");
    const before = await page.locator("li.card").count();
    await accessible(page, troubles);
    await picture(page, SCREENSHOTS, "findings-signed-in");
    await page.getByLabel("Why it may stay").first().fill("pays for the new guard pages");
    await page.getByRole("button", { name: "Acknowledge" }).first().click();
    await page.waitForURL("**/findings");
    assert.equal(await page.locator("li.card").count(), before - 1);
    await go("/findings?state=acknowledged");
    await page.getByText("pays for the new guard pages").waitFor();
    await picture(page, SCREENSHOTS, "findings-acknowledged");
    await page.getByRole("button", { name: "Reopen" }).click();
    await page.waitForURL("**/findings?state=acknowledged");
    assert.equal(await page.locator("li.card").count(), 0);
    const cookies = await page.context().cookies();
    assert.deepEqual(cookies.map((cookie) => [cookie.httpOnly, cookie.sameSite]), [[true, "Strict"]]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("link", { name: "Sign in" }).waitFor();
  });
}

async function forms() {
  await within(DASHBOARD, { javaScriptEnabled: false }, async (page, go) => {
    await go("/compare");
    await page.getByLabel("Before").selectOption("aa000014");
    await page.getByLabel("After").selectOption("bb000000");
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByText("These runs are not comparable.").waitFor();
    await go(`/live/${LIVE}`);
    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), `Live run ${LIVE}`);
  });
}

async function live() {
  await within(DASHBOARD, {}, async (list, goList) => {
    await within(DASHBOARD, {}, async (page, go) => {
      await goList("/");
      await go(`/live/${LIVE}`);
      await page.getByText("is starting the machine").waitFor();
      await next();
      await page.getByText("0 of 3").waitFor();
      await next();
      await page.locator("#benches tr", { hasText: "env/pause" }).waitFor();
      await list.locator(".count", { hasText: "1 of 3" }).waitFor();
      await picture(list, SCREENSHOTS, "overview-live");
      await next();
      await next();
      await page.locator("#benches tr", { hasText: "<script>alert(1)</script>" }).waitFor();
      assert.equal(await page.locator("#benches tr").count(), 3);
      assert.equal(await page.locator("#benches img").count(), 0);
      await accessible(page, troubles);
      await picture(page, SCREENSHOTS, "live-running");
      await next();
      await page.getByText("has ended this boot").waitFor();
      await next();
      await page.getByText("This run is no longer being made.").waitFor();
      await list.getByText("No run is going on.").waitFor();
      await picture(page, SCREENSHOTS, "live-over");
    });
  });
}

async function hostile() {
  await within(HOSTILE_DASHBOARD, {}, async (page, go) => {
    const places = ["/", "/runs", "/runs/cc000002", "/machines", "/benches", "/compare?b=cc000002", "/findings", "/search?q=script"];
    for (const place of places) {
      await go(place);
      assert.equal(await page.locator("main img, main script").count(), 0, place);
      await fitting(page, troubles);
    }
    await go("/benches");
    await page.locator("main ul a").first().click();
    await page.getByRole("img", { name: /History/ }).waitFor();
    await accessible(page, troubles);
    await picture(page, SCREENSHOTS, "hostile-bench");
    await go("/runs/cc000002");
    await picture(page, SCREENSHOTS, "hostile-run");
  });
}

try {
  await everyPage("light", {});
  await everyPage("dark", { colorScheme: "dark" });
  await everyPage("narrow", { viewport: { width: 390, height: 800 } });
  await keyboard();
  await triage();
  await forms();
  await live();
  await hostile();
  console.log(troubles.join("\n"));
  assert.equal(troubles.length, 0, "troubles are listed above");
} finally {
  await browser.close();
  input.close();
  process.stdin.destroy();
}
