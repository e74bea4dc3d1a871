import { describe, expect, it } from "vitest";
import { href, parseRoute } from "./route";

describe("route", () => {
  it("keeps names and fields through a URL", () => {
    const path = ["collections", "50% of a/b?c#d@3"];
    const query = { other: "x@2", find: "a&b=c", chains: "rotate(15)>vflip" };
    expect(parseRoute(href(path, query))).toEqual({ path, query });
  });
  it("reads what was typed by hand", () => {
    expect(parseRoute("")).toEqual({ path: [], query: {} });
    expect(parseRoute("#/collections/100%?find")).toEqual({ path: ["collections", "100%"], query: { find: "" } });
  });
  it("leaves out empty fields and keeps versions legible", () => {
    expect(href(["collections", "photos@3"], { other: "", find: undefined })).toBe("#/collections/photos@3");
  });
});
