// Draws the image of a sample: a shape in the colour of its class. Written as PNG without a library.
import { deflateSync } from "node:zlib";

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; ++bit) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

const COLOURS = [[66, 135, 200], [214, 110, 40], [60, 150, 110], [200, 120, 160], [120, 180, 220], [180, 140, 20], [120, 80, 160], [110, 120, 120], [140, 50, 90], [110, 140, 50]];
const SIDE = 32;

function isInside(shape, x, y, size) {
  if (shape === 0) return x * x + y * y < size * size;
  if (shape === 1) return Math.abs(x) < size && Math.abs(y) < size;
  if (shape === 2) return y > -size && y < size && Math.abs(x) < (size - y) / 2;
  return Math.abs(x) + Math.abs(y) < size;
}

export function imageOf(sample, label) {
  const colour = COLOURS[label % 10];
  const rows = Buffer.alloc(SIDE * (1 + 3 * SIDE));
  const angle = sample * 0.7;
  for (let y = 0; y < SIDE; ++y) {
    for (let x = 0; x < SIDE; ++x) {
      const [u, v] = [x - SIDE / 2 - ((sample * 7) % 5) + 2, y - SIDE / 2 - ((sample * 3) % 5) + 2];
      const [a, b] = [u * Math.cos(angle) - v * Math.sin(angle), u * Math.sin(angle) + v * Math.cos(angle)];
      const inside = isInside(label % 4, a, b, 7 + (sample % 4));
      const ground = 222 - 2 * y + ((sample * 13) % 20);
      for (let c = 0; c < 3; ++c) rows[y * (1 + 3 * SIDE) + 1 + 3 * x + c] = inside ? colour[c] : Math.min(255, ground);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}
