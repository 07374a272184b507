// What the page answers itself, under the addresses that a server would have (ui/server/app.py lists them).

/** @import { Point } from '../../canvas/js/types.mjs' */
/** @import { KnownImages } from './known.mjs' */
/** @import { Placing } from './placing.mjs' */

import { unmasked } from '../../canvas/js/core/packing.mjs'
import { sheetOf } from './known.mjs'
import { csvOf, jsonOf, rowsOf } from './tables.mjs'

const CLASSES = 5 // of the likeliest ones
const LEAST = 0.005 // share of a class: less is written as 0 %
const AGREEING = 15 // neighbours whose labels are counted
const VOTING = 5 // neighbours that the prediction counts
const ALIKE = 48 // images that are most like one
const WINDOW_SIDE = 1000 // pixels: longest side of a window, about

/**
 * A function that answers as a server does.
 *
 * @param {KnownImages} known
 * @param {Placing | null} placing null where the page has no encoder
 * @returns {(address: string, options?: RequestInit) => Promise<Response>}
 */
export function answersOf(known, placing) {
  const { store, facts } = known
  const ofRun = `/kernelviz/runs/${facts.run}/page/`
  const ofUploads = facts.place ? `${facts.place.told.address}/` : null

  /**
   * @param {string[]} path
   * @param {URLSearchParams} query
   * @param {RequestInit} options
   * @returns {Promise<Response>}
   */
  async function answered([what, split, ...rest], query, options) {
    const row = Number(rest[0])
    if (what === 'points' || what === 'contours') return bytes(await store.bytes(`${what}/${split}`))
    if (what === 'sheets') return bytes(await store.bytes(`sheets/${split}/${rest[1]}/${rest[2]}`))
    if (what === 'decoder') return bytes(await store.bytes('decoder'), 204)
    if (what === 'thumbnail') return png(await known.picture(split, row))
    if (what === 'decode') return png(await known.decoded(coordinates(query), shape(query)))
    if (what === 'window') return png(await windowOf(known, query))
    if (what === 'likeliest') return json(await likeliest(known, placing, split, row))
    if (what === 'alike') return json(await alike(known, split, row))
    if (what === 'selections' && split === 'as') return table(known, rest[0], String(options.body))
    if (what !== 'item') return nothing()
    const items = await known.items(split)
    return json({ columns: items?.described[row] ?? [], original: false, said: null })
  }

  return async (address, options = {}) => {
    const { pathname, searchParams } = new URL(address, 'http://page')
    const path = decodeURIComponent(pathname)
    if (path.startsWith(ofRun)) return answered(path.slice(ofRun.length).split('/'), searchParams, options)
    if (placing && ofUploads && path.startsWith(ofUploads))
      return placing.answer(path.slice(ofUploads.length).split('/'), searchParams, options)
    return nothing()
  }
}

/**
 * The likeliest classes of an image: by the class head, if the page has the image, or by its neighbours' labels.
 *
 * @param {KnownImages} known
 * @param {Placing | null} placing
 * @param {string} split
 * @param {number} row
 */
async function likeliest(known, placing, split, row) {
  const { facts } = known
  const told = known.told(split)
  const i = (await known.points(split)).indices[row]
  const picture = told.maps[0].source === 'own' ? await known.picture(split, row) : null
  let shares = (picture && (await placing?.probabilities(picture))) || []
  let by = 'Probabilities of the class head'
  if (!shares.length) {
    const from = facts.splits.includes('train') ? 'train' : split
    const labels = await nearestLabels(known, split, i, from)
    shares = told.classes.map((_, at) => labels.filter((label) => label === at).length / (labels.length || 1))
    by = `Labels of the ${labels.length} training ${facts.unit} nearest on the map`
    by += placing?.hasHead ? '' : `; the prediction counts the nearest ${VOTING}`
  }
  return { by, classes: likeliestOf(shares, told.classes).filter(([, share]) => share >= LEAST) }
}

/**
 * The classes with the largest shares, the largest first.
 *
 * @param {ArrayLike<number>} shares
 * @param {string[]} classes
 * @returns {[name: string, share: number][]}
 */
export function likeliestOf(shares, classes) {
  const order = classes.map((_, at) => at).sort((a, b) => shares[b] - shares[a] || a - b)
  return order.slice(0, CLASSES).map((at) => [classes[at], shares[at]])
}

/**
 * @param {KnownImages} known
 * @param {string} split
 * @param {number} i
 * @param {string} from the split of the neighbours
 */
async function nearestLabels(known, split, i, from) {
  const { x, y } = (await known.points(split)).packed.arrays
  const { packed, spatial } = await known.points(from)
  const { label } = packed.arrays
  const found = spatial.few(x[i], y[i], AGREEING + 1, (j) => label[j] >= 0 && !(from === split && j === i))
  return found.slice(0, AGREEING).map((j) => label[j])
}

/**
 * The rows of the images that are most like an image pixel by pixel, the nearest first.
 *
 * @param {KnownImages} known
 * @param {string} split
 * @param {number} row
 */
async function alike(known, split, row) {
  const rows = (await known.points(split)).packed.arrays.row
  const wanted = await known.picture(split, row)
  if (!wanted) return []
  /** @type {[distance: number, row: number][]} */
  const distances = []
  for (const other of rows) {
    const picture = other === row ? null : await known.picture(split, other)
    if (!picture) continue
    let sum = 0
    for (let at = 0; at < wanted.data.length; at++) sum += (wanted.data[at] - picture.data[at]) ** 2
    distances.push([sum, other])
  }
  return distances
    .sort(([a], [b]) => a - b)
    .slice(0, ALIKE)
    .map(([, other]) => other)
}

/**
 * What is known of some images as a file.
 *
 * @param {KnownImages} known
 * @param {string} ending
 * @param {string} body
 */
async function table(known, ending, body) {
  /** @type {{ split: string, rows: string }} */
  const { split, rows } = JSON.parse(body)
  const found = await rowsOf(known, split, unmasked(rows))
  return ending === 'csv' ? new Response(csvOf(found)) : new Response(jsonOf(found))
}

/**
 * @param {KnownImages} known
 * @param {URLSearchParams} query
 */
async function windowOf(known, query) {
  const [[left, bottom], [right, top]] = (query.get('box') ?? '').split('~').map((one) => one.split('_').map(Number))
  const n = Number(query.get('n'))
  const longer = Math.max(right - left, top - bottom)
  const [columns, rows] = [right - left, top - bottom].map((side) => Math.max(1, Math.floor((n * side) / longer + 0.5)))
  /** @type {ImageData[]} */
  const images = []
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = left + ((right - left) * (column + 0.5)) / columns
      const y = top - ((top - bottom) * (row + 0.5)) / rows
      const image = await known.decoded([x, y], shape(query))
      if (!image) return null
      images.push(image)
    }
  }
  const side = Math.max(columns * images[0].width, rows * images[0].height)
  return sheetOf(images, columns, Math.max(1, Math.round(WINDOW_SIDE / side)))
}

/**
 * @param {URLSearchParams} query
 * @returns {Point}
 */
function coordinates(query) {
  return [Number(query.get('x')), Number(query.get('y'))]
}

/** @param {URLSearchParams} query */
function shape(query) {
  const [width, amplitude] = ['width', 'amplitude'].map((name) => Number(query.get(name)))
  return width && amplitude ? { width, amplitude } : undefined
}

/**
 * @param {ArrayBuffer | null} content
 * @param {number} [otherwise]
 */
function bytes(content, otherwise = 404) {
  return content ? new Response(content) : new Response(null, { status: otherwise })
}

/** @param {ImageData | OffscreenCanvas | null} image */
async function png(image) {
  if (!image) return nothing()
  const canvas = image instanceof ImageData ? sheetOf([image], 1) : image
  return new Response(await canvas.convertToBlob({ type: 'image/png' }))
}

/** @param {unknown} value */
export function json(value) {
  return new Response(JSON.stringify(value), { headers: { 'Content-Type': 'application/json' } })
}

export function nothing() {
  return new Response('the page has no such thing', { status: 404 })
}
