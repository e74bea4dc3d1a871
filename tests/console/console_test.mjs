// Looks at every page in headless Chromium. With AUGSTORE_CONSOLE_URL (and AUGSTORE_CONSOLE_KEY) it looks at a server that
// runs, and only at what holds for every store; without, at the fixture server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Console, openBrowser } from "./browser.mjs";
import { ADMIN_KEY, READ_KEY, SCOPED_KEY, startServer } from "./fixture_server.mjs";
import { PAGES } from "./pages.mjs";

const URL_OF_SERVER = process.env.AUGSTORE_CONSOLE_URL ?? "";
const real = URL_OF_SERVER !== "";
const KEY = real ? (process.env.AUGSTORE_CONSOLE_KEY ?? "") : ADMIN_KEY;
const only = { skip: real ? "only on the fixture's data" : false };
// What every store has; the store that real_server makes has all pages.
const GENERAL = process.env.AUGSTORE_CONSOLE_STORE === "made" ? Object.keys(PAGES) : ["overview", "collections", "transforms", "streams", "heads", "keys", "backups", "verify", "gc", "config", "audit"];
const SIZES = [{ width: 1440, height: 900 }, { width: 375, height: 812, dark: true }];

let browser;
let server;
let empty;

before(async () => {
  browser = await openBrowser();
  if (real) {
    server = { url: URL_OF_SERVER.replace(/\/*$/, "/"), close: async () => {} };
    return;
  }
  server = await startServer();
  empty = await startServer({ empty: true });
});

after(async () => {
  await browser?.close();
  await server?.close();
  await empty?.close();
});

async function checkPage(page, name) {
  const found = await page.accessibility();
  assert.deepEqual(found, [], `${name}: accessibility`);
  assert.deepEqual(await page.violations(), [], `${name}: violations of the policy`);
  assert.deepEqual(page.consoleErrors(), [], `${name}: errors`);
  assert.equal(await page.widerThanScreen(), false, `${name} is wider than the screen`);
}

async function withPage(options, look) {
  const page = await Console.open(browser, options.url ?? server.url, { key: KEY, ...options });
  try {
    await page.settle();
    await look(page);
  } finally {
    await page.close();
  }
}

for (const size of SIZES) {
  test(`pages at ${size.width} pixels${size.dark ? ", dark" : ""}`, (context) =>
    withPage(size, async (page) => {
      for (const [name, hash] of Object.entries(PAGES)) {
        if (real && !GENERAL.includes(name)) continue;
        await context.test(name, async () => {
          await page.go(hash);
          assert.notEqual((await page.text("h1")).trim(), "");
          await checkPage(page, name);
        });
      }
    }));
}

test("nothing is asked of another host", () =>
  withPage({}, async (page) => {
    for (const name of ["overview", "collections", "transforms", "streams", "heads"]) await page.go(PAGES[name]);
    const hosts = new Set(page.requests.filter((url) => /^https?:/.test(url)).map((url) => new URL(url).host));
    assert.deepEqual([...hosts], [new URL(server.url).host]);
    assert.ok(page.requests.every((url) => !url.includes("augs_")), "a key is in a URL");
  }));

for (const [name, value] of [["prefers-contrast", "more"], ["forced-colors", "active"]]) {
  test(`pages are readable with ${name}`, () =>
    withPage({ features: [{ name, value }] }, async (page) => {
      for (const one of ["overview", "transforms", "streams"]) {
        await page.go(PAGES[one]);
        await checkPage(page, one);
      }
    }));
}

test("the overview needs no scrolling", () =>
  withPage({ width: 1440, height: 900 }, async (page) => {
    await page.go("#/overview");
    const [height, seen] = await page.page.evaluate(() => [document.documentElement.scrollHeight, window.innerHeight]);
    assert.ok(height <= seen, `${height} pixels on a screen of ${seen}`);
  }));

test("the keyboard goes to pages, to the search and to the list of shortcuts", () =>
  withPage({}, async (page) => {
    await page.page.keyboard.press("g");
    await page.page.keyboard.press("c");
    await page.settle();
    assert.equal(await page.page.evaluate(() => location.hash), "#/collections");
    assert.equal(await page.page.evaluate(() => document.activeElement.tagName), "H1");
    await page.page.keyboard.press("/");
    assert.equal(await page.page.evaluate(() => document.activeElement.type), "search");
    await page.page.evaluate(() => document.activeElement.blur());
    await page.page.keyboard.press("?");
    assert.equal(await page.page.evaluate(() => document.querySelector("dialog[open] h2").textContent), "Shortcuts");
    assert.deepEqual(await page.accessibility(), []);
    await page.page.keyboard.press("Escape");
    await page.page.evaluate(() => document.activeElement.blur());
    await page.page.keyboard.press("Tab");
    assert.notEqual(await page.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
  }));

test("without a key there is a sign-in and nothing else", only, () =>
  withPage({ key: "" }, async (page) => {
    assert.match(await page.text(), /augstore key create --role read/);
    assert.equal(await page.page.$("nav"), null);
    await checkPage(page, "sign-in");
    await page.page.type("#key", "augs_wrong_wrong");
    await page.click("Sign in");
    await page.waitFor("The key was not taken: no key has this id and secret");
    assert.deepEqual(await page.accessibility(), []);
    await page.page.$eval("#key", (input) => (input.value = ""));
    await page.page.type("#key", READ_KEY);
    await page.click("Sign in");
    await page.waitFor("Overview");
    await page.click("Sign out");
    await page.waitFor("You have no key?");
  }));

test("a key of role read changes nothing", only, () =>
  withPage({ key: READ_KEY }, async (page) => {
    await page.go("#/admin");
    await page.waitFor("need a key of role admin");
    await checkPage(page, "admin of a reader");
    for (const name of ["streams", "collection", "transform", "head"]) {
      await page.go(PAGES[name]);
      assert.doesNotMatch(await page.text("main"), /Stop …|Delete …|Point an alias here/);
      await checkPage(page, name);
    }
    await page.go("#/streams");
    assert.match(await page.text("main"), /Stopping a stream needs a key of role admin/);
  }));

test("a key with a scope is told why rates are missing", only, () =>
  withPage({ key: SCOPED_KEY }, async (page) => {
    await page.go("#/overview");
    assert.match(await page.text("main"), /scope “photos\*”, so the server does not send them/);
    await checkPage(page, "overview with a scope");
    await page.go("#/streams");
    await checkPage(page, "streams with a scope");
  }));

test("an empty store says what to type next", only, () =>
  withPage({ url: empty?.url }, async (page) => {
    const commands = { overview: "augstore ingest", collections: "augstore ingest", transforms: "augstore transform train", streams: "augstore stream", heads: "augstore head fit", keys: "augstore key create", backups: "augstore backup create" };
    for (const [name, command] of Object.entries(commands)) {
      await page.go(PAGES[name]);
      assert.ok((await page.text("main")).includes(command), `${name}: ${command}`);
      await checkPage(page, name);
    }
    await page.go("#/explore");
    assert.match(await page.text("main"), /augstore ingest/);
    await checkPage(page, "explore");
  }));
