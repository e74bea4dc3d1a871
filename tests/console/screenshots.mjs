// Writes a picture of every page into a folder: light and dark, at 1440 and 375 pixels. Usage: screenshots.mjs DIR [PAGE ...]
// With AUGSTORE_CONSOLE_URL and AUGSTORE_CONSOLE_KEY of that server, else of the fixture server.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Console, openBrowser } from "./browser.mjs";
import { ADMIN_KEY, READ_KEY, SCOPED_KEY, startServer } from "./fixture_server.mjs";
import { PAGES } from "./pages.mjs";

const [folder = "", ...only] = process.argv.slice(2);
if (folder === "") throw new Error("name the folder for the pictures");
mkdirSync(folder, { recursive: true });

const real = process.env.AUGSTORE_CONSOLE_URL ?? "";
const key = real ? process.env.AUGSTORE_CONSOLE_KEY : ADMIN_KEY;
const server = real ? { url: real, close: async () => {} } : await startServer();
const empty = await startServer({ empty: true });
const browser = await openBrowser();
const wanted = (name) => only.length === 0 || only.includes(name);
const wantedOfFixture = (name) => !real && wanted(name);

async function shoot(page, name) {
  await page.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

for (const [suffix, size] of [["1440", { width: 1440, height: 900 }], ["1440-dark", { width: 1440, height: 900, dark: true }], ["375", { width: 375, height: 812 }], ["375-dark", { width: 375, height: 812, dark: true }]]) {
  const pages = await Console.open(browser, server.url, { key, ...size });
  await pages.settle();
  await new Promise((done) => setTimeout(done, 2500)); // rates need two looks
  for (const [name, hash] of Object.entries(PAGES)) {
    if (!wanted(name)) continue;
    await pages.go(hash);
    if (name === "overview" || name === "streams") await new Promise((done) => setTimeout(done, 2500));
    await shoot(pages, `${name}-${suffix}`);
  }
  await pages.close();
}

const others = [["sign-in", server.url, "", ""], ["empty-overview", empty.url, ADMIN_KEY, "#/overview"], ["empty-collections", empty.url, ADMIN_KEY, "#/collections"], ["empty-transforms", empty.url, ADMIN_KEY, "#/transforms"], ["empty-explore", empty.url, ADMIN_KEY, "#/explore"], ["read-admin", server.url, READ_KEY, "#/admin"], ["scoped-overview", server.url, SCOPED_KEY, "#/overview"]];
for (const [name, url, key, hash] of others) {
  if (!wantedOfFixture(name)) continue;
  const page = await Console.open(browser, url, { key });
  await page.settle();
  if (hash) await page.go(hash);
  await shoot(page, name);
  await page.close();
}

if (wantedOfFixture("lost")) {
  const going = await startServer();
  const page = await Console.open(browser, going.url, { key: ADMIN_KEY });
  await page.settle();
  await page.go("#/streams");
  await going.close();
  await page.waitFor("does not answer");
  await new Promise((done) => setTimeout(done, 1500));
  await shoot(page, "lost");
}

await browser.close();
await server.close();
await empty.close();
