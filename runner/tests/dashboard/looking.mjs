// What every look at a page checks, whatever else it is for.

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/// A page of `context` that fails the test by `troubles` if it says an error, asks another site, or opens a dialog.
export async function guarded(context, base, troubles) {
  const page = await context.newPage();
  page.on("console", (message) => {
    // A page that says "not found" is a failed load to the browser; what is asked for is checked below.
    const isStatus = message.text().startsWith("Failed to load resource") && message.location().url === page.url();
    if (["error", "warning"].includes(message.type()) && !isStatus) troubles.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => troubles.push(`${page.url()}: ${error}`));
  page.on("dialog", (dialog) => {
    troubles.push(`${page.url()}: a dialog says ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${base}/`) && !url.startsWith("data:")) troubles.push(`${page.url()} asks for ${url}`);
  });
  return page;
}

/// Notes the barriers that axe-core finds on the page.
export async function accessible(page, troubles) {
  // Evaluated by the debugger's protocol, which the page's policy does not bind.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const one of violations) {
    const places = one.nodes.map((node) => `${node.failureSummary} ${node.html}`);
    troubles.push(`${page.url()}: ${one.id}: ${places.join("; ")}`);
  }
}

/// Notes if something is wider than the page, except inside a region that scrolls by itself.
export async function fitting(page, troubles) {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (excess > 0) troubles.push(`${page.url()} is ${excess} px wider than its window`);
}

/// Keeps a picture of the page for people.
export async function picture(page, folder, name) {
  fs.mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
}
