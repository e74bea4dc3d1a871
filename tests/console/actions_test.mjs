// What one does in the console, on the fixture's data: searching, replaying, choosing, administering, and a lost server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Console, openBrowser, WITHOUT_WEBGL } from "./browser.mjs";
import { ADMIN_KEY, startServer } from "./fixture_server.mjs";
import { PAGES } from "./pages.mjs";

const options = { skip: process.env.AUGSTORE_CONSOLE_URL ? "only on the fixture's data" : false };
let browser;
let server;

before(async () => {
  if (options.skip) return;
  browser = await openBrowser();
  server = await startServer();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

async function withPage(hash, look, { url = server.url, on = browser } = {}) {
  const page = await Console.open(on, url, { key: ADMIN_KEY });
  try {
    await page.settle();
    if (hash) await page.go(hash);
    await look(page);
  } finally {
    await page.close();
  }
}

async function confirm(page, button, expected) {
  await page.page.waitForSelector("dialog[open]");
  await page.settle();
  assert.match(await page.text("dialog[open]"), expected);
  assert.deepEqual(await page.accessibility(), []);
  await page.click(button, "dialog[open] button");
  await page.page.waitForFunction(() => !document.querySelector("dialog[open]"));
}

test("10,000 collections are searched and paged", options, () =>
  withPage("#/collections", async (page) => {
    assert.match(await page.text("main"), /10,000 collections/);
    assert.equal((await page.page.$$("tbody tr")).length, 50);
    await page.click("Next");
    await page.settle();
    assert.match(await page.text(".pager"), /51 to 100 of 10,000/);
    await page.click("Previous");
    await page.settle();
    assert.match(await page.text(".pager"), /1 to 50 of 10,000/);
    await page.page.type("[data-search]", "phot");
    await page.waitFor("1 collection");
    assert.match(await page.page.evaluate(() => location.hash), /find=phot/);
  }));

test("a name with every odd character is opened by its link", options, () =>
  withPage("#/collections?find=50", async (page) => {
    await page.page.click("tbody a");
    await page.settle();
    assert.equal(await page.text("h1"), "50% off <b>&?#@1");
  }));

test("two versions are compared, and classes counted", options, () =>
  withPage(PAGES.collection, async (page) => {
    const text = await page.text("main");
    assert.match(text, /From photos@2 to photos@3/);
    assert.match(text, /airplane\s+4,607\s+980/);
    await page.page.waitForFunction(() => document.querySelectorAll(".tile img").length > 20);
  }));

test("refused versions say why", options, () =>
  withPage("#/transforms/blur@1", async (page) => {
    assert.match(await page.text("main"), /No alias takes this version: the 95 % interval of G, −0.030 to 0.006, is not above 0/);
    assert.equal(await page.page.$eval("button[disabled][title^='Not possible']", (button) => button.textContent), "Point an alias here …");
  }));

test("an alias is moved after a confirmation", options, () =>
  withPage("#/transforms/vflip@1", async (page) => {
    await page.click("Point an alias here …");
    await confirm(page, "Move the alias", /Point vflip@champion to version 1/);
    await page.waitFor("vflip@champion points to version 1");
  }));

test("a stream is replayed, and said to be the same when it is", options, () =>
  withPage("#/streams", async (page) => {
    await page.click("Replay", "a.button");
    await page.waitFor("the fingerprint differs");
    await page.go(`${await page.page.evaluate(() => location.hash)}&split=train&seed=7`);
    await page.waitFor("This is the stream that key k3jd72na reads");
    assert.match(await page.text("main"), /256 rows/);
  }));

test("a stream is stopped after a confirmation", options, () =>
  withPage("#/streams", async (page) => {
    const rows = (await page.page.$$(".streams tbody tr")).length;
    await page.click("Stop …");
    await confirm(page, "Stop the stream", /ends the stream of photos@3/);
    await page.page.waitForFunction((less) => document.querySelectorAll(".streams tbody tr").length === less, {}, rows - 1);
  }));

async function lassoes(page) {
  const box = await (await page.page.$(".scatter-frame")).boundingBox();
  assert.ok((await (await page.page.$(".scatter-frame")).screenshot()).length > 20_000, "the plot is blank");
  await page.click("Lasso");
  const { mouse } = page.page;
  await mouse.move(box.x + 10, box.y + 10);
  await mouse.down();
  for (const [x, y] of [[box.width - 10, 10], [box.width - 10, box.height - 10], [10, box.height - 10]]) await mouse.move(box.x + x, box.y + y, { steps: 3 });
  await mouse.up();
  await page.waitFor("Copy ids");
  assert.match(await page.text(".explore-side"), /1,000 samples/);
}

test("samples are chosen by a lasso and by the keyboard", options, () =>
  withPage(PAGES.explore, async (page) => {
    assert.equal(await page.page.$eval(".scatter-frame", (frame) => frame.dataset.renderer), "webgl2");
    await lassoes(page);
    assert.deepEqual(await page.accessibility(), []);
    await page.click("Clear");
    await page.page.focus(".scatter-frame canvas:last-child");
    for (const key of ["ArrowRight", "ArrowRight", "Enter"]) await page.page.keyboard.press(key);
    await page.waitFor("1 sample");
    assert.deepEqual(await page.violations(), []);
  }));

test("without WebGL2 the plot is drawn all the same", options, async () => {
  const plain = await openBrowser(WITHOUT_WEBGL);
  try {
    await withPage(
      PAGES.explore,
      async (page) => {
        assert.equal(await page.page.$eval(".scatter-frame", (frame) => frame.dataset.renderer), "canvas");
        await lassoes(page);
      },
      { on: plain },
    );
  } finally {
    await plain.close();
  }
});

test("a key is created, shown once and revoked", options, () =>
  withPage("#/admin/keys", async (page) => {
    await page.click("Create a key …");
    await confirm(page, "Create the key", /Whoever has this key may read all collections, for 90 days/);
    await page.waitFor("augs_n3wk3y00_4f0c1e");
    await page.click("I have it");
    assert.doesNotMatch(await page.text("main"), /4f0c1e/);
    await page.click("Revoke …");
    await confirm(page, "Revoke k3jd72na", /ends at once/);
    await page.waitFor("Key k3jd72na is revoked");
  }));

test("a backup is made, the store verified, and garbage counted before it is given back", options, () =>
  withPage("#/admin/backups", async (page) => {
    await page.click("Back up …");
    await confirm(page, "Begin the backup", /copied into the folder --backup-dir/);
    await page.waitFor("the backup is complete");
    await page.go("#/admin/verify");
    await page.click("Verify the store");
    await page.waitFor("The store is whole.");
    await page.go("#/admin/gc");
    await page.click("Count the garbage");
    await page.waitFor("To be given back: 312 segments");
    await page.click("Give it back …");
    await confirm(page, "Give 164 MB back", /312 segments with 79,872 rows are deleted/);
    await page.waitFor("Given back: 312 segments");
    assert.deepEqual(await page.violations(), []);
  }));

test("commands and links are copied over plain http", options, () =>
  withPage("#/collections/photos@3", async (page) => {
    // Over http from another machine there is no navigator.clipboard.
    await page.page.evaluate(() => {
      Object.defineProperty(navigator, "clipboard", { value: undefined });
      document.addEventListener("copy", () => (window.copied = document.getSelection().toString() || document.activeElement.value));
    });
    await page.click("Copy as CLI");
    await page.waitFor("Command copied");
    assert.equal(await page.page.evaluate(() => window.copied), "augstore collection show photos@3 --connect tcp://127.0.0.1:7411");
    await page.click("Copy as Python");
    await page.waitFor("Python copied");
    assert.match(await page.page.evaluate(() => window.copied), /client.collection\("photos@3"\)/);
  }));

test("the console works below any path", options, async () => {
  const below = await startServer({ base: "/team/stores/one" });
  try {
    await withPage("#/collections", async (page) => assert.match(await page.text("main"), /10,000 collections/), { url: below.url });
  } finally {
    await below.close();
  }
});

test("a lost server leaves what it said, and comes back", options, async () => {
  let going = await startServer();
  await withPage(
    "#/streams",
    async (page) => {
      await page.waitFor("photos@3");
      await going.close();
      await page.waitFor("The server does not answer");
      await page.waitFor("last seen");
      assert.match(await page.text("main"), /photos@3/);
      assert.deepEqual(await page.accessibility(), []);
      await page.go("#/heads");
      assert.match(await page.text("main"), /nothing to show of the heads/);
      going = await startServer({ port: going.port });
      await page.page.waitForFunction(() => !document.body.innerText.includes("does not answer"), { timeout: 60_000 });
      await page.waitFor("3 heads");
      assert.deepEqual(await page.violations(), []);
      assert.deepEqual(page.consoleErrors({ network: true }), []);
    },
    { url: going.url },
  );
  await going.close();
});
