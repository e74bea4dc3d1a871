// Colours of classes. The first ten are told apart with every common colour vision; above ten the hue is the index, and
// the label beside the pointer says which class it is.
const TEN_LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#b58900", "#7b3fa0", "#5f6b6d", "#882255", "#6b8e23"];
const TEN_DARK = ["#4aa8e0", "#ff8a3d", "#2cc79b", "#e79cc6", "#9ad3f5", "#f0d04a", "#b58be0", "#a9b3b5", "#d76a9d", "#a9cf5a"];
const UNLABELLED = "#8a8f98";

export function classColour(label: number, classes: number, dark: boolean): string {
  if (label < 0) return UNLABELLED;
  if (classes <= 10) return (dark ? TEN_DARK : TEN_LIGHT)[label % 10] ?? UNLABELLED;
  // Steps of the golden angle keep neighbouring indices apart.
  const hue = (label * 137.508) % 360;
  const lightness = (dark ? 66 : 42) + 8 * (Math.floor(label / 8) % 2);
  return `hsl(${hue.toFixed(1)} 62% ${lightness}%)`;
}

// What WebGL wants, of "#rrggbb" and "hsl(h s% l%)".
export function rgb(colour: string): [number, number, number] {
  if (colour.startsWith("#")) {
    const value = parseInt(colour.slice(1), 16);
    return [((value >> 16) & 255) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
  }
  const [hue = 0, saturation = 0, lightness = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  const chroma = (saturation / 100) * Math.min(lightness / 100, 1 - lightness / 100);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    return lightness / 100 - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  };
  return [channel(0), channel(8), channel(4)];
}
