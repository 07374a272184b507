// Paints the dots of maps by WebGL2, where the browser has graphics hardware: the picture that the rasteriser paints.

/** @import { Points } from '../core/points.mjs' */
/** @import { Look } from '../core/raster.mjs' */
/** @import { View } from '../core/view.mjs' */
/** @import { Context } from '../types.mjs' */

import { FAINT, FULL, HIDDEN, Raster, contextOf, paintDots } from '../core/raster.mjs'

/** @typedef {Pick<Points, 'x' | 'y' | 'groupOf' | 'rank' | 'colours' | 'faded'>} Dots */

/**
 * Points on the GPU, 12 bytes each.
 *
 * @typedef {object} Kept
 * @property {WebGLVertexArrayObject} array
 * @property {WebGLBuffer[]} buffers of x, of y, and of colours with ranks
 * @property {unknown[]} madeOf what each of them was made of
 * @property {boolean} faint whether any point is
 */

const SOFTWARE = /swiftshader|llvmpipe|softpipe|basic render|software/i
const SAME = 8 // of 255 levels: how far the hardware may be from the rasteriser, blend units being of several kinds
const RANKS = { [FAINT]: 0.5, [FULL]: 1 } // as the GPU has them, for the opacity of a colour

const VERTICES = `#version 300 es
layout(location = 0) in float x;
layout(location = 1) in float y;
layout(location = 2) in vec4 paint;
uniform vec2 size;
uniform vec3 view;
uniform vec3 disc;
uniform float rank;
flat out vec2 middle;
flat out vec3 colour;
void main() {
  vec2 at = size / 2.0 + (vec2(x, y) - view.xy) * vec2(view.z, -view.z);
  float reach = disc.z;
  vec2 pixel = 2.0 * (floor(at) + 0.5 + reach) / (size + 2.0 * reach) - 1.0;
  bool shown = abs(paint.a - rank) < 0.1 && abs(at.x) < 1e9 && abs(at.y) < 1e9; // and so neither of them is NaN
  gl_Position = shown ? vec4(pixel.x, -pixel.y, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = 2.0 * reach + 1.0;
  middle = (floor(at * 4.0) + 0.5) / 4.0;
  colour = paint.rgb;
}`

// The hardware rounds what it blends to whole levels; a little is added, so that it rounds halves up, as mix() does.
const PIXELS = `#version 300 es
precision highp float;
flat in vec2 middle;
flat in vec3 colour;
uniform vec2 size;
uniform vec3 disc;
out vec4 pixel;
void main() {
  vec2 at = vec2(gl_FragCoord.x, size.y - gl_FragCoord.y);
  float share = floor(256.0 * disc.y * clamp(disc.x + 0.5 - distance(at, middle), 0.0, 1.0) + 0.5) / 256.0;
  pixel = vec4(colour * share + 1.0 / 512.0 / 255.0, share);
}`

export class GpuPainter {
  /** @param {WebGL2RenderingContext} gl */
  constructor(gl) {
    this.gl = gl
    this.canvas = /** @type {HTMLCanvasElement} */ (gl.canvas)
    this.largest = gl.getParameter(gl.ALIASED_POINT_SIZE_RANGE)[1]
    const program = programOf(gl)
    const [size, view, disc, rank] = ['size', 'view', 'disc', 'rank'].map((name) =>
      gl.getUniformLocation(program, name),
    )
    this.uniforms = { size, view, disc, rank }
    /** @type {WeakMap<Dots, Kept | null>} null for points that do not fit */
    this.kept = new WeakMap()
    gl.useProgram(program)
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
  }

  /**
   * A painter; null where the browser has no hardware for it, or hardware that paints something else.
   *
   * @param {boolean} [software] whether software will do
   */
  static open(software = false) {
    const canvas = document.createElement('canvas')
    /** @type {WebGLContextAttributes} */
    const settings = { alpha: false, antialias: false, depth: false, failIfMajorPerformanceCaveat: !software }
    const gl = canvas.getContext('webgl2', settings)
    if (!gl || (!software && SOFTWARE.test(rendererOf(gl)))) return null
    const painter = new GpuPainter(gl)
    return painter.agrees() ? painter : null
  }

  /**
   * A canvas whose lower left corner has the picture, until the script ends; null if it cannot be painted.
   *
   * @param {Dots} points
   * @param {Pick<View, 'x' | 'y' | 'scale' | 'width' | 'height'>} view
   * @param {number} density
   * @param {Pick<Look, 'radius' | 'opacity'>} look
   * @param {number} background
   */
  paint(points, { x, y, scale, width, height }, density, { radius, opacity }, background) {
    const { gl, canvas, uniforms } = this
    const [across, down] = [width, height].map((side) => Math.max(1, Math.round(side * density)))
    const reach = Math.ceil(radius * density + 0.5)
    if (gl.isContextLost() || 2 * reach + 1 > this.largest) return null
    if (canvas.width < across) canvas.width = across
    if (canvas.height < down) canvas.height = down
    const kept = this.keep(points)
    if (!kept || gl.drawingBufferWidth < canvas.width || gl.drawingBufferHeight < canvas.height) return null
    gl.viewport(-reach, -reach, across + 2 * reach, down + 2 * reach) // a point is painted if its middle lies in it
    const [red, green, blue] = [0, 8, 16].map((shift) => ((background >> shift) & 255) / 255)
    gl.clearColor(red, green, blue, 1)
    gl.clear(gl.COLOR_BUFFER_BIT)
    gl.uniform2f(uniforms.size, across, down)
    gl.uniform3f(uniforms.view, x, y, scale * density)
    gl.uniform3f(uniforms.disc, radius * density, opacity, reach)
    for (const rank of kept.faint ? [RANKS[FAINT], RANKS[FULL]] : [RANKS[FULL]]) {
      gl.uniform1f(uniforms.rank, rank)
      gl.drawArrays(gl.POINTS, 0, points.x.length)
    }
    return gl.isContextLost() ? null : canvas
  }

  /**
   * Have points on the GPU, with what has changed of them; null if they do not fit. An array of theirs that changes is
   * replaced, and that of the ranks with every change of colours.
   *
   * @param {Dots} points
   */
  keep(points) {
    const { gl } = this
    if (!this.kept.has(points)) this.kept.set(points, this.allocate(points.x.length))
    const kept = this.kept.get(points)
    if (!kept) return null
    gl.bindVertexArray(kept.array)
    for (const [at, made] of [points.x, points.y, points.rank].entries()) {
      if (made === kept.madeOf[at]) continue
      kept.madeOf[at] = made
      gl.bindBuffer(gl.ARRAY_BUFFER, kept.buffers[at])
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, at === 2 ? paintsOf(points) : made)
      if (at === 2) kept.faint = points.rank.includes(FAINT)
    }
    return kept
  }

  /**
   * @param {number} n points
   * @returns {Kept | null}
   */
  allocate(n) {
    const { gl } = this
    const array = gl.createVertexArray()
    gl.bindVertexArray(array)
    const buffers = [1, 1, 4].map((parts, at) => {
      const buffer = gl.createBuffer()
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer)
      gl.bufferData(gl.ARRAY_BUFFER, 4 * n, gl.DYNAMIC_DRAW)
      gl.enableVertexAttribArray(at)
      gl.vertexAttribPointer(at, parts, parts === 1 ? gl.FLOAT : gl.UNSIGNED_BYTE, true, 0, 0)
      return buffer
    })
    return gl.getError() ? null : { array, buffers, madeOf: [], faint: false }
  }

  /** Whether some dots look as the rasteriser paints them: beyond an edge, over each other, faint, hidden, nowhere. */
  agrees() {
    const [width, height, background] = [64, 48, 0xffc08040]
    const view = { x: 0, y: 0, scale: 1, width, height }
    const look = { radius: 9, opacity: 0.8, soft: true, step: 1 }
    const dots = {
      x: Float32Array.of(-36.4, -18.3, -5.9, 1.4, 2.6, 19.1, NaN, 4.1),
      y: Float32Array.of(1.4, -13.6, -2.1, 14.1, 2.4, -27.6, 0, 3.4),
      groupOf: Uint16Array.of(0, 1, 0, 1, 0, 1, 0, 1),
      rank: Uint8Array.of(FULL, FULL, FAINT, FULL, FAINT, FULL, FULL, HIDDEN),
      colours: Uint32Array.of(0xff2010f0, 0xffffff00),
      faded: Uint32Array.of(0xff807060, 0xff00ff7f),
    }
    const raster = new Raster(width, height, 1, background)
    paintDots(raster, view, dots, look)
    const picture = this.paint(dots, view, 1, look, background)
    if (!picture) return false
    const context = contextOf(new OffscreenCanvas(width, height))
    layOver(context, picture, raster)
    const found = context.getImageData(0, 0, width, height).data
    return found.every((level, at) => Math.abs(level - raster.data.data[at]) <= SAME)
  }
}

/**
 * Lay the picture in the lower left corner of a canvas over another.
 *
 * @param {Context} context
 * @param {HTMLCanvasElement} canvas
 * @param {{ width: number, height: number }} size
 */
export function layOver(context, canvas, { width, height }) {
  context.drawImage(canvas, 0, canvas.height - height, width, height, 0, 0, width, height)
}

/** @type {GpuPainter | null | undefined} undefined until it is asked for */
let painter

/** The painter that all maps of the page share, browsers having few contexts to give; null where there is none. */
export function gpuPainter() {
  return (painter = painter === undefined ? GpuPainter.open() : painter)
}

/**
 * Colour and rank of each point; 0 for those that are hidden.
 *
 * @param {Dots} points
 */
function paintsOf({ groupOf, rank, colours, faded }) {
  const paints = new Uint32Array(rank.length)
  for (let i = 0; i < rank.length; i++) {
    if (rank[i] === FULL) paints[i] = colours[groupOf[i]]
    else if (rank[i] === FAINT) paints[i] = (faded[groupOf[i]] & 0xffffff) | 0x80000000
  }
  return paints
}

/** @param {WebGL2RenderingContext} gl */
function programOf(gl) {
  const program = gl.createProgram()
  for (const [type, text] of /** @type {const} */ ([
    [gl.VERTEX_SHADER, VERTICES],
    [gl.FRAGMENT_SHADER, PIXELS],
  ])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(type))
    gl.shaderSource(shader, text)
    gl.compileShader(shader)
    gl.attachShader(program, shader)
  }
  gl.linkProgram(program) // of a program that is none, nothing is painted, which agrees() sees
  return program
}

/** @param {WebGL2RenderingContext} gl */
function rendererOf(gl) {
  const info = gl.getExtension('WEBGL_debug_renderer_info')
  return String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER))
}
