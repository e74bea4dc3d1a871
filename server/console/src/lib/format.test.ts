import { describe, expect, it } from "vitest";
import { bytes, decimal, duration, rowBytes, short } from "./format";

describe("format", () => {
  it("writes bytes in powers of 1000", () => {
    expect(bytes(0)).toBe("0 B");
    expect(bytes(1234)).toBe("1.23 kB");
    expect(bytes(999_900)).toBe("1.00 MB");
    expect(bytes(250e9)).toBe("250 GB");
  });
  it("writes times in the unit that fits", () => {
    expect(duration(0.0123)).toBe("12 ms");
    expect(duration(3.21)).toBe("3.2 s");
    expect(duration(7260)).toBe("2 h 1 min");
    expect(duration(864000)).toBe("10 days");
  });
  it("writes a minus and short numbers", () => {
    expect(decimal(-0.1234)).toBe("−0.123");
    expect(short(412_345)).toBe("412K");
    expect(short(999)).toBe("999");
  });
  it("knows the bytes of a row", () => {
    expect([rowBytes("f32", 512), rowBytes("f16", 512), rowBytes("u8", 512)]).toEqual([2048, 1024, 520]);
  });
});
