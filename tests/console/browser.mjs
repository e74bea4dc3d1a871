// A page of the console in headless Chromium, which notes what must not happen: violations of the policy and errors.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../server/console/package.json", import.meta.url));
const puppeteer = require("puppeteer-core");
const AXE = require.resolve("axe-core/axe.min.js");

const PLACES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function findChromium() {
  return PLACES.find((path) => path && existsSync(path)) ?? null;
}

// Without a graphics card WebGL2 is drawn by the processor.
const WITH_WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
export const WITHOUT_WEBGL = ["--disable-3d-apis"];

export async function openBrowser(flags = WITH_WEBGL) {
  const executablePath = findChromium();
  if (!executablePath) throw new Error("Chromium is not there: apt-get install chromium, or name it with CHROMIUM=/path");
  return puppeteer.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-dev-shm-usage", ...flags] });
}

// Errors of the network are no errors of the console where a test takes the server away.
const NETWORK = /Failed to load resource|net::ERR_/;

export class Console {
  static async open(browser, url, { key = "", width = 1440, height = 900, dark = false, features = [] } = {}) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    const self = new Console(context, page, url);
    // axe-core is injected through the protocol, which the page's policy does not forbid: what is counted is the page's own.
    await page.evaluateOnNewDocument((secret) => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
      if (secret !== "") sessionStorage.setItem("augstore-key", secret);
    }, key);
    page.on("console", (message) => message.type() === "error" && self.errors.push(message.text()));
    page.on("pageerror", (error) => self.errors.push(String(error)));
    page.on("request", (request) => self.requests.push(request.url()));
    await page.setViewport({ width, height });
    // By the protocol, as puppeteer knows neither prefers-contrast nor forced-colors.
    const protocol = await page.createCDPSession();
    const look = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }, { name: "prefers-reduced-motion", value: "reduce" }];
    await protocol.send("Emulation.setEmulatedMedia", { features: [...look, ...features] });
    await page.goto(url, { waitUntil: "load" });
    return self;
  }

  constructor(context, page, url) {
    Object.assign(this, { context, page, url, errors: [], requests: [] });
  }

  async go(hash) {
    await this.page.evaluate((next) => (location.hash = next), hash);
    await this.settle();
  }

  // Until nothing is loading any more.
  async settle() {
    await new Promise((done) => setTimeout(done, 120));
    await this.page.waitForFunction(() => document.querySelector("h1") && !document.querySelector(".loading"), { timeout: 60_000 });
    await new Promise((done) => setTimeout(done, 250));
  }

  text(selector = "body") {
    return this.page.$eval(selector, (element) => element.innerText);
  }

  async click(text, selector = "button") {
    await this.page.waitForFunction((all, wanted) => [...document.querySelectorAll(all)].some((one) => one.textContent.trim() === wanted), {}, selector, text);
    await this.page.evaluate((all, wanted) => [...document.querySelectorAll(all)].find((one) => one.textContent.trim() === wanted).click(), selector, text);
  }

  async waitFor(text) {
    await this.page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout: 60_000 }, text);
  }

  async violations() {
    return this.page.evaluate(() => window.violations);
  }

  consoleErrors({ network = false } = {}) {
    return this.errors.filter((text) => !network || !NETWORK.test(text));
  }

  // What axe finds, each as one line.
  async accessibility() {
    if (!(await this.page.evaluate(() => Boolean(window.axe)))) {
      const { readFileSync } = await import("node:fs");
      await this.page.evaluate(readFileSync(AXE, "utf8"));
    }
    const found = await this.page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    return found.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(" ")}: ${node.failureSummary?.split("\n").slice(0, 3).join(" ")}`));
  }

  async widerThanScreen() {
    return this.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  }

  close() {
    return this.context.close();
  }
}
