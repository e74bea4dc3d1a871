// Points and lines by WebGL2, without a library: libraries compile code from text, which the page's policy forbids.
import type { Camera, Size } from "../lib/plane";
import type { Scene } from "../lib/scene";

export interface Renderer {
  draw: (scene: Scene, camera: Camera, size: Size, ratio: number) => void;
  dispose: () => void;
}

const VERTEX = `#version 300 es
in vec2 place;
in vec3 colour;
uniform vec2 centre;
uniform vec2 scale;
uniform float diameter;
out vec3 ink;
void main() {
  gl_Position = vec4((place - centre) * scale, 0.0, 1.0);
  gl_PointSize = diameter;
  ink = colour;
}`;

// A disc with a soft edge of one pixel; a line is the same with roundness 0.
const FRAGMENT = `#version 300 es
precision highp float; // as in the vertex shader, which shares a uniform
in vec3 ink;
uniform float round;
uniform float diameter;
uniform float alpha;
out vec4 colour;
void main() {
  float radius = length(gl_PointCoord - 0.5) * diameter;
  float cover = round > 0.5 ? clamp(diameter * 0.5 - radius, 0.0, 1.0) : 1.0;
  colour = vec4(ink, 1.0) * (alpha * cover);
}`;

function compile(gl: WebGL2RenderingContext): WebGLProgram | null {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(type);
    if (!shader) return null;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}

export function glRenderer(canvas: HTMLCanvasElement): Renderer | null {
  const gl = canvas.getContext("webgl2", { antialias: true, premultipliedAlpha: true });
  if (!gl) return null;
  const program = compile(gl);
  if (!program) return null;
  const place = gl.getAttribLocation(program, "place");
  const colour = gl.getAttribLocation(program, "colour");
  const uniform = (name: string) => gl.getUniformLocation(program, name);
  const at = { centre: uniform("centre"), scale: uniform("scale"), diameter: uniform("diameter"), round: uniform("round"), alpha: uniform("alpha") };
  const buffers = new Map<Float32Array, WebGLBuffer>();
  let uploaded: Scene | null = null;

  const upload = (scene: Scene) => {
    for (const buffer of buffers.values()) gl.deleteBuffer(buffer);
    buffers.clear();
    for (const values of [scene.points, scene.colours, scene.lines, scene.lineColours]) {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
      buffers.set(values, buffer);
    }
    uploaded = scene;
  };
  const bind = (location: number, values: Float32Array, size: number) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers.get(values) ?? null);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, size, gl.FLOAT, false, 0, 0);
  };
  const part = (kind: number, places: Float32Array, colours: Float32Array, diameter: number, alpha: number) => {
    if (places.length === 0) return;
    bind(place, places, 2);
    bind(colour, colours, 3);
    gl.uniform1f(at.round, kind === gl.POINTS ? 1 : 0);
    gl.uniform1f(at.diameter, diameter);
    gl.uniform1f(at.alpha, alpha);
    gl.drawArrays(kind, 0, places.length / 2);
  };
  return {
    draw(scene, camera, size, ratio) {
      if (scene !== uploaded) upload(scene);
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.useProgram(program);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      gl.uniform2f(at.centre, camera.x, camera.y);
      gl.uniform2f(at.scale, (2 * camera.scale) / size.width, (2 * camera.scale) / size.height);
      part(gl.LINES, scene.lines, scene.lineColours, 1, 0.3);
      part(gl.POINTS, scene.points, scene.colours, 7 * ratio, 0.85);
    },
    dispose() {
      for (const buffer of buffers.values()) gl.deleteBuffer(buffer);
      gl.deleteProgram(program);
    },
  };
}
