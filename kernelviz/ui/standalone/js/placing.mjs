// New pictures in the page: read, encoded, compared with the training images; what ui/upload/routes.py answers.

/** @import { Grade, Packed } from '../../canvas/js/types.mjs' */
/** @import { Seen } from '../../canvas/js/features/uploads/details.mjs' */
/** @import { ProjectedRow } from '../../canvas/js/features/uploads/transfer.mjs' */
/** @import { Decoder } from '../../canvas/js/core/decoder.mjs' */
/** @import { KnownImages, Known } from './known.mjs' */
/** @import { Encoded } from './encoder.mjs' */
/** @import { PlaceFacts, Raster } from './types.mjs' */

import { contextOf } from '../../canvas/js/core/raster.mjs'
import { json, likeliestOf, nothing } from './answers.mjs'
import { Encoder, energyOf, softmax } from './encoder.mjs'
import { dataUrl, imageOf } from './known.mjs'
import { Novelty } from './novelty.mjs'
import { onWhite, openPicture, preprocessed } from './preprocessing.mjs'
import { deviation, pixelStatistics } from './statistics.mjs'

const AT_ONCE = 200 // ms of placing before it says how far it has come
const PICTURE_SIDE = 280 // pixels: longer side of the pictures
const WARM = 5 // pictures until the browser has compiled what places them
const MARK_SIDE = 128 // pixels: longer side of a mark

/** @typedef {{ name: string, file: Blob, row: Placed | null, rejected: boolean }} Upload */

/**
 * A picture on the map, and how it compares with the training images.
 *
 * @typedef {object} Placed
 * @property {Encoded} encoded
 * @property {Uint8Array} pixels that the network takes
 * @property {Float32Array | null} decoded values in [0, 1]
 * @property {number[]} nearest known points
 * @property {number} prediction class, -1 for none
 * @property {number} confidence
 * @property {number[]} probabilities of the class head, none without one
 * @property {Grade} grade
 * @property {[name: string, percentile: number][]} signals
 * @property {string[]} reasons
 */

export class Placing {
  /**
   * @param {KnownImages} known
   * @param {PlaceFacts} facts
   * @param {(names: string[]) => void} rejected is called with the names of all files that are no pictures
   */
  constructor(known, facts, rejected) {
    this.known = known
    this.facts = facts
    this.rejected = rejected
    /** @type {Upload[]} */
    this.uploads = []
    this.mode = facts.told.preprocessing
    /** @type {Promise<{ encoder: Encoder, novelty: Novelty | null, decoder: Decoder | null, points: Known }> | null} */
    this.loading = null
    this.hasHead = false
  }

  get told() {
    return this.known.told(this.facts.nearest)
  }

  /** Everything that it takes to place a picture. */
  load() {
    this.loading ??= this.loaded()
    return this.loading
  }

  async loaded() {
    const { known, facts } = this
    const [packed, calibration, decoder, points] = await Promise.all([
      known.store.packed('encoder'),
      known.store.packed('calibration'),
      known.decoder(),
      known.points(facts.nearest),
    ])
    if (!packed) throw new Error('the page has no encoder')
    const encoder = new Encoder(packed)
    this.hasHead = encoder.facts.classes > 0
    return { encoder, novelty: calibration && new Novelty(/** @type {Packed} */ (calibration)), decoder, points }
  }

  /** Load it, and place a bar a few times: what runs for the first time is ten times as slow. */
  async prepared() {
    await this.load()
    const bar = { width: PICTURE_SIDE, height: PICTURE_SIDE, channels: 3, data: new Uint8Array(3 * PICTURE_SIDE ** 2) }
    bar.data.forEach(
      (_, at) => (bar.data[at] = Math.abs((at % (3 * PICTURE_SIDE)) / (1.5 * PICTURE_SIDE) - 1) < 0.05 ? 0 : 255),
    )
    for (let turn = 0; turn < WARM; turn++) {
      await new Promise((done) => setTimeout(done))
      await this.place(bar)
    }
  }

  /**
   * Take other pictures than before from now on, in another mode.
   *
   * @param {string} mode of preprocessing
   */
  prepare(mode) {
    this.mode = mode
    for (const upload of this.uploads) upload.row = null
  }

  /**
   * The class probabilities of an image that has the network's form; none without a class head.
   *
   * @param {ImageData} image
   */
  async probabilities(image) {
    const { encoder } = await this.load()
    if (!this.hasHead) return []
    const [channels, height, width] = encoder.facts.shape
    if (image.width !== width || image.height !== height) return []
    const { data } = onWhite(image)
    const pixels = channels === 3 ? data : data.filter((_, at) => at % 3 === 0)
    return softmax(encoder.encode(planes(pixels, channels)).logits)
  }

  /**
   * Place a picture.
   *
   * @param {Raster} picture
   * @returns {Promise<Placed>}
   */
  async place(picture) {
    const { encoder, novelty, decoder, points } = await this.load()
    const pixels = preprocessed(picture, this.facts.preprocessing[this.mode])
    const values = planes(pixels, encoder.facts.shape[0])
    const encoded = encoder.encode(values)
    const decoded = decoder ? decoder.decode(encoded.code).slice() : null
    const probabilities = encoded.logits.length ? softmax(encoded.logits) : []
    const blank = deviation(pixels) < (novelty?.facts.blank ?? 2) || !encoded.coordinates
    const { nearest, distance } = this.nearestTo(encoded, points, novelty?.facts.nearest ?? 5)
    const [prediction, confidence] = probabilities.length
      ? largest(probabilities)
      : voted(nearest.map((i) => points.packed.arrays.label[i]))
    const [channels, height, width] = encoder.facts.shape
    const signals = { map: distance, decoded: decoded ? errorOf(decoded, values) : NaN, classes: NaN }
    if (probabilities.length) signals.classes = energyOf(encoded.logits)
    const measured = {
      ...(novelty?.measures('features') && { features: novelty.distance('features', encoded.direction) }),
      ...(novelty?.measures('pixels') && {
        pixels: novelty.distance('pixels', pixelStatistics(pixels, width, height, channels)),
      }),
    }
    const judged = novelty?.judge({ ...signals, ...measured })
    return {
      ...{ encoded, pixels, decoded, nearest, probabilities },
      prediction: blank ? -1 : prediction,
      confidence: blank || prediction < 0 ? NaN : confidence,
      grade: blank ? 'blank' : (judged?.grade ?? 'usual'),
      signals: judged?.signals ?? [],
      reasons: blank ? [] : (judged?.reasons ?? []),
    }
  }

  /**
   * @param {Encoded} encoded
   * @param {Known} points
   * @param {number} k
   */
  nearestTo({ coordinates }, { packed, spatial }, k) {
    if (!coordinates) return { nearest: [], distance: NaN }
    const [x, y] = coordinates
    const nearest = spatial.few(x, y, k)
    const last = nearest[nearest.length - 1]
    const { arrays } = packed
    return { nearest, distance: last === undefined ? NaN : Math.hypot(arrays.x[last] - x, arrays.y[last] - y) }
  }

  // What the canvas asks

  /**
   * @param {string[]} path
   * @param {URLSearchParams} query
   * @param {RequestInit} options
   */
  async answer(path, query, options) {
    const [what] = path
    const last = Number(path[path.length - 1])
    if (what === 'files') return json({ total: this.store(/** @type {FormData} */ (options.body)) })
    if (what === 'projection') return json(await this.projected(Number(query.get('first'))))
    if (what === 'sketch') return json(await this.detailsOf('sketch', /** @type {Blob} */ (options.body)))
    const upload = this.uploads[last]
    if (!upload) return nothing()
    if (what === 'details') return json(await this.detailsOf(upload.name, upload.file, upload.row))
    return what === 'pictures' ? new Response(await small(upload.file)) : nothing()
  }

  /** @param {FormData} form */
  store(form) {
    /** @type {string[]} */
    const names = JSON.parse(String(form.get('names')))
    form.getAll('files').forEach((file, at) => {
      if (file instanceof Blob) this.uploads.push({ name: names[at], file, row: null, rejected: false })
    })
    return this.uploads.length
  }

  /**
   * Place some more, and give the rows from one on.
   *
   * @param {number} first
   */
  async projected(first) {
    const until = performance.now() + AT_ONCE
    for (const upload of this.uploads) {
      if (upload.row || upload.rejected) continue
      if (performance.now() > until) break
      await this.read(upload)
    }
    const done = this.uploads.filter(({ row, rejected }) => row || rejected).length
    const rows = this.uploads.flatMap(({ row, name }, number) => (row ? [this.rowOf(number, name, row)] : []))
    return { rows: rows.slice(first), left: done < this.uploads.length, done, total: this.uploads.length }
  }

  /** All pictures on the map as a table. */
  rows() {
    return this.uploads.flatMap(({ row, name }, number) => {
      if (!row) return []
      const { x, y, prediction, confidence, grade, reasons } = this.rowOf(number, name, row)
      return [{ name, x, y, prediction, confidence, grade, reasons }]
    })
  }

  /** @param {Upload} upload */
  async read(upload) {
    const picture = await openPicture(upload.file).catch(() => null)
    if (picture) upload.row = await this.place(picture)
    else {
      upload.rejected = true
      this.rejected(this.uploads.filter(({ rejected }) => rejected).map(({ name }) => name))
    }
  }

  /**
   * @param {number} number
   * @param {string} name
   * @param {Placed} placed
   * @returns {ProjectedRow}
   */
  rowOf(number, name, placed) {
    const { confidence, grade, encoded, reasons } = placed
    const [x, y] = encoded.coordinates ?? [null, null]
    return {
      ...{ number, name, x, y, grade },
      prediction: this.told.classes[placed.prediction] ?? null,
      confidence: Number.isNaN(confidence) ? null : confidence,
      reasons: reasons.join(', '),
      words: this.words(grade),
      verdict: this.verdict(placed),
    }
  }

  /** @param {Grade} grade */
  words(grade) {
    return grade === 'blank' && this.facts.told.digits ? 'No digit found' : this.facts.grades[grade]
  }

  /** @param {Placed} placed */
  verdict({ grade, prediction, confidence }) {
    const name = this.told.classes[prediction]
    if (grade === 'blank' || name === undefined) return ''
    if (grade === 'novel') return `the nearest class would be ${name}`
    return `predicted as ${name}, ${Math.round(100 * confidence)} %`
  }

  /**
   * @param {string} name
   * @param {Blob} file
   * @param {Placed | null} [known]
   * @returns {Promise<Seen>}
   */
  async detailsOf(name, file, known) {
    const picture = await openPicture(file)
    const placed = known ?? (await this.place(picture))
    const { encoder, points } = await this.load()
    const { shape, grid } = encoder.facts
    const [channels, height, width] = shape
    const { encoded, decoded, nearest, grade } = placed
    const { classes } = this.told
    const [x, y] = encoded.coordinates ?? [null, null]
    const labels = nearest.map((i) => points.packed.arrays.label[i]).filter((label) => label >= 0)
    const shares = placed.probabilities.length
      ? placed.probabilities
      : classes.map((_, at) => labels.filter((label) => label === at).length / (nearest.length || 1))
    const sure = x !== null && (grade === 'usual' || grade === 'unusual')
    return {
      ...{ name, x, y, grade },
      original: urlOf(canvasOf(picture, PICTURE_SIDE)),
      saw: dataUrl(imageOf(planes(placed.pixels, channels), [channels, height, width])),
      bump: dataUrl(bumpOf(encoded.activation, grid)),
      decoded: decoded && dataUrl(imageOf(decoded, shape)),
      likeliest: sure ? likeliestOf(shares, classes).filter(([, share]) => share > 0) : [],
      words: this.words(grade),
      reasons: placed.reasons,
      verdict: this.verdict(placed),
      signals: placed.signals,
      nearest: x === null ? [] : await Promise.all(nearest.map((i) => this.neighbour(points, i))),
    }
  }

  /**
   * @param {Known} points
   * @param {number} i
   */
  async neighbour({ packed }, i) {
    const { row, label, x, y } = packed.arrays
    const { nearest: split } = this.facts
    const own = this.told.maps[0].source === 'decoded' ? null : await this.known.picture(split, row[i])
    const image = own ?? (await this.known.decoded([x[i], y[i]]))
    return { class: this.told.classes[label[i]] ?? '–', picture: image && dataUrl(image) }
  }
}

/**
 * Pixels as numbers in [0, 1], channel after channel.
 *
 * @param {Uint8Array} pixels channels last
 * @param {number} channels
 */
export function planes(pixels, channels) {
  const size = pixels.length / channels
  return Float32Array.from(pixels, (_, at) => pixels[(at % size) * channels + Math.floor(at / size)] / 255)
}

/**
 * @param {Float32Array} decoded
 * @param {Float32Array} values
 */
function errorOf(decoded, values) {
  return decoded.reduce((sum, value, at) => sum + (value - values[at]) ** 2, 0) / values.length
}

/**
 * The largest of some shares: its number, and itself.
 *
 * @param {number[]} shares
 * @returns {[number, number]}
 */
function largest(shares) {
  const most = Math.max(...shares)
  return [shares.indexOf(most), most]
}

/**
 * The most frequent label, the smallest of several, and its share.
 *
 * @param {number[]} labels
 * @returns {[number, number]}
 */
function voted(labels) {
  const known = labels.filter((label) => label >= 0)
  if (!known.length) return [-1, 0]
  const counts = new Array(Math.max(...known) + 1).fill(0)
  for (const label of known) counts[label]++
  const [label, most] = largest(counts)
  return [label, most / labels.length]
}

/**
 * An activation as a picture, its maximum white; y grows upwards.
 *
 * @param {Float32Array} activation
 * @param {number[]} grid
 */
function bumpOf(activation, [rows, columns]) {
  const most = Math.max(1e-12, ...activation)
  const upright = activation.map(
    (_, at) => activation[(rows - 1 - Math.floor(at / columns)) * columns + (at % columns)] / most,
  )
  return imageOf(upright, [1, rows, columns])
}

/**
 * A picture on a canvas of at most some pixels along its sides.
 *
 * @param {Raster} picture
 * @param {number} side
 */
function canvasOf({ width, height, data }, side) {
  const image = new ImageData(width, height)
  for (let i = 0; i < width * height; i++) {
    for (let k = 0; k < 3; k++) image.data[4 * i + k] = data[3 * i + k]
    image.data[4 * i + 3] = 255
  }
  const whole = new OffscreenCanvas(width, height)
  contextOf(whole).putImageData(image, 0, 0)
  const scale = Math.min(1, side / Math.max(width, height))
  const canvas = document.createElement('canvas')
  Object.assign(canvas, {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  })
  contextOf(canvas).drawImage(whole, 0, 0, canvas.width, canvas.height)
  return canvas
}

/** @param {HTMLCanvasElement} canvas */
function urlOf(canvas) {
  return canvas.toDataURL('image/jpeg', 0.9)
}

/**
 * A small picture of a file.
 *
 * @param {Blob} file
 * @returns {Promise<Blob | null>}
 */
async function small(file) {
  const canvas = canvasOf(await openPicture(file), MARK_SIDE)
  return new Promise((good) => canvas.toBlob(good, 'image/png'))
}
